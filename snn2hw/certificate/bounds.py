"""What can reach each neuron: lowest and highest value of every place of every layer, from the actual integer weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from snn2hw.backends.reference import layer_value
from snn2hw.ir.heads import multiplied
from snn2hw.ir.integer import IntConv2d, IntLinear, IntMatMul, IntNode
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
    if isinstance(node, IntMatMul):
        a, b = inputs
        ends = [_corners(node, a, b, least) for least in (True, False)]
        return Bounds(*ends)
    return Bounds(layer_value(node, [x.lo for x in inputs]), layer_value(node, [x.hi for x in inputs]))


def _corners(node: IntMatMul, a: Bounds, b: Bounds, least: bool) -> Ints:
    """Lowest or highest sum of products; each is so at one of four corners."""
    x, y = (np.stack([v.lo[0], v.hi[0]]) for v in (a, b))  # the corners of a value in place of samples
    choose = np.minimum if least else np.maximum

    def multiply(x: Ints, y: Ints) -> Ints:
        total = np.zeros((1, x.shape[1], x.shape[2], y.shape[3]), np.int64)
        for k in range(x.shape[3]):
            products = (x[i, :, :, k, None] * y[j, :, None, k] for i in (0, 1) for j in (0, 1))
            total += reduce(choose, products)
        return total

    found: Ints = multiplied(node, (x, y), multiply)
    return found


def spread(shape: tuple[int, ...], channels: list[tuple[int, int]]) -> Bounds:
    """The same bounds for every place of a channel; one pair is for all channels."""
    lo, hi = (
        np.broadcast_to(np.asarray(side, np.int64).reshape((1, -1) + (1,) * (len(shape) - 1)), (1, *shape)).copy()
        for side in zip(*channels, strict=True)
    )
    return Bounds(lo, hi)
