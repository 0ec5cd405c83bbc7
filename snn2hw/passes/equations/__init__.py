"""A neuron's equation enters; its integer program and the format of its spike values leave."""

from __future__ import annotations

from snn2hw.passes.equations.lowering import Entry, LoweredEquation, lower_equation
from snn2hw.passes.equations.spike_value import SpikeValue, spike_value_of

__all__ = ["Entry", "LoweredEquation", "SpikeValue", "lower_equation", "spike_value_of"]
