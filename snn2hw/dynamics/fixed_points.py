"""Where the real map of a neuron with one or two states stays, and whether states near it come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.dynamics.maps import Maps

Reals: TypeAlias = npt.NDArray[np.float64]
After: TypeAlias = Callable[[Reals], Reals]  # where states [n, 2] are a step later

GRID = 20_001  # real states between which fixed points of one state are searched for
CELLS = 100  # along each of two states, in each of which it is searched for one
HALVINGS = 60  # of an interval in which a fixed point lies
NEWTON = 30  # steps towards one of two states
NEARLY = 1e-6  # of the range: what F(u) - u may be at a fixed point
APART = 1e-4  # of the range: two that are closer are one
DIGITS = {1: 9, 2: 7}  # of the range, to which one is told: of two states derivatives are less exact
SLOPE = 1e-4  # of the range: the width over which a slope is taken
RANK = 1e-9  # of the largest singular value: smaller ones are none, as where whole lines stay
NEUTRAL = 1e-6  # what a slope may be off 1 where states near stay near, and do not come back
ALONG = 1e-5  # what an eigenvalue may be off 1 along a line that stays: a derivative over SLOPE is less exact than it
MOST, SHOWN = 16, 6  # that are kept, and that a sentence names


@dataclass(frozen=True)
class FixedPoint:
    """u = F(u) of the real map.

    Args:
        at: u; of a neuron with two states both, in their order.
        slope: dF/du there; of two states the largest magnitude of an eigenvalue of dF/du.
    """

    at: float | tuple[float, ...]
    slope: float

    @property
    def stable(self) -> bool:
        """Whether states near it come back: |slope| is below 1, by more than the derivative may be off."""
        return abs(self.slope) < 1 - NEUTRAL

    @property
    def coordinates(self) -> tuple[float, ...]:
        """u, of each state."""
        return self.at if isinstance(self.at, tuple) else (self.at,)

    @property
    def kind(self) -> str:
        """stable, unstable, or neutral: |slope| is 1, as where the map leaves a whole line in place."""
        if abs(abs(self.slope) - 1) <= NEUTRAL:
            return "neutral"
        return "stable" if self.stable else "unstable"

    def __str__(self) -> str:
        place, slope = ", ".join(f"{u:.3g}" for u in self.coordinates), round(self.slope, 2) + 0.0
        if len(self.coordinates) == 1:
            return f"{place} ({self.kind}, slope {slope:.2f})"
        return f"[{place}] ({self.kind}, eigenvalue {slope:.2f})"


@dataclass(frozen=True)
class FixedPoints:
    """What was found of a channel.

    Args:
        points: the lowest first; of more than MOST so many: those that stand alone, then points of lines that the map leaves
            in place, each evenly spread. more: whether there are others.
    """

    points: tuple[FixedPoint, ...] = ()
    more: bool = False

    def stable(self, states: Sequence[str]) -> Reals:
        """[n, states] the places of those to which states come back. Args: states: their names."""
        return np.array([p.coordinates for p in self.points if p.stable]).reshape(-1, len(states))

    def __str__(self) -> str:
        return ", ".join(map(str, self.points[:SHOWN])) + " and more" * (self.more or len(self.points) > SHOWN)


def fixed_points(m: Maps) -> FixedPoints:
    """Those of a channel, within the ranges of its states; none are searched for of three states and more."""
    if len(m.states) not in (1, 2):
        return FixedPoints()
    ends = np.array([m.real_range(s) for s in m.states])
    lo, size = ends[:, 0], ends[:, 1] - ends[:, 0]

    def after(u: Reals) -> Reals:
        found = m.reals({s: u[:, k] for k, s in enumerate(m.states)})[1]
        return np.stack([found[s] for s in m.states], 1)

    held = _of_one(after, lo, size) if len(m.states) == 1 else _of_two(after, lo, size)
    points, more = _told_apart(after, held, lo, size)
    matrices = _derivative(after, points, lo, size)
    slopes = matrices[:, 0, 0] if len(size) == 1 else np.abs(np.linalg.eigvals(matrices)).max(1)
    return FixedPoints(tuple(_point(u, slope, size) for u, slope in zip(points, slopes.tolist(), strict=True)), more)


def _point(u: Reals, slope: float, size: Reals) -> FixedPoint:
    digits = DIGITS[len(u)]
    at = tuple(float(round(x / s, digits) * s + 0.0) if s > 0 else float(x) for x, s in zip(u, size, strict=True))
    return FixedPoint(at[0] if len(at) == 1 else at, slope)


def _told_apart(after: After, held: Reals, lo: Reals, size: Reals) -> tuple[Reals, bool]:
    """(each once, the lowest first; whether there are more): of more than MOST those that stand alone before those of lines."""
    every = held[np.lexsort(held.T[::-1])]
    found = _distinct(every, size)
    if len(found) <= MOST:
        return found, False
    stays = np.abs(np.linalg.eigvals(_derivative(after, every, lo, size)) - 1).min(1) <= ALONG
    alone = _distinct(every[~stays], size)
    if len(alone) > MOST:
        return _spread(every[~stays], MOST), True
    kept = np.concatenate([alone, _spread(every[stays], MOST - len(alone))])
    return kept[np.lexsort(kept.T[::-1])], True


def _distinct(every: Reals, size: Reals) -> Reals:
    """Each once; of more than MOST one more than that."""
    left, found = every, list[Reals]()
    while len(left) and len(found) <= MOST:
        found.append(left[0])
        left = left[(np.abs(left - left[0]) > APART * size).any(1)]
    return np.array(found).reshape(-1, len(size))


def _spread(every: Reals, count: int) -> Reals:
    """So many of them, evenly spread."""
    return every[np.linspace(0, len(every) - 1, min(count, len(every))).astype(np.int64)]


def _of_one(after: After, lo: Reals, size: Reals) -> Reals:
    """Where the map crosses u = F(u), found between neighbours of a grid; jumps of a reset are none."""
    grid = np.linspace(lo, lo + size, GRID)
    there = (after(grid) - grid)[:, 0]
    crosses = np.flatnonzero(there[:-1] * there[1:] < 0)
    left, right, falls = grid[crosses], grid[crosses + 1], np.greater(there[crosses, None], 0.0)
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        same = (after(middle) > middle) == falls
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    held = np.concatenate([grid[there == 0], left])
    return held[_exact(after, held, size)]  # the others are jumps over it


def _of_two(after: After, lo: Reals, size: Reals) -> Reals:
    """By Newton's rule from every cell of a grid at whose corners both states stay, or move either way, from all at once."""
    u = _cells(after, lo, size)
    for _ in range(NEWTON):
        off = after(u) - u
        open_ = (np.abs(off) > 1e-3 * NEARLY * size).any(1)
        if not open_.any():
            break
        turned = _derivative(after, u[open_], lo, size) - np.eye(2)
        step = (np.linalg.pinv(turned, RANK) @ -off[open_, :, None])[:, :, 0]
        u[open_] = np.clip(u[open_] + step, lo, lo + size)
    return u[_exact(after, u, size)]


