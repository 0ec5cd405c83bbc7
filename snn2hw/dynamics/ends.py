"""Fixed points and cycles in which a map ends, as columns: a map that leaves its states in place has one for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.shown import brief

Reals: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Attractor:
    """A fixed point or a cycle.

    Args:
        period: 1 of a fixed point; 0 of starts that still move: after 2,048 steps nothing repeated itself within 64 more.
        low, high: of each state, by its name, the lowest and highest value on it, real units.
        basin: the share of the starts that end in it. fires: whether anything is fired on it.
        bounds: the states that are somewhere on it at an end of their range other than the one at which they begin.
    """

    period: int
    low: Mapping[str, float]
    high: Mapping[str, float]
    basin: float
    fires: bool
    bounds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Ends:
    """All in which the starts of a map end, the largest basin first.

    Args:
        states: their names. units: the real value of one unit of each.
        period, basin, fires: [n], and bounds: [n, states], as of an `Attractor`.
        low, high, place: [n, states] in units of the states, the lowest and highest values on each, and a place on it; of
            integers int32, for there may be millions.
        tried: how many starts there were.
    """

    states: tuple[str, ...]
    units: Reals
    period: npt.NDArray[np.int64]
    low: npt.NDArray[Any]
    high: npt.NDArray[Any]
    basin: Reals
    fires: Flags
    bounds: Flags
    place: npt.NDArray[Any]
    tried: int

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.period)

    @property
    def escapes(self) -> float:
        """The share of the starts that end at a bound, as of an `Attractor`."""
        return float(self.basin[self.bounds.any(1)].sum())

    @property
    def at_bounds(self) -> tuple[str, ...]:
        """The states that are at such a bound on any of them."""
        return tuple(s for k, s in enumerate(self.states) if self.bounds[:, k].any())

    def first(self, count: int) -> tuple[Attractor, ...]:
        """Those with the largest basins."""
        low, high = (each[:count] * self.units for each in (self.low, self.high))
        columns = (self.period, low, high, self.basin, self.fires, self.bounds)
        rows = zip(*(column[:count].tolist() for column in columns), strict=True)
        return tuple(
            Attractor(period, self._named(low), self._named(high), basin, fires, tuple(self._named(bounds, only=True)))
            for period, low, high, basin, fires, bounds in rows
        )

    def _named(self, values: list[float], *, only: bool = False) -> dict[str, float]:
        return {state: v for state, v in zip(self.states, values, strict=True) if v or not only}
