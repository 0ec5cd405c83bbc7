"""Neurons that users write: the equation that `step` becomes, its float forward, and every way to write it wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import ShapeError, Snn2hwError, Snn2hwWarning, UnsupportedError, UsageError, ValueRangeError, WidthError
from snn2hw.neurons import in_numpy, in_torch
from snn2hw.neurons.equation import ROWS, SOURCES, Op, problems
from snn2hw.neurons.normal import normal
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch

V = {"v": nn.State(range=(-2.0, 2.0))}


def neuron(step: Callable[..., Any], states: Any = None) -> nn.CustomNeuron:
    made = type("Mine", (nn.CustomNeuron,), {"states": V if states is None else states, "step": step})
    found: nn.CustomNeuron = made()
    return found


def _compared(v: torch.Tensor, strict: bool) -> torch.Tensor:
    return v > 0 if strict else v >= 0


@pytest.mark.parametrize("seed", range(30))
def test_forward_is_the_traced_equation(seed: int) -> None:
    """User's torch, the equation in NumPy, the equation in torch, and the normal form: the same spikes and states."""
    layer = make_neuron(neuron_source(seed), 4).double()
    traced = layer.trace(4)
    assert not list(problems(traced.equation))
    parameters = [p.detach().numpy() for p in traced.parameters]
    x = torch.rand(12, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 0.5
    spikes = layer(x).detach().numpy()
    plain, tidy = traced.equation, normal(traced.equation)
    now = [in_numpy.initial(plain, (3, 4, 2)) for _ in range(2)]
    tensors = {n: torch.as_tensor(v) for n, v in now[0].items()}
    for t in range(12):
        for k, equation in enumerate((plain, tidy)):
            fired, now[k], _ = in_numpy.step(equation, parameters, now[k], x[t].numpy())
            np.testing.assert_array_equal(fired, spikes[t])
        fired_torch, after = in_torch.step(
            plain, traced.parameters, tensors, x[t], lambda v, strict: (v > 0) if strict else (v >= 0)
        )
        np.testing.assert_array_equal(fired_torch.detach().numpy(), spikes[t])
        tensors = {s.name: after[s.name].clamp(*s.range) for s in plain.states}
        for name, value in now[0].items():
            np.testing.assert_allclose(now[1][name], value, atol=1e-12)
            np.testing.assert_allclose(tensors[name].detach().numpy(), value, atol=1e-12)


def test_every_operation_has_a_row_in_both_meanings() -> None:
    assert set(ROWS) == set(Op)
    assert set(in_numpy.MEANING) == set(in_torch.MEANING) == set(Op) - SOURCES


def test_gradients_reach_every_parameter() -> None:
    layer = nn.ALIF(learn=True, channels=4)
    layer(torch.rand(10, 3, 4)).sum().backward()
    assert all(p.grad is not None and bool((p.grad != 0).all()) for p in layer.parameters())


def test_a_polynomial_that_was_written_as_a_product_is_multiplied_out() -> None:
    def step(self: Any, x: Any, v: Any) -> Any:
        v = v + 0.5 * (v + 0.65) * (v + 0.4) + x
        return nn.fire(v, 0.35), {"v": v}

    tidy = normal(neuron(step).trace(1).equation)
    (polynomial,) = [t for t in tidy.terms if t.op is Op.POLYNOMIAL]
    given = in_numpy.numbers(tidy, [])
    assert [float(given[c][0]) for c in polynomial.args[1:]] == pytest.approx([0.13, 1.525, 0.5])


def test_a_state_saturates_at_its_range_in_float_too() -> None:
    def step(self: Any, x: Any, v: Any) -> Any:
        return nn.fire(v, 1.5), {"v": v + x}

    layer = neuron(step)
    assert layer(torch.ones(4, 1, 1))[:, 0, 0].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert layer(-torch.ones(8, 1, 1)).sum() == 0


REFUSED: dict[str, tuple[Callable[..., Any], type[Snn2hwError], str]] = {
    "branch": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": v if v > 0 else x}),
        UnsupportedError,
        "the step of this neuron branches on a value",
    ),
    "exponential": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": torch.exp(v) + x}),
        UnsupportedError,
        "write a polynomial that is close to exp over the range of its argument, and clamp it there",
    ),
    "division by a state": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": x / v}),
        UnsupportedError,
        "a division by a state or the input",
    ),
    "real power": (lambda self, x, v: (nn.fire(v, 1.0), {"v": v**0.5}), UnsupportedError, "a power with the exponent 0.5"),
    "sum over neurons": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": v + x.sum()}),
        UnsupportedError,
        "a neuron sees itself only; write what runs over neurons as a layer of the network",
    ),
    "equality of reals": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": torch.where(v == 0.5, x, v)}),
        UnsupportedError,
        "an equality of two numbers, which depends on how they are rounded",
    ),
    "number as a condition": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": torch.where(v, x, v)}),
        UnsupportedError,
        "torch.where with numbers as its condition",
    ),
    "comparison that is always true": (
        lambda self, x, v: (nn.fire(v, 1.0) >= 0, {"v": v}),
        UnsupportedError,
        "a comparison of a flag that is always true",
    ),
    "chance": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": v + torch.rand_like(v)}),
        UnsupportedError,
        "leave chance out of the neuron",
    ),
    "a state that is not returned": (
        lambda self, x, v: (nn.fire(v, 1.0), {}),
        UsageError,
        "the step of this neuron does not return every next state",
    ),
    "one return value": (
        lambda self, x, v: nn.fire(v, 1.0),
        UsageError,
        "the step of this neuron returns something else than spikes and next states",
    ),
    "a wrong argument": (
        lambda self, x, u: (nn.fire(u, 1.0), {"v": u}),
        UsageError,
        "name the arguments as the states are declared",
    ),
    "a tensor of several values": (
        lambda self, x, v: (nn.fire(v, 1.0), {"v": v * torch.tensor([0.5, 0.6])}),
        ShapeError,
        "write nn.per_channel(self.q) where q has one value per channel",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    step, kind, says = REFUSED[name]
    with pytest.raises(kind) as caught:
        neuron(step)(torch.rand(3, 2, 2))
    assert says in str(caught.value)
    assert "Mine.step" in str(caught.value)


def test_the_line_of_the_users_own_file_is_named() -> None:
    def step(self: Any, x: Any, v: Any) -> Any:
        v = torch.tanh(v) + x
        return nn.fire(v, 1.0), {"v": v}

    with pytest.raises(UnsupportedError, match=r"Mine\.step, test_custom\.py:\d+: v = torch\.tanh\(v\) \+ x"):
        neuron(step)(torch.rand(3, 2, 2))


@pytest.mark.parametrize(
    ("states", "kind", "says"),
    [
        ({}, UsageError, "this neuron declares no states"),
        ({"v": (-1.0, 1.0)}, UsageError, "a state of this neuron is not declared as one"),
        ({"x": nn.State((-1.0, 1.0))}, UsageError, "a name other than x, spikes, out"),
        ({"out": nn.State((-1.0, 1.0))}, UsageError, "a name other than x, spikes, out"),
        ({"v": nn.State((1.0, -1.0))}, Snn2hwError, "range"),
        ({"v": nn.State((-1.0, 1.0), initial=2.0)}, ValueRangeError, "initial is out of range"),
    ],
)
def test_states_that_are_none(states: Any, kind: type[Snn2hwError], says: str) -> None:
    with pytest.raises(kind, match=says):
        neuron(lambda self, x, v: (nn.fire(v, 1.0), {"v": v}), states)


def test_fire_and_per_channel_belong_into_a_step() -> None:
    with pytest.raises(UsageError, match=r"nn\.fire was called outside the step of a neuron"):
        nn.fire(torch.zeros(2), 1.0)
    with pytest.raises(UsageError, match=r"nn\.per_channel was called outside the step of a neuron"):
        nn.per_channel(torch.zeros(2))


def test_a_threshold_that_rounds_to_nothing_is_refused() -> None:
    """As 0 it would fire every neuron at rest, at every step."""
    model = nn.Sequential(nn.Linear(4, 3), neuron(lambda self, x, v: (nn.fire(v + x, 1e-6), {"v": v + x})), nn.Linear(3, 2))
    with pytest.raises(WidthError, match="a threshold is finer than the state can tell"):
        snn2hw.compile(model.eval(), torch.rand(3, 2, 4))


def test_a_neuron_called_like_an_operator_of_onnx_is_told_apart_from_it(tmp_path: Path) -> None:
    class Add(nn.CustomNeuron):
        states = {"v": nn.State(range=(-2.0, 2.0))}  # noqa: RUF012

        def step(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            v = 0.5 * v + x
            s = nn.fire(v, 1.0)
            return s, {"v": v - s}

    model = nn.Sequential(nn.Linear(4, 3), Add(), nn.Linear(3, 2)).eval()
    artefact = snn2hw.compile(model, torch.rand(3, 2, 4), layout="TN", out=tmp_path / "add")
    assert artefact.network.neurons[0].program.kind == "Add"
    assert not snn2hw.check(tmp_path / "add").failures
    assert not snn2hw.verify(artefact, executors=("reference", "onnxruntime", "onnx-reference")).differences


def test_a_neuron_that_can_never_fire_is_warned_of() -> None:
    def step(self: Any, x: torch.Tensor, v: torch.Tensor) -> Any:
        v = torch.clamp(0.5 * v + x, -1.0, 1.0)
        return nn.fire(v, 1.5), {"v": v}

    model = nn.Sequential(nn.Linear(4, 3), neuron(step), nn.Linear(3, 2)).eval()
    with pytest.warns(Snn2hwWarning) as warned:
        artefact = snn2hw.compile(model, torch.rand(3, 2, 4))
    assert [str(w.message) for w in warned] == [
        "this layer can never fire\n"
        "  where:    1 (Mine)\n"
        "  got:      the spikes of Mine.step are 0 for every state and every synaptic input\n"
        "  cause:    what it compares with its thresholds does not reach them, or lies outside the range of a state\n"
        "  do:       use smaller thresholds, a larger range of the state, or larger weights before it"
    ]
    assert [f["what"] for f in artefact.manifest["warnings"]] == ["this layer can never fire"]
