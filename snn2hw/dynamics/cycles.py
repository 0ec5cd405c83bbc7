"""Every cycle of a map of integers onto themselves, and which states end in it: nothing is sampled.

A state that runs long enough is on a cycle, and no run is longer than there are states. Doubling a map, f to f(f), so often
that it makes more steps than that takes every state onto its cycle at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.shown import brief

Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cycles:
    """The cycles of a map of 0 .. n - 1.

    Args:
        of: [n] the cycle that each state ends in, counted from 0 in the order of their lowest states.
        members: of each cycle its states, from the lowest on in the order in which they follow each other.
    """

    of: Indices
    members: tuple[Indices, ...]

    __repr__ = brief

    def basin(self, cycle: int) -> float:
        """The share of all states that end in a cycle."""
        return float(np.mean(self.of == cycle))


def cycles(following: Indices) -> Cycles:
    """All cycles of the map n -> following[n].

    Args:
        following: [n], numbers from 0 to n - 1.
    """
    many = following.copy()
    for _ in range(max(1, len(following).bit_length())):
        many = many[many]
    on = np.unique(many)
    lowest = _lowest(following, on)
    firsts, where = np.unique(lowest, return_inverse=True)
    number = np.full(len(following), -1, np.int64)
    number[on] = where
    members = []
    for first in firsts.tolist():
        states = [first]
        while (after := int(following[states[-1]])) != first:
            states.append(after)
        members.append(np.array(states, np.int64))
    return Cycles(number[many], tuple(members))


def _lowest(following: Indices, on: Indices) -> Indices:
    """The lowest state of the cycle of each of these states, all of which are on one."""
    place = np.full(len(following), -1, np.int64)
    place[on] = np.arange(len(on))
    jump, least = place[following[on]], on.copy()
    for _ in range(max(1, len(on).bit_length())):
        least = np.minimum(least, least[jump])
        jump = jump[jump]
    found: Indices = least
    return found
