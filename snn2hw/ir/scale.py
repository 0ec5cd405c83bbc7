"""What the integers between two layers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from snn2hw.ir.network import Reals


def floor_log2(limit: float, values: Reals) -> Reals:
    """The largest whole e with values * 2**e <= limit, of positive numbers: exact, so a power of two moves it by whole bits."""
    (m, e), (n, f) = np.frexp(limit), np.frexp(values)
    found: Reals = (e - f - (m < n)).astype(np.float64)
    return found


@dataclass(frozen=True)
class Scale:
    """What a raw integer stands for: raw * unit * 2**-exponent, the exponent one for all [1] or one per channel."""

    unit: Fraction
    exponents: tuple[int, ...]

    @property
    def frac(self) -> int:
        """Binary point for the format; 0 where it differs per channel."""
        return self.exponents[0] if len(self.exponents) == 1 else 0

    @property
    def values(self) -> Reals:
        """The real value of one raw unit, per channel or [1]."""
        return np.array([float(self.unit) * 2.0**-e for e in self.exponents])
