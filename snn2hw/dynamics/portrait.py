"""The phase portrait of a neuron with two states: where a step without input takes it, real and in integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.dynamics.maps import Maps
from snn2hw.shown import brief

Places: TypeAlias = npt.NDArray[np.float64]  # [n, 2], real units
GRID = 15  # places along each state from which a step is shown
STARTS = 4  # along each state, of paths
LONGEST = 64  # steps of a path


@dataclass(frozen=True, eq=False)
class Portrait:
    """Where steps without input lead, in real units.

    Args:
        channel: of the layer. states: their two names. ranges: (lowest, highest) of each.
        start: [n, 2] places of a grid over both ranges; real, integers: [n, 2] where one step takes each of them.
        fires: [n] whether the integers fire in that step. paths: [steps, 2] each, of the integers step by step, from a
            coarser grid until a place comes again.
    """

    channel: int
    states: tuple[str, str]
    ranges: tuple[tuple[float, float], tuple[float, float]]
    start: Places
    real: Places
    integers: Places
    fires: npt.NDArray[np.bool_]
    paths: tuple[Places, ...]

    __repr__ = brief


def portrait(m: Maps) -> Portrait | None:
    """That of a channel; None where it has not two states."""
    if len(m.states) != 2:
        return None
    one, other = m.states
    units = np.array([m.unit(one), m.unit(other)])
    raw = _grid(m, GRID)
    fired, after = m.integers({one: raw[:, 0], other: raw[:, 1]})
    start = raw * units
    real = m.reals({one: start[:, 0], other: start[:, 1]})[1]
    ends = [m.range(state) for state in m.states]
    bounds = [(lo * unit, hi * unit) for (lo, hi), unit in zip(ends, units.tolist(), strict=True)]
    return Portrait(
        m.channel, (one, other), (bounds[0], bounds[1]), start, np.stack([real[one], real[other]], 1),
        np.stack([after[one], after[other]], 1) * units, fired != 0, tuple(path * units for path in _paths(m)),
    )  # fmt: skip


def shortened(found: Portrait, ends: Places) -> Places:
    """[n, 2] steps from the grid to these ends, those that leave their cell as far as its edge."""
    cell = np.array([hi - lo for lo, hi in found.ranges]) / (GRID - 1)
    step = ends - found.start
    times = np.abs(step / np.where(cell > 0, cell, 1.0)).max(1)
    shown: Places = step / np.maximum(times, 1.0)[:, None]
    return shown


def _grid(m: Maps, count: int) -> npt.NDArray[np.int64]:
    """[count^2, 2] integers of both states, evenly spread over their ranges."""
    along = [np.linspace(*m.range(state), count).astype(np.int64).tolist() for state in m.states]
    return np.array(list(product(*along)), np.int64)


def _paths(m: Maps) -> Iterator[npt.NDArray[Any]]:
    one, other = m.states
    inner = _grid(m, STARTS + 2).reshape(STARTS + 2, STARTS + 2, 2)[1:-1, 1:-1].reshape(-1, 2)
    now, places = inner, [inner]
    for _ in range(LONGEST):
        after = m.integers({one: now[:, 0], other: now[:, 1]})[1]
        now = np.stack([after[one], after[other]], 1)
        places.append(now)
    for path in np.stack(places, 1):
        yield path[: _again(list(map(tuple, path.tolist())))]


def _again(path: list[tuple[int, ...]]) -> int:
    """How many places there are up to the first that was there before, that one included."""
    seen = set[tuple[int, ...]]()
    for number, place in enumerate(path):
        if place in seen:
            return number + 1
        seen.add(place)
    return len(path)
