"""Where the real map of a neuron with one or two states stays, and whether states near it come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
SLOPE = 1e-4  # of the range: the width over which a slope is taken
MOST = 16  # of two states: where whole lines stay, the first of them


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
        """Whether states near it come back: |slope| < 1."""
        return abs(self.slope) < 1

    @property
    def coordinates(self) -> tuple[float, ...]:
        """u, of each state."""
        return self.at if isinstance(self.at, tuple) else (self.at,)

    def __str__(self) -> str:
        kind, place = "stable" if self.stable else "unstable", ", ".join(f"{u:.3g}" for u in self.coordinates)
        if len(self.coordinates) == 1:
            return f"{place} ({kind}, slope {self.slope:.2f})"
        return f"[{place}] ({kind}, eigenvalue {self.slope:.2f})"


def fixed_points(m: Maps) -> list[FixedPoint]:
    """Those of a channel, within the ranges of its states; none are searched for of three states and more."""
    if len(m.states) == 1:
        return list(_of_one(m))
    return list(_of_two(m)) if len(m.states) == 2 else []


def _of_one(m: Maps) -> Iterator[FixedPoint]:
    """Where the map crosses u = F(u), found between neighbours of a grid; jumps of a reset are none."""
    (state,) = m.states
    lo, hi = (end * m.unit(state) for end in m.range(state))
    grid = np.linspace(lo, hi, GRID)

    def off(u: Reals) -> Reals:
        found: Reals = m.reals({state: u})[1][state] - u
        return found

    there = off(grid)
    for k in np.flatnonzero((there[:-1] == 0) | (there[:-1] * there[1:] < 0)).tolist():
        left, right = np.array([grid[k]]), np.array([grid[k + 1]])
        for _ in range(HALVINGS if there[k] != 0 else 0):
            middle = (left + right) / 2
            same = off(middle) * off(left) > 0
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        at = float(left[0])
        if abs(off(left)[0]) > NEARLY * (hi - lo):
            continue  # it jumps over it
        width = SLOPE * (hi - lo)
        ends = np.clip(np.array([at - width, at + width]), lo, hi)
        moved = m.reals({state: ends})[1][state]
        yield FixedPoint(round(at / (hi - lo), 9) * (hi - lo) + 0.0, float((moved[1] - moved[0]) / (ends[1] - ends[0])))


def _of_two(m: Maps) -> Iterator[FixedPoint]:
    """By Newton's rule from every cell of a grid at whose corners both states stay, or move either way."""
    ends = np.array([[end * m.unit(s) for end in m.range(s)] for s in m.states])
    lo, size = ends[:, 0], ends[:, 1] - ends[:, 0]

    def after(u: Reals) -> Reals:
        found = m.reals({s: u[:, k] for k, s in enumerate(m.states)})[1]
        return np.stack([found[s] for s in m.states], 1)

    found: list[Reals] = []
    for start in _cells(after, lo, size):
        u = start
        for _ in range(NEWTON):
            off = after(u[None])[0] - u
            if (np.abs(off) <= 1e-3 * NEARLY * size).all():
                break
            step = np.linalg.lstsq(_derivative(after, u, lo, size) - np.eye(2), -off, rcond=None)[0]
            u = np.clip(u + step, lo, lo + size)
        exact = (np.abs(after(u[None])[0] - u) <= NEARLY * size).all()
        if exact and not any((np.abs(u - known) <= APART * size).all() for known in found):
            found.append(u)
    for u in sorted(found, key=lambda place: place.tolist())[:MOST]:
        slopes = np.abs(np.linalg.eigvals(_derivative(after, u, lo, size)))
        yield FixedPoint(tuple(float(round(x / s, 7) * s + 0.0) for x, s in zip(u, size, strict=True)), float(slopes.max()))


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
    """[2, 2]: by both states of u, the derivatives of what becomes of it."""
    columns = []
    for k in range(2):
        ends = np.stack([u, u])
        ends[:, k] = np.clip(u[k] + np.array([-SLOPE, SLOPE]) * size[k], lo[k], lo[k] + size[k])
        moved = after(ends)
        columns.append((moved[1] - moved[0]) / (ends[1, k] - ends[0, k]))
    return np.stack(columns, 1)
