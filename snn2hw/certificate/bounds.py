"""What can reach each neuron: lowest and highest value of every place of every layer, from the actual integer weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snn2hw.executors.reference import layer_value
from snn2hw.ir.integer import IntConv2d, IntLinear, IntNode
from snn2hw.trace import Ints


@dataclass(frozen=True)
class Bounds:
    """Lowest and highest value [1, ...] of every place of a layer."""

    lo: Ints
    hi: Ints

    def by_channel(self) -> list[tuple[int, int]]:
        """(lowest, highest) of each channel; a place is a channel where a layer has but one axis."""
        lo, hi = (a.reshape(a.shape[1], -1) for a in (self.lo, self.hi))
        return list(zip(lo.min(1).tolist(), hi.max(1).tolist(), strict=True))


def layer_bounds(node: IntNode, inputs: list[Bounds]) -> Bounds:
    """Bounds of a node's value; exact for one layer whose inputs move freely within theirs."""
    if isinstance(node, IntConv2d | IntLinear):
        weight = node.weight.astype(np.int64)
        zero = np.zeros_like(node.bias)
        up = replace(node, weight=np.maximum(weight, 0), bias=node.bias)
        down = replace(node, weight=np.minimum(weight, 0), bias=zero)
        (x,) = inputs
        rising = layer_value(up, [np.concatenate([x.lo, x.hi])])  # both ends at once: large weights are gone through once
        falling = layer_value(down, [np.concatenate([x.hi, x.lo])])
        lo, hi = np.split(rising + falling, 2)
        return Bounds(lo, hi)
    return Bounds(layer_value(node, [x.lo for x in inputs]), layer_value(node, [x.hi for x in inputs]))


def spread(shape: tuple[int, ...], channels: list[tuple[int, int]]) -> Bounds:
    """The same bounds for every place of a channel; one pair is for all channels."""
    lo, hi = (
        np.broadcast_to(np.asarray(side, np.int64).reshape((1, -1) + (1,) * (len(shape) - 1)), (1, *shape)).copy()
        for side in zip(*channels, strict=True)
    )
    return Bounds(lo, hi)
