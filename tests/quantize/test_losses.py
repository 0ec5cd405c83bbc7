"""What the integers of a prepared model lose is said when it is compiled, and kept in the manifest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import ClassVar

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.ir.network import Neuron
from snn2hw.ir.ranges import ranges
from snn2hw.passes.findings import Finding, LossWarning
from snn2hw.quantize import Prepared, prepare
from snn2hw.quantize import losses as module
from snn2hw.quantize.losses import losses
from snn2hw.quantize.neuron import QuantisedNeuron
from snn2hw.quantize.synapse import Synapse

pytestmark = pytest.mark.torch

LOST = """\
negative spikes send nothing: their amplitude becomes 0
  where:    1 (CirculateFiring)
  got:      amplitudes 0.03, 0.03, 0.03, 0.03 of negative spikes
  cause:    one unit of an 8-bit spike value that holds the positive ones, too, is 0.0625
  do:       use negative_amplitude=0 if that is meant, else """
MOVED = """\
rounding moves the amplitude of negative spikes by more than 25%
  where:    1 (CirculateFiring)
  got:      amplitudes 0.04, 0.04, 0.04, 0.04 of negative spikes become 0.0625, 0.0625, 0.0625, 0.0625
  cause:    one unit of an 8-bit spike value that holds the positive ones, too, is 0.0625
  do:       keep it if the prepared model is accurate enough: it was trained with these integers; else use fewer levels, \
whose unit is finer"""


def prepared(amplitude: float, *, learned: bool) -> Prepared:
    """Four levels of 1, of which 8 bits leave 1/16 for a unit."""
    torch.manual_seed(0)
    neuron = nn.CirculateFiring(4, negative_amplitude=0.5 if learned else amplitude, learn_negative_amplitude=learned)
    model = prepare(nn.Sequential(nn.Linear(6, 8), neuron, nn.Linear(8, 3)), torch.rand(16, 6), steps=2)
    if learned:
        (layer,) = (m for m in model.layers.values() if isinstance(m, QuantisedNeuron))
        assert layer.neuron.negative is not None
        layer.neuron.negative.data.fill_(amplitude)
    return model


def said(model: Prepared) -> list[str]:
    """The warnings of `compile`, which the manifest holds, too."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        artefact = snn2hw.compile(model)
    assert all(w.category is LossWarning and w.filename == __file__ for w in told)
    texts = [str(w.message) for w in told]
    assert [text.split("\n")[0] for text in texts] == [w["what"] for w in artefact.manifest["warnings"]]
    return texts


def test_a_learned_amplitude_that_becomes_0_is_named() -> None:
    """Below 1/32, half a unit; 0 itself, or beyond it, is 0 in floats, too."""
    lost = f"{LOST}fewer levels, whose unit is finer, or train on from a larger one"
    assert said(prepared(0.03, learned=True)) == [lost]
    assert said(prepared(0.0, learned=True)) == said(prepared(-0.5, learned=True)) == []


def test_a_learned_amplitude_that_rounding_moves_is_named() -> None:
    assert said(prepared(0.04, learned=True)) == [MOVED]
    assert said(prepared(0.06, learned=True)) == said(prepared(0.5, learned=True)) == said(prepared(1.7, learned=True)) == []


def test_one_that_is_given_is_named_too() -> None:
    given = f"{LOST}a larger one, or learn it (learn_negative_amplitude=True)"
    with pytest.warns(LossWarning) as caught:  # before a training that would not change it
        model = prepared(0.03, learned=False)
    assert [str(w.message) for w in caught] == [given]
    assert said(model) == [given]
    assert said(prepared(0.5, learned=False)) == said(prepared(1.0, learned=False)) == []


GONE = "quantisation sets the weights of whole channels to 0"
BY_LAYER = snn2hw.Options(scales="layer")


def layers(neuron: torch.nn.Module, inputs: int = 6) -> torch.nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 8), neuron, nn.Linear(8, 3))


def parts(model: Prepared) -> list[Finding]:
    return list(losses(model, model.integers()))


@torch.no_grad()
def scaled(model: Prepared, layer: str, by: float, channels: int | slice = slice(None)) -> Prepared:
    """The model after a training that multiplied the weights of these channels, and their biases."""
    synapse = model.layer(layer)
    assert isinstance(synapse, Synapse)
    synapse.weight[channels] *= by
    synapse.bias[channels] *= by
    return model


def test_weights_that_become_0_are_named_before_the_training() -> None:
    model = layers(nn.LIF())
    with torch.no_grad():
        model[0].weight[3] *= 1e-4
        model[0].bias[3] = 1.0
        model[0].weight[5] *= 50
    with pytest.warns(LossWarning) as caught:
        prepare(model, torch.rand(16, 6), steps=2, options=BY_LAYER)
    assert any(GONE in str(w.message) and "channel" in str(w.message) for w in caught)


@pytest.mark.parametrize(("options", "also"), [(BY_LAYER, ' or scales="channel"'), (snn2hw.Options(scales="channel"), "")])
def test_weights_that_became_0_in_training_are_named(options: snn2hw.Options, also: str) -> None:
    model = prepare(layers(nn.LIF()), torch.rand(16, 6), steps=2, options=options)
    assert said(model) == []
    synapse = scaled(model, "0", 1e-3, 3).layer("0")
    assert isinstance(synapse, Synapse)
    per_unit = float(synapse.weight_scale.flatten()[3 if also == "" else 0])
    assert synapse.integers()[0].any(1).tolist() == [c != 3 for c in range(8)]
    (text,) = said(model)
    assert (
        text
        == f"""\
{GONE}
  where:    0 (Linear)
  got:      1 of 8 channels (3); 6 of 48 weights became 0
  cause:    at the scale that `prepare` chose 8 bits hold no weight below {0.5 / per_unit:.3g}, \
and the largest of channel 3 is {float(synapse.weight[3].detach().abs().max()):.3g}
  do:       keep it if the prepared model is accurate enough: it was trained with these integers; else train with less \
weight decay, or prepare the float model with more weight bits{also}"""
    )


