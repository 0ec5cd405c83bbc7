"""A neuron's equation enters; its integer program (`lower_equation`) and the format of its spike values (`payload_of`) leave."""

from __future__ import annotations

from snn2hw.passes.equations.lowering import Entry, LoweredEquation, lower_equation
from snn2hw.passes.equations.payload import Payload, payload_of

__all__ = ["Entry", "LoweredEquation", "Payload", "lower_equation", "payload_of"]
