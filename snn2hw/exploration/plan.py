"""Which samples which choices run, so that most of the time goes to the good ones.

Round 0 runs every 16th sample, round 1 every 4th, round 2 all; each adds to what ran before. Behind a round the better half
of the choices goes on, by fronts: those that no other beats, then those that only these beat, and so on. The first front
goes on as a whole, and so does what is so close behind a cheaper choice that the samples so far do not tell. What is
decided depends on the measurements alone, so a run that is continued decides the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from snn2hw.exploration.point import COSTS, Point, Setting, layers_of_front

STRIDE = 16
ROUNDS: tuple[tuple[int, ...], ...] = ((0,), (4, 8, 12), tuple(r for r in range(STRIDE) if r % 4))
FEWEST = 32  # samples of round 0; where there would be fewer, all choices run all samples at once
DOUBT = 1.0  # standard errors by which a choice may be behind a cheaper one, and go on all the same
CHUNK = 1024  # samples that one process runs at a time


@dataclass(frozen=True, order=True)
class Some:
    """The samples start, start + step, ... below stop."""

    start: int
    stop: int
    step: int

    @property
    def count(self) -> int:
        """How many they are."""
        return len(range(self.start, self.stop, self.step))


def rounds(samples: int, halving: bool = True) -> list[list[Some]]:
    """The parts of the samples that each round adds; together they are all samples, each once.

    Args:
        samples: how many there are. halving: False: one round with all.
    """
    if not halving or samples < FEWEST * STRIDE:
        return [list(_chunks(0, samples, 1))]
    return [[part for first in each for part in _chunks(first, samples, STRIDE)] for each in ROUNDS]


def _chunks(first: int, samples: int, step: int) -> Iterator[Some]:
    for start in range(first, samples, CHUNK * step):
        yield Some(start, min(samples, start + CHUNK * step), step)


def going_on(points: Sequence[Point], cost: str) -> list[Setting]:
    """The choices that run the next round.

    Args:
        points: of this round, all on the same samples. cost: a name of `COSTS`.
    """
    wanted, found = -(-len(points) // 2), list[Setting]()
    for front in layers_of_front(points, cost):
        best = sorted(front, key=lambda p: (-p.score, p.setting))
        found += [p.setting for p in (best[: max(0, wanted - len(found))] if found else best)]
    return sorted({*found, *(p.setting for p in points if _in_doubt(p, points, cost))})


def _in_doubt(point: Point, points: Sequence[Point], cost: str) -> bool:
    """Whether it may yet be on the front: nothing that costs no more keeps more by DOUBT standard errors of a difference."""
    price = COSTS[cost](point)
    if point.refused or price is None or point.accuracy is None:
        return False
    cheaper = [p.accuracy or 0.0 for p in points if not p.refused and (c := COSTS[cost](p)) is not None and c <= price]
    best = max(cheaper)
    error = sqrt((best * (1 - best) + point.accuracy * (1 - point.accuracy)) / point.samples)
    return best - point.accuracy <= DOUBT * error
