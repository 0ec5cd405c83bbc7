"""Exact integer arithmetic: formats, rounding, overflow, intervals. Knows nothing of networks; imports only errors."""

from snn2hw.num.format import Format
from snn2hw.num.interval import Interval
from snn2hw.num.law import Rounding, WrapLaw, clamp, select, shift_right, wrap, wrap_parameters

__all__ = ["Format", "Interval", "Rounding", "WrapLaw", "clamp", "select", "shift_right", "wrap", "wrap_parameters"]
