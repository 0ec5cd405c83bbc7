"""Exact integer arithmetic: integers and intervals enter; rounded, wrapped, clamped ones leave, with the format they need.

It knows nothing of networks and imports only errors.
"""

from snn2hw.num.format import Format
from snn2hw.num.interval import Interval
from snn2hw.num.rounding import Rounding, WrapLaw, clamp, select, shift_right, wrap, wrap_parameters

__all__ = ["Format", "Interval", "Rounding", "WrapLaw", "clamp", "select", "shift_right", "wrap", "wrap_parameters"]
