"""A neuron's equation becomes an integer program: `payload_of` says what leaves it, `lower_equation` is the program."""

from __future__ import annotations

from snn2hw.passes.equations.lowering import Entry, LoweredEquation, lower_equation
from snn2hw.passes.equations.payload import Payload, payload_of

__all__ = ["Entry", "LoweredEquation", "Payload", "lower_equation", "payload_of"]