def test_weights_of_a_readout_and_of_a_recurrent_layer_are_looked_at_too() -> None:
    heard = nn.Recurrent(nn.LIF(), nn.Linear(8, 8))
    model = prepare(layers(heard), torch.rand(16, 6), steps=2)
    scaled(scaled(model, "1.synapse", 1e-4, 2), "2", 1e-4, 1)
    assert [(f.what, f.where) for f in parts(model)] == [(GONE, "1.synapse (Linear)"), (GONE, "2 (Linear)")]


def test_what_was_pruned_and_what_no_state_tells_is_not_missed() -> None:
    model = prepare(layers(nn.LIF()), torch.rand(16, 6), steps=2, options=BY_LAYER)
    assert parts(scaled(model, "0", 0.0, 3)) == []
    assert parts(scaled(model, "0", 1e-9, 2)) == []


def test_a_layer_that_training_silenced_is_named() -> None:
    """A membrane that forgets all, of inputs up to 0.2 of what they were; and one with a threshold that was learned."""
    model = prepare(layers(nn.LIF(decay=0.0)), torch.rand(16, 6), steps=2)
    assert said(model) == []
    (text,) = said(scaled(model, "0", 0.2))
    program = model.integers().neurons[0].program
    assert program.roles is not None
    h = program.by_name[program.roles.membrane]
    reached = ranges(program)[h.name].hi * 2.0**-h.format.frac
    assert text.split("\n")[:3] == [
        "this layer can never fire",
        "  where:    1 (LIF)",
        f"  got:      its membrane reaches at most {reached:g}, its threshold is 1",
    ]


def test_a_learned_threshold_that_silences_a_layer_is_the_one_that_is_named() -> None:
    made = nn.CirculateFiring(1, signed=False, decay=0.0, learn_threshold=True)
    model = prepare(layers(made), torch.rand(16, 6), steps=2)
    layer = model.layer("1")
    assert isinstance(layer, QuantisedNeuron)
    assert layer.neuron.log_scale is not None
    layer.neuron.log_scale.data += 0.5
    (found,) = parts(scaled(model, "0", 0.5))
    assert found.got.endswith("its threshold is 1.64872")


def test_the_head_is_judged_by_the_polynomial_that_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def spied(equation: Neuron, *rest: object) -> Iterator[Finding]:
        judged.append(equation.coefficients.tolist())
        return iter(())

    monkeypatch.setattr(module, "neuron_losses", spied)
    model = prepare(layers(nn.LNM(degree=2)), torch.rand(16, 6), steps=2)
    before = model.integers().neurons[0].meaning
    layer = model.layer("1")
    assert isinstance(layer, QuantisedNeuron)
    for p in layer.neuron.parameters():
        p.data += 0.125
    now = model.integers()
    meaning = now.neurons[0].meaning
    assert before is not None
    assert meaning is not None
    assert meaning.coefficients != before.coefficients
    list(losses(model, now))
    assert judged == [[list(row) for row in meaning.coefficients]]


class Deaf(nn.CustomNeuron):
    """Remembers nothing, and fires where what enters reaches 1."""

    states: ClassVar = {"v": nn.State(range=(-2.0, 2.0))}

    def step(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return nn.fire(x, 1.0), {"v": x}


def test_a_neuron_of_ones_own_that_training_silenced_is_named() -> None:
    model = prepare(layers(Deaf()), torch.rand(16, 6), steps=2)
    assert parts(model) == []
    (found,) = parts(scaled(model, "0", 0.2))
    assert (found.what, found.where) == ("this layer can never fire", "1 (Deaf)")


class Added(torch.nn.Module):
    """Adds constants to what fired; 1e-9 is none in integers."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.behind = nn.Sequential(nn.Linear(6, 8), nn.LIF()), nn.Sequential(nn.LIF(), nn.Linear(8, 3))
        self.register_buffer("side", torch.tensor([1.0] * 7 + [1e-9]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.behind(self.before(x) + self.side)
        return y


def many_inputs() -> torch.nn.Module:
    return nn.Sequential(nn.Linear(4097, 3), nn.LIF(reset="value", strict=True), nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("make", "inputs", "target", "what"),
    [
        (Added, 6, "generic", "the constants that are added to whole channels become 0"),
        (many_inputs, 4097, "loihi1", "a neuron reads more values than a core of the target 'loihi1' has input axons"),
    ],
)
def test_what_no_training_changes_is_said_as_of_a_float_model(
    make: Callable[[], torch.nn.Module], inputs: int, target: str, what: str
) -> None:
    torch.manual_seed(0)
    model, x = make(), torch.randint(0, 2, (3, 4, inputs)).float()
    with warnings.catch_warnings(action="ignore", category=LossWarning):
        prepared = prepare(model, x, target, layout="TN")
        of_floats = snn2hw.compile(model, x, target=target, layout="TN").manifest["warnings"]
    assert [asdict(f) for f in parts(prepared)] == [w for w in of_floats if w["what"] == what] != []
