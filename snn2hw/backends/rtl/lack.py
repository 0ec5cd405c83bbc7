"""What the SystemVerilog cannot hold, asked before any of it is written."""

from __future__ import annotations

from snn2hw.backends.base import lacking
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.lack import Lack
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)

KINDS: tuple[type[IntNode], ...] = (
    IntInput, IntLinear, IntConv2d, IntSumPool2d, IntMaxPool2d, IntResize2d, IntFlatten, IntPlaces, IntAdd, IntMultiply,
    IntConcat, IntOffset, IntNeuron, IntFeedback, IntReadout,
)  # fmt: skip
_OTHERS = "use one of these layers, or another back end"


def lacks(network: IntegerNetwork) -> list[Lack]:
    """Layers without a module, and maxima of values that can be negative."""
    found = lacking(network, KINDS, _OTHERS)
    intervals = {n.name: n.interval for n in network.nodes}
    found += [
        Lack(
            n.source or n.name,
            "the largest of values that can be negative has no module",
            str(intervals[n.inputs[0]]),
            "spikes from 0",
            "pool the sums by an average, or use neurons that fire positive spikes only",
        )
        for n in network.nodes
        if isinstance(n, IntMaxPool2d) and intervals[n.inputs[0]].lo < 0
    ]
    return found
