"""Times that can be compared: in every round each way has one turn, so that a machine that slows down slows all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median
from time import perf_counter

import numpy as np

TURN = 0.03  # seconds: a turn is as many calls as fill it, at least one
PATIENCE = 4.0  # seconds: a way that is slower takes part in fewer rounds


@dataclass(frozen=True)
class Spread:
    """A median with its least and most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        return cls(median(values), min(values), max(values))


def rounds(
    ways: Mapping[str, Callable[[], object]],
    count: int,
    turn: float = TURN,
    patience: float = PATIENCE,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Seconds of a call of each way, one figure for each round; what a call needs once is made in a warm-up.

    A way that takes long stops after as many rounds as fit `patience`, at least one.
    """
    most = {}
    for name, run in ways.items():
        begun = clock()
        run()
        most[name] = min(count, max(1, int(patience / max(clock() - begun, 1e-9))))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(count):
        for name, run in ways.items():
            if n < most[name]:
                seconds[name].append(_turn(run, turn, clock))
    return seconds


def _turn(run: Callable[[], object], turn: float, clock: Callable[[], float]) -> float:
    calls, begun = 0, clock()
    while True:
        run()
        calls += 1
        passed = clock() - begun
        if passed >= turn:
            return passed / calls


def ratio(slow: Sequence[float], quick: Sequence[float]) -> Spread:
    """How many times `slow` takes what `quick` takes, from the rounds in which both had their turn."""
    return Spread.of([a / b for a, b in zip(slow, quick, strict=False)])


@dataclass(frozen=True)
class Line:
    """y = start + slope * x by least squares; `r2` is the part of y's variance that it explains."""

    start: float
    slope: float
    r2: float


def line(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line through points of which not all x are the same."""
    slope, start = np.polyfit(x, y, 1)
    rest = np.asarray(y) - (start + slope * np.asarray(x))
    total = float(((np.asarray(y) - np.mean(y)) ** 2).sum())
    return Line(float(start), float(slope), 1.0 - float((rest**2).sum()) / total if total else 1.0)


def crossing(x: Sequence[float], rising: Sequence[float], level: Sequence[float]) -> float:
    """The first x at which `rising` is no longer below `level`, between points by a straight line.

    -inf where it is not below at the first x already, inf where it is still below at the last: nobody has measured farther.
    """
    gaps = [a - b for a, b in zip(rising, level, strict=True)]
    if gaps[0] >= 0:
        return -inf
    for n in range(1, len(x)):
        if gaps[n] >= 0:
            return x[n - 1] + (x[n] - x[n - 1]) * gaps[n - 1] / (gaps[n - 1] - gaps[n])
    return inf