def _exact(after: After, u: Reals, size: Reals) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.all(np.abs(after(u) - u) <= NEARLY * size, axis=1)
    return found


def _cells(after: After, lo: Reals, size: Reals) -> Reals:
    """[n, 2] of the cells that may hold one the centre, and the corner that moves least."""
    along = [np.linspace(a, a + s, CELLS + 1) for a, s in zip(lo, size, strict=True)]
    grid = np.stack(np.meshgrid(*along, indexing="ij"), -1)
    off = (after(grid.reshape(-1, 2)) - grid.reshape(-1, 2)).reshape(grid.shape)
    corners, moves = (np.stack([each[i : i + CELLS, k : k + CELLS] for i, k in product((0, 1), (0, 1))]) for each in (grid, off))
    inside = ((moves.min(0) <= 0) & (moves.max(0) >= 0)).all(-1)
    corners, moves = corners[:, inside], moves[:, inside]
    least = np.abs(moves / np.where(size > 0, size, 1.0)).max(-1).argmin(0)
    found: Reals = np.concatenate([corners.mean(0), corners[least, np.arange(len(least))]])
    return found


def _derivative(after: After, u: Reals, lo: Reals, size: Reals) -> Reals:
    """[n, k, k]: by all k states of u, the derivatives of what becomes of it; 0 by one whose range is a single number."""
    columns = []
    for k in range(len(size)):
        low, high = u.copy(), u.copy()
        low[:, k] = np.maximum(u[:, k] - SLOPE * size[k], lo[k])
        high[:, k] = np.minimum(u[:, k] + SLOPE * size[k], lo[k] + size[k])
        wide = high[:, k] - low[:, k]
        columns.append((after(high) - after(low)) / np.where(wide > 0, wide, 1.0)[:, None])
    return np.stack(columns, 2)
