"""Real numbers to raw integers: rounding, and where a state lives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2hw.num import Format


def round_half_up(x: float) -> int:
    """floor(x + 1/2) as an int."""
    return int(np.floor(x + 0.5))


@dataclass(frozen=True)
class StateFormat:
    """Where the state lives: binary point, and the clamp's bounds as raw integers."""

    frac: int
    lo: int
    hi: int

    def raw(self, value: float) -> int:
        """The nearest raw integer, ties upward."""
        return round_half_up(value * 2.0**self.frac)


def state_format(state_range: tuple[float, float], bits: int) -> StateFormat:
    """The finest binary point at which the range fits `bits`; a bound may give way by one unit (+4.0 in s16.13)."""
    lo, hi = state_range
    limit = Format(bits, 0).interval
    frac = bits
    while round_half_up(hi * 2.0**frac) > limit.hi + 1 or round_half_up(lo * 2.0**frac) < limit.lo:
        frac -= 1
    raw_lo, raw_hi = round_half_up(lo * 2.0**frac), round_half_up(hi * 2.0**frac)
    return StateFormat(frac, max(raw_lo, limit.lo), min(raw_hi, limit.hi))
