"""What the SystemVerilog cannot hold, asked before any of it is written."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.backends.base import lacking
from snn2hw.backends.rtl.layers import LAYERS
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack


def lacks(network: IntegerNetwork) -> Sequence[Lack]:
    """Layers without a module."""
    return lacking(network, LAYERS, "use one of these layers, or another back end")
