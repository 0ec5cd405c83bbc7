"""What the SystemVerilog cannot hold, asked before any of it is written."""

from __future__ import annotations

from snn2hw.backends.base import lacking
from snn2hw.backends.rtl.layers import LAYERS
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.layers import IntMaxPool2d


def lacks(network: IntegerNetwork) -> list[Lack]:
    """Layers without a module, and maxima of values that can be negative."""
    found = lacking(network, LAYERS, "use one of these layers, or another back end")
    intervals = {n.name: n.interval for n in network.nodes}
    found += [
        Lack(
            n.source or n.name,
            "the largest of values that can be negative has no module",
            str(intervals[n.inputs[0]]),
            "spikes from 0",
            "pool by an average, or use neurons that fire positive spikes only",
        )
        for n in network.nodes
        if isinstance(n, IntMaxPool2d) and intervals[n.inputs[0]].lo < 0
    ]
    return found
