"""Every cycle of a map of integers onto themselves, and which states end in it: nothing is sampled.

A state that runs long enough is on a cycle. Doubling a map, f to f(f), until it reaches no fewer states than before takes
every state onto its cycle: a map that leaves no state of a set unreached, from within the set, only moves them round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.shown import brief

Indices: TypeAlias = npt.NDArray[np.int32]  # of states: half the memory of int64
Numbers: TypeAlias = npt.NDArray[np.int64]
CHUNK = 1 << 18  # states that are looked at together, so that little is held besides


@dataclass(frozen=True, eq=False)
class Cycles:
    """The cycles of a map of 0 .. n - 1, counted from 0 in the order of their lowest states.

    Args:
        of: [n] the cycle that each state ends in. on: the states that are on a cycle, cycle by cycle, of each the lowest first.
        starts: [cycles] where each begins within `on`.
    """

    of: Indices
    on: Numbers
    starts: Numbers

    __repr__ = brief

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> Numbers:
        """[cycles] how many states each has."""
        return np.diff(self.starts, append=len(self.on))

    def basins(self) -> npt.NDArray[np.float64]:
        """[cycles] the share of all states that end in each."""
        ended = np.zeros(len(self), np.int64)
        for at in chunks(len(self.of)):
            ended += np.bincount(self.of[at], minlength=len(self))
        return ended / len(self.of)


def chunks(n: int) -> Iterator[slice]:
    """Slices that cover n."""
    return (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))


def cycles(following: npt.NDArray[Any]) -> Cycles:
    """All cycles of the map n -> following[n].

    Args:
        following: [n], numbers from 0 to n - 1; fewer than 2^31.
    """
    many = following.astype(np.int32)
    reached, before = _reached(many), len(many) + 1
    while len(reached) < before:
        many = _through(many, many)
        reached, before = _reached(many), len(reached)
    lowest = _lowest(following, reached)
    order = np.argsort(lowest, kind="stable")
    on = reached[order]
    starts = np.flatnonzero(np.diff(lowest[order], prepend=-1))
    number = np.zeros(len(many), np.int32)
    number[on] = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(starts, append=len(on)))
    return Cycles(_through(number, many), on, starts)


def _through(values: Indices, at: Indices) -> Indices:
    """values[at]."""
    found = np.empty(len(at), np.int32)
    for part in chunks(len(at)):
        found[part] = values[at[part]]
    return found


def _reached(many: Indices) -> Numbers:
    """The states that some state is taken to, in order."""
    seen = np.zeros(len(many), np.bool_)
    seen[many] = True
    return np.flatnonzero(seen)


def _lowest(following: npt.NDArray[Any], on: Numbers) -> Numbers:
    """The lowest state of the cycle of each of these states, all of which are on one."""
    place = np.zeros(len(following), np.int32)
    place[on] = np.arange(len(on), dtype=np.int32)
    jump, least = place[following[on]], on
    while True:
        lower = np.minimum(least, least[jump])
        if np.array_equal(lower, least):
            return least
        jump, least = jump[jump], lower
