"""What a prepared model refuses, word for word."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import (
    ArtefactError,
    ShapeError,
    Snn2hwError,
    TargetError,
    UnsupportedError,
    UsageError,
    ValueRangeError,
    WidthError,
)
from snn2hw.quantize import Prepared, prepare

STEPS = 2


def plain(hidden: int = 5) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, hidden), nn.LNM(degree=2), nn.Linear(hidden, 2))


@pytest.fixture
def samples() -> torch.Tensor:
    return torch.rand(8, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def prepared(samples: torch.Tensor) -> Prepared:
    return prepare(plain(), samples, "loihi2", steps=STEPS)


def lines(error: pytest.ExceptionInfo[Snn2hwError]) -> list[str]:
    return [line.strip() for line in str(error.value).splitlines()]


def test_an_unknown_target(samples: torch.Tensor) -> None:
    with pytest.raises(TargetError) as error:
        prepare(plain(), samples, "loihi9", steps=STEPS)
    assert "loihi9" in str(error.value)


def test_a_layer_without_integer_meaning_is_named(samples: torch.Tensor) -> None:
    with pytest.raises(UnsupportedError) as error:
        prepare(nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), nn.Linear(4, 2)), samples, steps=STEPS)
    assert lines(error)[:2] == ["ReLU has no integer meaning here", "where:    1"]


@pytest.mark.parametrize("kind", ["static", "temporal"])
def test_samples_of_another_shape(prepared: Prepared, kind: str) -> None:
    model = prepared if kind == "static" else prepare(plain(), torch.rand(STEPS, 8, 3), layout="TN")
    with pytest.raises(ShapeError) as error:
        model(torch.rand(STEPS, 8, 4))
    assert lines(error)[2:] == [
        "got:      [2, 8, 4]",
        "expected: [2, N, 3]",
        "do:       give samples [3], as the sample it was prepared with had",
    ]


def test_samples_without_steps(prepared: Prepared, samples: torch.Tensor) -> None:
    with pytest.raises(ShapeError) as error:
        prepared(samples)
    assert lines(error)[2:] == [
        "got:      [8, 3]",
        "expected: [2, N, 3]",
        "do:       show them for 2 steps: train.fit(..., steps=2), or nn.repeat(samples, 2)",
    ]


def test_other_steps_of_a_temporal_model() -> None:
    with pytest.raises(ShapeError) as error:
        prepare(plain(), torch.rand(STEPS, 8, 3), layout="TN")(torch.rand(STEPS + 1, 8, 3))
    assert lines(error)[4] == "do:       bin events into as many steps, or prepare the float model with samples of these"


def test_another_shape(prepared: Prepared, samples: torch.Tensor) -> None:
    with pytest.raises(ShapeError) as error:
        prepared(nn.repeat(samples, STEPS + 1))
    assert lines(error) == [
        "the input has another shape than the prepared model",
        "where:    input 'input'",
        "got:      [3, 8, 3]",
        "expected: [2, N, 3]",
        "do:       show them for 2 steps: train.fit(..., steps=2), or nn.repeat(samples, 2)",
    ]


def test_steps_that_differ_where_one_sample_is_shown(prepared: Prepared, samples: torch.Tensor) -> None:
    prepared(torch.stack([samples, samples]))  # the same twice: no view, but nothing differs
    with pytest.raises(ShapeError) as error:
        prepared(torch.stack([samples, samples.flip(0)]))
    assert lines(error) == [
        "the steps differ, but the model was prepared for one sample shown at all of them",
        "where:    input 'input'",
        "got:      [T, N, ...] with differing steps",
        "expected: nn.repeat(x, 2)",
        "do:       prepare it with a temporal sample [T, N, ...] and steps=None",
    ]


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), float("inf")])
def test_input_out_of_range(prepared: Prepared, samples: torch.Tensor, value: float) -> None:
    samples[3, 1] = value
    with pytest.raises(ValueRangeError) as error:
        prepared(nn.repeat(samples, STEPS))
    assert lines(error)[0] == "the input is outside its declared range"
    assert lines(error)[3] == "expected: 0 to 1"


def test_event_counts_that_are_none() -> None:
    events = torch.randint(0, 3, (STEPS, 8, 3)).float()
    prepared = prepare(plain(), events, layout="TN")
    events[1, 2, 0] = 0.5
    with pytest.raises(ValueRangeError) as error:
        prepared(events)
    assert lines(error)[0] == "the input holds no event counts in range"
    assert lines(error)[3] == "expected: whole numbers from 0 to 3"


def test_a_sum_that_outgrows_the_program(prepared: Prepared, samples: torch.Tensor) -> None:
    sums = prepared._neuron("1").layer.constants.sums
    with torch.no_grad():
        prepared.layers["0"].bias.fill_(1e9)
    with pytest.raises(WidthError) as error:
        prepared(nn.repeat(samples, STEPS))
    assert lines(error) == [
        "learning has driven a synaptic sum out of what the neuron program holds",
        "where:    1",
        "got:      a larger sum",
        f"expected: sums within {sums}",
        "do:       train with a smaller learning rate or more weight decay, or train the float model on and prepare that",
    ]


def test_the_state_of_another_model(prepared: Prepared, samples: torch.Tensor) -> None:
    again = prepare(plain(), samples, "loihi2", steps=STEPS)
    again.load_state_dict(prepared.state_dict())
    other = prepare(plain(), samples * 0.5, "loihi2", steps=STEPS, options=snn2hw.Options(weight_bits=4))
    with pytest.raises(ArtefactError) as error:
        other.load_state_dict(prepared.state_dict())
    assert lines(error)[0] == "the state is that of a model that was prepared differently"
    assert lines(error)[-1] == "do:       prepare the same trained model with the same sample, target and options, then load"


def test_compile_for_something_else(prepared: Prepared) -> None:
    with pytest.raises(UsageError) as error:
        snn2hw.compile(prepared, steps=4)
    assert lines(error) == [
        "the network has another number of steps",
        "got:      steps=4",
        "expected: steps=2",
        "do:       leave steps out",
    ]
    with pytest.raises(UsageError, match="the integers of this network are for another target"):
        snn2hw.compile(prepared, target="loihi1")


def test_what_would_change_nothing_is_refused(prepared: Prepared, samples: torch.Tensor) -> None:
    """Of integers and of a float network, which have their steps and the range of their input."""
    floats = snn2hw.trace_model(plain(), samples, STEPS)
    for network in (prepared, prepared.integers(), floats):
        snn2hw.compile(network, samples, STEPS)
        with pytest.raises(UsageError) as error:
            snn2hw.compile(network, samples, input_range=(0, 2))
        assert lines(error) == [
            "the network has the range of its input already",
            "got:      input_range=(0, 2)",
            "expected: none",
            "do:       leave input_range out; it is for a torch model that is compiled or prepared",
        ]
        with pytest.raises(UsageError, match="the network has another number of steps"):
            snn2hw.compile(network, samples, STEPS + 1)


def test_a_prepared_model_is_no_float_model(prepared: Prepared, samples: torch.Tensor) -> None:
    artefact = snn2hw.compile(prepared)
    for call in (
        lambda: prepare(prepared, samples, steps=STEPS),
        lambda: snn2hw.trace_model(prepared, samples, STEPS),
        lambda: snn2hw.evaluate(artefact, samples, model=prepared),
    ):
        with pytest.raises(UnsupportedError) as error:
            call()
        assert lines(error) == [
            "the model is prepared already: its forward is its integer network",
            "where:    Prepared",
            "got:      what `snn2hw.quantize.prepare` made",
            "expected: a float model",
            "do:       give the float model that it was prepared from; `snn2hw.compile` takes the prepared one as it is",
        ]


def test_options_that_are_none(prepared: Prepared, samples: torch.Tensor) -> None:
    given: Any = {"weight_bits": 4, "scales": "layer"}
    for call in (
        lambda: prepare(plain(), samples, steps=STEPS, options=given),
        lambda: snn2hw.compile(plain(), samples, STEPS, options=given),
        lambda: snn2hw.compile(prepared, options=given),
    ):
        with pytest.raises(UsageError) as error:
            call()
        assert lines(error) == [
            "these are no options",
            "where:    options",
            "got:      {'weight_bits': 4, 'scales': 'layer'}",
            "expected: snn2hw.Options(...)",
            "do:       pass snn2hw.Options(weight_bits=4, scales='layer')",
        ]
    given = "layer"
    with pytest.raises(UsageError) as error:
        prepare(plain(), samples, steps=STEPS, options=given)
    assert lines(error)[-1] == "do:       make them: snn2hw.Options(weight_bits=...)"
