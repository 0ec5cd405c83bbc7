"""The worst error of a polynomial's program: |integer - real| over states and channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.passes.polynomials.horner import Argument
from snn2hw.trace import Ints

CHUNK = 1 << 12  # states at once: their arrays stay in a processor's nearest caches


@dataclass(frozen=True)
class Worst:
    """The largest error, in units of the state; the state and the channel where it occurs."""

    error: float
    state: int
    channel: int


def worst_error(program: Program, value: str, coefficients: Reals, u: Argument, most: int) -> Worst:
    """max |value - P(u)| over `most` states of the argument, spread evenly; over all where there are no more.

    P(u) is taken in float64, so the result is right to about 1e-9 units at 24 bits.

    Args:
        program: with the argument as its state or input. value: name of what P(u) became.
        coefficients: real, [1 or C, d+1], a_0 first. u: the argument of P.
    """
    states = spread(u.interval.lo, u.interval.hi, most)
    worst = Worst(-1.0, u.interval.lo, 0)
    for channel in range(len(coefficients)):
        scaled = coefficients[channel] * 2.0**u.frac
        for start in range(0, len(states), CHUNK):
            raw = states[start : start + CHUNK]
            error = np.abs(_value(program, value, raw, channel) - np.polynomial.polynomial.polyval(raw * 2.0**-u.frac, scaled))
            at = int(error.argmax())
            if error[at] > worst.error:
                worst = Worst(float(error[at]), int(raw[at]), channel)
    return worst


@lru_cache(maxsize=8)
def spread(lo: int, hi: int, most: int) -> Ints:
    """All integers from lo to hi; `most` of them, evenly spread with both ends, where there are more."""
    if hi - lo < most:
        return np.arange(lo, hi + 1, dtype=np.int64)
    return np.linspace(lo, hi, most).astype(np.int64)


def _value(program: Program, value: str, raw: Any, channel: int) -> Any:
    def sources(i: Instruction) -> Any:
        if i.op is Op.PARAM:
            values = values_of(i)
            return values[channel if len(values) > 1 else 0]
        return raw

    return evaluate(program, sources)[value]
