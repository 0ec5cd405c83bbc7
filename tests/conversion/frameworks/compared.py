"""A framework's module beside the layer that `known` makes of it: every spike and every state, and then its integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

import snn2hw
from snn2hw import nn
from snn2hw.conversion.frameworks import known
from snn2hw.conversion.known import Known
from snn2hw.neurons import in_torch

STEPS, SAMPLES = 50, 2
LINEAR, IMAGE = (5,), (3, 4, 4)
EXECUTORS = ("reference", "fast", "onnxruntime", "torch")


def stimulus(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """[T, N, C, ...] that makes most neurons fire now and then."""
    return torch.randn(STEPS, SAMPLES, *shape, generator=torch.Generator().manual_seed(seed)) + 0.3


def by_channel(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """One number in (0.1, 0.9) per channel, in the shape in which frameworks broadcast it."""
    values = torch.rand(shape[0], generator=torch.Generator().manual_seed(seed)) * 0.8 + 0.1
    return values.reshape(-1, *(1,) * (len(shape) - 1))


def neurons(layer: torch.nn.Module) -> list[nn.CustomNeuron]:
    """Those of a layer that `known` made."""
    return [m for m in layer.modules() if isinstance(m, nn.CustomNeuron)]


def widened(layer: torch.nn.Module) -> None:
    """No state ever saturates: as in the frameworks."""
    for neuron in neurons(layer):
        neuron.states = {name: nn.State((-1e9, 1e9), s.initial) for name, s in neuron.states.items()}


def flat(states: Any) -> list[Tensor]:
    """Nested tuples, flattened."""
    return [states] if isinstance(states, Tensor) else [t for part in states for t in flat(part)]


def by_step(layer: torch.nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(spikes, states) of all steps by the layer's own `step`, in torch."""
    assert isinstance(layer, nn.CustomNeuron)
    return _through(layer, x, lambda entering, states: layer.one_step(entering, states, torch.tensor(1.0)))


def by_equation(layer: torch.nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(spikes, states) of all steps by the equation that is traced of it, which its forward computes."""
    assert isinstance(layer, nn.CustomNeuron)
    traced = layer.trace(x.shape[2])

    def fire(over: Tensor, strict: bool) -> Tensor:
        return (over > 0 if strict else over >= 0).to(over.dtype)

    return _through(layer, x, lambda now, states: in_torch.step(traced.equation, traced.parameters, states, now, fire))


Step = Callable[[Tensor, dict[str, Tensor]], tuple[Tensor, dict[str, Tensor]]]


def _through(layer: nn.CustomNeuron, x: Tensor, step: Step) -> tuple[Tensor, dict[str, Tensor]]:
    states = {s.name: torch.full_like(x[0], s.initial) for s in layer.declared()}
    spikes, seen = [], []
    for entering in x:
        s, states = step(entering, states)
        spikes.append(s)
        seen.append(states)
    return torch.stack(spikes), {name: torch.stack([s[name] for s in seen]) for name in states}


@torch.no_grad()
def require_equal(found: Known, x: Tensor, spikes: Tensor, states: Any = ()) -> None:
    """Every spike of the layer is the framework's, and every state to the last bit; there are spikes.

    Args:
        found: of the module. x: what it was shown. spikes: [T, ...] of the module. states: those that it returned
            behind them, [T, ...], as `found.states` names them.
    """
    widened(found.layer)
    assert spikes.any()
    assert torch.equal(found.layer(x), spikes)
    named = dict(zip(found.states, flat(states), strict=True))
    if isinstance(found.layer, nn.CustomNeuron):
        for run in (by_step, by_equation):
            again, seen = run(found.layer, x)
            assert torch.equal(again, spikes)
            for name, value in named.items():
                assert torch.equal(seen[str(name)], value.expand_as(seen[str(name)])), name


def require_gradients(layer: torch.nn.Module, x: Tensor, run: Callable[[Tensor], Tensor]) -> None:
    """The gradient of the input through all steps is the framework's, up to rounding.

    Args:
        layer: that `known` made. x: [T, ...]. run: the framework's spikes [T, ...] of x.
    """
    widened(layer)
    given = x.clone().requires_grad_()
    own, other = (torch.autograd.grad((made * _rising(made)).sum(), given)[0] for made in (layer(given), run(given)))
    assert other.abs().sum() > 0
    torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


def _rising(like: Tensor) -> Tensor:
    """What each spike is worth: no two the same."""
    return torch.linspace(0.5, 1.5, like.numel()).reshape(like.shape)


def placed(module: torch.nn.Module, shape: tuple[int, ...]) -> Known:
    """What a module is here."""
    found = known(module, shape, f"layer ({type(module).__name__})")
    assert found is not None
    return found


def ranged(layer: torch.nn.Module, x: Tensor) -> None:
    """States as wide as these inputs need, and a quarter more."""
    for neuron in neurons(layer):
        neuron.states = {name: nn.State((-64.0, 64.0), s.initial) for name, s in neuron.states.items()}
    if isinstance(layer, nn.CustomNeuron):
        with torch.no_grad():
            seen = by_step(layer, x)[1]
        for name, value in seen.items():
            most = 1.25 * max(float(value.abs().max()), 0.25)
            layer.states = {**layer.states, name: nn.State((-most, most), layer.states[name].initial)}


def require_integers(layer: torch.nn.Module, shape: tuple[int, ...], hidden: int) -> None:
    """Between two linear layers it compiles, and four executors give the same integers.

    Args:
        layer: that `known` made. shape: of its input. hidden: values that leave it.
    """
    torch.manual_seed(0)
    first = nn.Linear(6, shape[0]) if len(shape) == 1 else nn.Conv2d(2, shape[0], 3, padding=1)
    with torch.no_grad():
        first.weight.mul_(2.0)
    x = np.random.default_rng(0).random((8, 3, 6) if len(shape) == 1 else (8, 3, 2, *shape[1:])) < 0.5
    with torch.no_grad():
        ranged(layer, first(torch.as_tensor(x, dtype=torch.float32)))
    never = any(_silent(n) for n in neurons(layer))
    last = [nn.Readout("last")] if never else [nn.Flatten()] * (len(shape) > 1) + [nn.Linear(hidden, 3)]
    model = torch.nn.Sequential(first, layer, *([nn.Flatten()] if never and len(shape) > 1 else []), *last).eval()
    artefact = snn2hw.compile(model, sample=x, target="generic", layout="TN")
    verdict = snn2hw.verify(artefact, x, executors=EXECUTORS)
    assert verdict.equal, str(verdict)


def _silent(neuron: nn.CustomNeuron) -> bool:
    return isinstance(neuron, nn.LI | nn.LIBox | nn.NonSpikingNode)
