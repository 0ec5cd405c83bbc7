"""What can reach each neuron: lowest and highest value of every place of every layer, from the actual integer weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2hw.ir.integer import IntNode
from snn2hw.layers import IntOperator
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
    if isinstance(node, IntOperator):
        return Bounds(*node.ends([(x.lo, x.hi) for x in inputs]))
    return inputs[0]  # of a readout, and of a recurrent edge


def spread(shape: tuple[int, ...], channels: list[tuple[int, int]]) -> Bounds:
    """The same bounds for every place of a channel; one pair is for all channels."""
    lo, hi = (
        np.broadcast_to(np.asarray(side, np.int64).reshape((1, -1) + (1,) * (len(shape) - 1)), (1, *shape)).copy()
        for side in zip(*channels, strict=True)
    )
    return Bounds(lo, hi)
