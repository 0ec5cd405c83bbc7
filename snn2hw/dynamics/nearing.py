"""Starts of a real map that come to a stable fixed point so slowly that they are not there when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Places: TypeAlias = npt.NDArray[np.float64]  # [n, states], in units of the states
After: TypeAlias = Callable[[Places], Places]

BETWEEN = 64  # parts of the way to a point, at whose ends the map has to lead nearer, too


def goals(after: After, starts: Places, points: Places, steps: int) -> npt.NDArray[np.int64]:
    """[starts] the number of the point that each start ends in; -1 where that is not known of any.

    It does where every step leads nearer to the point, and where a step leads nearer from places on the way that is left, too:
    a slow climb to a threshold also comes nearer to all that lies beyond, and jumps back before.

    Args:
        after: the map. starts: where it is followed from. points: its stable fixed points. steps: for so many.
    """
    if not len(points):
        return np.full(len(starts), -1)
    now, apart = starts, _apart(starts, points)
    nearer = np.ones(apart.shape, np.bool_)
    for _ in range(steps):
        now, before = after(now), apart
        apart = _apart(now, points)
        nearer &= apart < before
    for k, point in enumerate(points):
        for part in np.arange(1, BETWEEN) / BETWEEN:
            left = np.flatnonzero(nearer[:, k])
            if not len(left):
                break
            on_the_way = now[left] + part * (point - now[left])
            nearer[left, k] = (_apart(after(on_the_way), points[k : k + 1]) <= _apart(on_the_way, points[k : k + 1]))[:, 0]
    return np.where(nearer.any(1), nearer.argmax(1), -1)


def _apart(places: Places, points: Places) -> Places:
    """[places, points] how far each is from each."""
    found: Places = np.linalg.norm(places[:, None] - points, axis=2)
    return found
