"""Where a map without input ends: fixed points and cycles, how much of the range of the states ends in each.

Integer maps whose states can all be tried are enumerated (`cycles`): of one state, of pairs, and of more, where they are no
more than starts may be. All others, and the real maps, are run from starts spread evenly over the ranges of their states; what
is not seen from any of these starts is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.dynamics.cycles import Cycles, chunks, cycles
from snn2hw.dynamics.ends import Ends, Flags
from snn2hw.dynamics.fixed_points import FixedPoints
from snn2hw.dynamics.maps import Maps
from snn2hw.dynamics.nearing import Places, goals

Values: TypeAlias = Mapping[str, Any]
Numbers: TypeAlias = npt.NDArray[np.int64]
Step: TypeAlias = Callable[[Values], tuple[Any, dict[str, Any]]]

ENUMERATED = {1: 1 << 20, 2: 1 << 24}  # by how many states there are: values, and pairs, up to which every one is tried
STARTS, OTHERS = {1: 1025, 2: 33}, 17  # along each state, of maps with one, with two, and with more
MOST_STARTS = (OTHERS + 1) ** 4  # in all: of five states and more there are fewer along each
SETTLED, WATCHED = 2048, 64  # steps before, and while, it is looked at what repeats
LOOKED = 16  # steps after which it is looked whether everything rests already
NEAR = 1e-3  # of a unit of the state: real values as close as that are the same


def all_states(m: Maps) -> int:
    """How many integer states there are: of a neuron with two, pairs."""
    return prod(hi - lo + 1 for lo, hi in map(m.range, m.states))


def enumerable(m: Maps, left: int) -> bool:
    """Whether every one of them is tried. Args: m: the maps. left: how many may still be tried of the layer."""
    return all_states(m) <= max(MOST_STARTS, min(ENUMERATED.get(len(m.states), 0), left))


def of_integers(m: Maps, x: int = 0, *, every: bool) -> Ends:
    """Of the integers. Args: m: the maps. x: a constant synaptic sum. every: whether every state is tried, or starts."""
    if not every:
        return _run(m, lambda s: m.integers(s, x), _starts(m), 0.0)
    total = all_states(m)
    following, fired = np.empty(total, np.int32), np.empty(total, np.bool_)
    for part in chunks(total):
        spikes, after = m.integers(_pairs(m, np.arange(part.start, part.stop)), x)
        following[part], fired[part] = _numbers(m, after), spikes != 0
    return _of_cycles(m, cycles(following), fired)


def of_reals(m: Maps, points: FixedPoints) -> Ends:
    """Of the real numbers. Args: m: the maps. points: fixed points of the real map; in stable ones starts end, however slowly."""
    starts = {name: raw * m.unit(name) for name, raw in _starts(m).items()}
    return _run(m, m.reals, starts, NEAR, points.stable(m.states) / _units(m))


def _pairs(m: Maps, numbers: Numbers) -> dict[str, Numbers]:
    """The states that have these numbers, the last state counted first."""
    found = dict[str, Numbers]()
    for state in reversed(m.states):
        lo, hi = m.range(state)
        numbers, rest = np.divmod(numbers, hi - lo + 1)
        found[state] = rest + lo
    return {state: found[state] for state in m.states}


def _numbers(m: Maps, states: Values) -> Numbers:
    """The numbers that these states have."""
    numbers = np.zeros(1, np.int64)
    for state in m.states:
        lo, hi = m.range(state)
        numbers = numbers * (hi - lo + 1) + (states[state] - lo)
    return numbers


def _of_cycles(m: Maps, found: Cycles, fired: npt.NDArray[np.bool_]) -> Ends:
    basins = found.basins()
    order = np.argsort(-basins, kind="stable")
    low, high, place = (np.empty((len(order), len(m.states)), np.int32) for _ in range(3))
    for k, raw in enumerate(_pairs(m, found.on).values()):
        for column, values in ((low, np.minimum.reduceat(raw, found.starts)), (high, np.maximum.reduceat(raw, found.starts)),
                               (place, raw[found.starts])):  # fmt: skip
            column[:, k] = values[order]
    fires = np.logical_or.reduceat(fired[found.on], found.starts)[order]
    bounds = _at_bounds(m, low, high, 0.0)
    lengths = found.lengths[order]
    return Ends(m.states, _units(m), lengths, low, high, basins[order], fires, bounds, place, len(found.of))


def _at_bounds(m: Maps, low: Any, high: Any, near: float) -> Flags:
    """[n, states] whether the lowest or highest values, in units of the states, are at a bound of `Maps.bounds`."""
    found = np.zeros(low.shape, np.bool_)
    for k, state in enumerate(m.states):
        lo, hi = m.range(state)
        for end in m.bounds(state):
            found[:, k] |= (low[:, k] <= lo + near) if end == lo else (high[:, k] >= hi - near)
    return found


def _units(m: Maps) -> npt.NDArray[np.float64]:
    return np.array([m.unit(s) for s in m.states])


def _starts(m: Maps) -> dict[str, Any]:
    """A grid over the ranges of all states, the initial ones among them."""
    many = len(m.states)
    held = int(MOST_STARTS ** (1 / many) + 1e-9) - 1  # the initial state is one more
    each = STARTS.get(many, min(OTHERS, held))
    axes = [np.unique(np.append(np.linspace(*m.range(s), each).astype(np.int64), m.initial(s))) for s in m.states]
    grid = np.meshgrid(*axes, indexing="ij")
    return {name: values.ravel() for name, values in zip(m.states, grid, strict=True)}


def _run(m: Maps, step: Step, states: Values, near: float, points: Places | None = None) -> Ends:
    """Run all starts until they have settled, and tell apart where they are.

    Args:
        m: the maps. step: one of them. states: starts. near: places as close as that are the same, in units of a state.
        points: [n, states] stable fixed points of the real map, in units of the states.
    """
    for k in range(SETTLED):
        before, (_, states) = states, step(states)
        if k % LOOKED == 0 and all(np.abs(states[s] - before[s]).max() <= near * m.unit(s) for s in m.states):
            break  # at fixed points, all of them
    shape = next(iter(states.values())).shape
    first, fired = states, np.zeros(shape, np.bool_)
    low, high = dict(states), dict(states)
    period = np.zeros(shape, np.int64)
    close = {name: near * m.unit(name) for name in m.states}
    for k in range(1, WATCHED + 1):
        spikes, states = step(states)
        open_ = period == 0
        fired |= (spikes != 0) & open_
        back = np.logical_and.reduce([np.abs(states[s] - first[s]) <= close[s] for s in m.states])
        period[open_ & back] = k
        for s in m.states:
            low[s] = np.where(open_, np.minimum(low[s], states[s]), low[s])
            high[s] = np.where(open_, np.maximum(high[s], states[s]), high[s])
    units = 1.0 if near == 0.0 else _units(m)
    columns = [np.stack([each[s] for s in m.states], 1) / units for each in (low, high, first)]
    if points is not None:
        goal = goals(lambda places: _after(m, step, places, units), columns[2], points, WATCHED)
        period[goal >= 0] = 1
        for column in columns:
            column[goal >= 0] = points[goal[goal >= 0]]
    return _told_apart(m, period, fired, *columns)


def _after(m: Maps, step: Step, places: Places, units: Any) -> Places:
    """[n, states] a step later, all in units of the states."""
    after = step({s: (places * units)[:, k] for k, s in enumerate(m.states)})[1]
    found: Places = np.stack([after[s] for s in m.states], 1) / units
    return found


def _told_apart(m: Maps, period: Numbers, fired: Any, low: Any, high: Any, place: Any) -> Ends:
    """The ends of all starts: those whose lowest and highest values differ by a unit at most are one.

    All starts that still move are one too, and those of them that are at a bound another.

    Args:
        m: the maps. period, fired: [starts]. low, high, place: [starts, states], in units of the states.
    """
    stuck = np.tile(_at_bounds(m, low, high, NEAR), 2)
    around = np.where(period[:, None] > 0, np.round(np.concatenate([low, high], 1)), stuck)
    key = np.concatenate([period[:, None], around], 1)
    _, index, of, number = np.unique(key, axis=0, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(of.ravel(), kind="stable")
    begins = np.cumsum(number) - number
    least, most = np.minimum.reduceat(low[order], begins, axis=0), np.maximum.reduceat(high[order], begins, axis=0)
    fires = np.logical_or.reduceat(fired[order], begins)
    joined = _joined(period[index], least, most, number)
    kept = np.flatnonzero(joined == np.arange(len(joined)))
    basin = np.bincount(joined, number, len(joined))[kept] / len(period)
    any_fires = np.bincount(joined, fires, len(joined))[kept] > 0
    by_size = np.argsort(-basin, kind="stable")
    kept = kept[by_size]
    bounds = _at_bounds(m, least[kept], most[kept], NEAR)
    return Ends(
        m.states, _units(m), period[index][kept], least[kept], most[kept], basin[by_size], any_fires[by_size], bounds,
        place[index][kept], len(period),
    )  # fmt: skip


def _joined(period: Numbers, low: Any, high: Any, number: Numbers) -> Numbers:
    """[n] the number of the end that each belongs to: of a larger one whose values differ by a unit at most, or its own.

    Rounding to keys has parted such ends where a value is near a half.
    """
    counts = np.arange(len(period))
    left = np.argsort(-number, kind="stable")
    while len(left):
        first = left[0]
        ends = np.concatenate([low[left] - low[first], high[left] - high[first]], 1)
        same = (period[left] == period[first]) & (np.abs(ends) <= 1).all(1)
        counts[left[same]] = first
        left = left[~same]
    return counts
