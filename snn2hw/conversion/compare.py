"""Spike by spike: what each neuron of the user's model gave, against what the converted model gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from snn2hw.neurons import in_torch
from snn2hw.nn.custom import CustomNeuron
from snn2hw.nn.recurrent import Recurrent
from snn2hw.shown import brief

TIE = 2.0**-20  # of the largest term: so near to its threshold float32 may fall to either side


@dataclass(frozen=True)
class Difference:
    """The first value in which two layers differ.

    Args:
        layer: its path. step: t. place: the sample and neuron, [n, c, ...].
        theirs, ours: the two values. margin: how far the neuron was from its threshold, in units of it; None: not known.
    """

    layer: str
    step: int
    place: tuple[int, ...]
    theirs: float
    ours: float
    margin: float | None

    __repr__ = brief

    @property
    def tie(self) -> bool:
        """Whether float32 alone decides, so that both are right."""
        return self.margin is not None and self.margin <= TIE

    def __str__(self) -> str:
        at = f"{self.layer}, step {self.step}, sample and neuron {list(self.place)}"
        near = "" if self.margin is None else f", {self.margin:.1e} of its size from the threshold"
        return f"{at}: {self.theirs:g} there, {self.ours:g} here{near}" + (": a tie within rounding" if self.tie else "")


@dataclass(frozen=True)
class Comparison:
    """How many values of all neurons on the sample are equal.

    Args:
        equal, total: values of all layers, steps, samples and neurons.
        layers: equal and total of each. first: the first difference, in time and then in the order of layers.
    """

    equal: int
    total: int
    layers: Mapping[str, tuple[int, int]]
    first: Difference | None

    def __str__(self) -> str:
        return f"{self.equal:,} of {self.total:,} spikes equal"


def compared(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    entering: Mapping[str, Tensor],
    layers: Mapping[str, torch.nn.Module],
) -> Comparison:
    """Both models' values [T, N, C, ...] of each neuron, by path.

    Args:
        theirs, ours: the values. entering: what entered our neurons, and `layers` those: told how near to a threshold one was.
    """
    counts, first = dict[str, tuple[int, int]](), list[tuple[int, int, str]]()
    for order, (path, expected) in enumerate(theirs.items()):
        same = expected == ours[path]
        counts[path] = int(same.sum()), same.numel()
        steps = (~same.flatten(1)).any(1).nonzero()
        if len(steps):
            first.append((int(steps[0]), order, path))
    difference = None
    if first:
        step, _, path = min(first)
        place = tuple(int(i) for i in (theirs[path][step] != ours[path][step]).nonzero()[0])
        values = float(theirs[path][step][place]), float(ours[path][step][place])
        difference = Difference(path, step, place, *values, _margin(layers[path], entering[path], step, place))
    return Comparison(sum(e for e, _ in counts.values()), sum(t for _, t in counts.values()), counts, difference)


@torch.no_grad()
def _margin(layer: torch.nn.Module, x: Tensor, step: int, place: tuple[int, ...]) -> float | None:
    """The least distance of a comparison from its threshold at a step, over the largest term, in float64."""
    neuron = layer.neuron if isinstance(layer, Recurrent) else layer
    if not isinstance(neuron, CustomNeuron):
        return None
    traced = neuron.trace(x.shape[2])
    numbers = [p.double() for p in traced.parameters]
    states = {s.name: torch.full_like(x[0], s.initial, dtype=torch.float64) for s in traced.equation.states}
    fired, least = torch.zeros_like(x[0]), list[Tensor]()

    def fire(distance: Tensor, strict: bool) -> Tensor:
        least.append(distance.abs())
        return (distance > 0 if strict else distance >= 0).to(distance)

    for t in range(step + 1):
        least.clear()
        joined = x[t] + layer.synapse(fired[None])[0] if isinstance(layer, Recurrent) else x[t]
        values = in_torch.evaluate(traced.equation, numbers, states, joined.double(), fire, t)
        largest = max(float(v.abs().max()) for v in (*states.values(), joined, torch.ones(())))
        fired = values[traced.equation.output].expand(x[0].shape).to(x)
        states = {
            s.name: values[p].expand(x[0].shape).double()
            for s, p in zip(traced.equation.states, traced.equation.updates, strict=True)
        }
    return min((float(d.expand(x[0].shape)[place]) / largest for d in least), default=None)
