"""Maps that are known, in the place of those of a neuron."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

UNIT = 2.0**-10
Values = Mapping[str, Any]


def stays(*states: Any) -> tuple[Any, ...]:
    return states


@dataclass
class Known:
    """Stands for `Maps`: states in ranges of integers and what becomes of them, real and in integers.

    Args:
        ranges: of each state. after: the next real states. raw: the next integers; by default the real ones, rounded.
        fired: the spike value of each integer state. begins: initial states, by default in the middle.
        asked: how often a map was asked.
    """

    ranges: Mapping[str, tuple[int, int]]
    after: Callable[..., tuple[Any, ...]] = stays
    raw: Callable[..., tuple[Any, ...]] | None = None
    fired: Callable[..., Any] = field(default=lambda *states: np.zeros(len(states[0])))
    channel: int = 0
    begins: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.ranges)

    def unit(self, state: str) -> float:
        return UNIT

    def range(self, state: str) -> tuple[int, int]:
        return self.ranges[state]

    def real_range(self, state: str) -> tuple[float, float]:
        lo, hi = self.ranges[state]
        return lo * UNIT, hi * UNIT

    def bounds(self, state: str) -> tuple[int, ...]:
        return tuple(end for end in self.ranges[state] if end != self.initial(state))

    def initial(self, state: str) -> int:
        return self.begins.get(state, sum(self.ranges[state]) // 2)

    def reals(self, states: Values, x: int = 0) -> tuple[Any, Values]:
        self.asked += 1
        return np.zeros(len(next(iter(states.values())))), self._held(self.after(*states.values()), UNIT)

    def integers(self, states: Values, x: int = 0) -> tuple[Any, Values]:
        self.asked += 1
        given = tuple(states.values())
        if self.raw is not None:
            following = self._held(self.raw(*given), 1)
        else:
            following = {
                k: np.rint(v / UNIT).astype(np.int64) for k, v in self.reals({k: v * UNIT for k, v in states.items()})[1].items()
            }
        return self.fired(*given), following

    def _held(self, values: tuple[Any, ...], unit: float) -> Values:
        ends = zip(self.ranges.items(), values, strict=True)
        return {name: np.clip(v, lo * unit, hi * unit) for (name, (lo, hi)), v in ends}
