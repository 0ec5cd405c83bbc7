"""Real numbers to raw integers: rounding, and where a state lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import frexp

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


def state_format(
    state_range: tuple[float, float], bits: int, thresholds: Sequence[Sequence[float]] = (), strict: bool = False
) -> StateFormat:
    """The finest binary point at which the range fits `bits`.

    The upper bound may give way by one unit (+4.0 in s16.13), except where a spike of a step needs that very unit, as the fourth
    does with four thresholds of 1: with a lower bound it would never be fired.

    Args:
        state_range: (lo, hi) in real units. bits: width with the sign.
        thresholds: what is fired at, [S][K], a row for every step that has its own. strict: fires above, not at, a threshold.
    """
    lo, hi = state_range
    limit = Format(bits, 0).interval
    frac = bits - frexp(max(abs(lo), abs(hi)))[1] + 1  # one more than fits, whatever the range is
    while round_half_up(hi * 2.0**frac) > limit.hi + 1 or round_half_up(lo * 2.0**frac) < limit.lo:
        frac -= 1
    if round_half_up(hi * 2.0**frac) > limit.hi and limit.hi + 1 in _fires_from(thresholds, frac, strict):
        frac -= 1
    raw_lo, raw_hi = round_half_up(lo * 2.0**frac), round_half_up(hi * 2.0**frac)
    return StateFormat(frac, max(raw_lo, limit.lo), min(raw_hi, limit.hi))


def _fires_from(thresholds: Sequence[Sequence[float]], frac: int, strict: bool) -> set[int]:
    """The least raw state at which each spike of a step is fired: the sum of its threshold and those before it."""
    return {level + strict for row in thresholds for level in accumulate(round_half_up(theta * 2.0**frac) for theta in row)}
