"""Where a map without input ends: fixed points and cycles, how much of the range of the states ends in each.

Integer maps of one state are enumerated (`cycles`). All others, and the real maps, are run from starts spread evenly over the
ranges of their states; what is not seen from any of these starts is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from snn2hw.dynamics.cycles import cycles
from snn2hw.dynamics.maps import Maps

Values: TypeAlias = Mapping[str, Any]
Step: TypeAlias = Callable[[Values], tuple[Any, dict[str, Any]]]

ENUMERATED = 1 << 20  # states up to which every one of them is tried
STARTS = {1: 1025, 2: 33}  # for each state, of maps with so many
SETTLED, WATCHED = 2048, 64  # steps before, and while, it is looked at what repeats
LOOKED = 16  # steps after which it is looked whether everything rests already
NEAR = 1e-3  # of a unit of the state: real values as close as that are the same


@dataclass(frozen=True)
class Attractor:
    """A fixed point or a cycle.

    Args:
        period: 1 of a fixed point; 0 where nothing repeated itself within 64 steps.
        low, high: of each state, by its name, the lowest and highest value on it, real units.
        basin: the share of the starts that end in it. fires: whether anything is fired on it.
        bounds: the states that are at an end of their range somewhere on it.
    """

    period: int
    low: Mapping[str, float]
    high: Mapping[str, float]
    basin: float
    fires: bool
    bounds: tuple[str, ...]


def enumerable(m: Maps) -> bool:
    """Whether every state of the layer can be tried."""
    if len(m.states) != 1:
        return False
    lo, hi = m.range(m.states[0])
    return hi - lo < ENUMERATED


def of_integers(m: Maps, x: int = 0) -> list[Attractor]:
    """Of the integers, the largest basin first. Arguments: the maps, and a constant synaptic sum."""
    if not enumerable(m):
        return _run(m, lambda s: m.integers(s, x), _starts(m), 0.0)
    (state,) = m.states
    (lo, hi), unit = m.range(state), m.unit(state)
    every = np.arange(lo, hi + 1)
    fired, after = m.integers({state: every}, x)
    found = cycles(after[state] - lo)
    shares = np.bincount(found.of, minlength=len(found.members)) / len(every)
    made = []
    for number, members in enumerate(found.members):
        raw = every[members]
        bounds = (state,) if raw.min() == lo or raw.max() == hi else ()
        ends = {state: float(raw.min() * unit)}, {state: float(raw.max() * unit)}
        made.append(Attractor(len(members), *ends, float(shares[number]), bool(fired[members].any()), bounds))
    return sorted(made, key=lambda a: -a.basin)


def of_reals(m: Maps, x: int = 0) -> list[Attractor]:
    """Of the real numbers, the largest basin first. Arguments as `of_integers`."""
    starts = {name: raw * m.unit(name) for name, raw in _starts(m).items()}
    return _run(m, lambda s: m.reals(s, x), starts, NEAR)


def _starts(m: Maps) -> dict[str, Any]:
    """A grid over the ranges of all states, the initial ones among them."""
    each = STARTS.get(len(m.states), 17)
    axes = [np.unique(np.append(np.linspace(*m.range(s), each).astype(np.int64), m.initial(s))) for s in m.states]
    grid = np.meshgrid(*axes, indexing="ij")
    return {name: values.ravel() for name, values in zip(m.states, grid, strict=True)}


def _run(m: Maps, step: Step, states: Values, near: float) -> list[Attractor]:
    """Run all starts until they have settled, and tell apart where they are; `near` in units of a state."""
    if not m.states:
        return []
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
    return _told_apart(m, period, fired, low, high, integers=near == 0.0)


def _told_apart(m: Maps, period: Any, fired: Any, low: Values, high: Values, *, integers: bool) -> list[Attractor]:
    """Ends that lie within a unit of each other, all around, are one; of what never repeats only the ends of the states count."""
    scale = {s: 1.0 if integers else m.unit(s) for s in m.states}
    rows = [np.round(values[s] / scale[s]) for s in m.states for values in (low, high)]
    key = np.stack([period.astype(np.float64), *(np.where(period > 0, r, 0) for r in rows)])
    _, index, of = np.unique(key, axis=1, return_index=True, return_inverse=True)
    found, held = [], {s: m.unit(s) if integers else 1.0 for s in m.states}
    for number, at in enumerate(index.tolist()):
        inside = of.ravel() == number
        least, most = ({s: float(pick(v[s][inside])) * held[s] for s in m.states} for pick, v in ((np.min, low), (np.max, high)))
        bounds = tuple(s for s in m.states if _at_bound(m, s, least[s], most[s]))
        found.append(Attractor(int(period[at]), least, most, float(np.mean(inside)), bool(fired[inside].any()), bounds))
    return _joined(sorted(found, key=lambda a: -a.basin), m)


def _at_bound(m: Maps, state: str, low: float, high: float) -> bool:
    lo, hi = m.range(state)
    return low <= (lo + NEAR) * m.unit(state) or high >= (hi - NEAR) * m.unit(state)


def _joined(found: list[Attractor], m: Maps) -> list[Attractor]:
    """Attractors within a unit of an earlier one, all around, are that one: rounding of the keys may part them."""
    kept: list[Attractor] = []
    for a in found:
        for k, b in enumerate(kept):
            if a.period == b.period and all(
                abs(a.low[s] - b.low[s]) <= m.unit(s) and abs(a.high[s] - b.high[s]) <= m.unit(s) for s in m.states
            ):
                kept[k] = replace(b, basin=a.basin + b.basin, fires=a.fires or b.fires)
                break
        else:
            kept.append(a)
    return kept
