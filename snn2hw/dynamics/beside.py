"""How far what the integers end in is from anything of the real map, in units of the states."""

from __future__ import annotations

import numpy as np

from snn2hw.dynamics.attractors import NEAR, SETTLED
from snn2hw.dynamics.cycles import chunks
from snn2hw.dynamics.ends import Ends, Reals
from snn2hw.dynamics.fixed_points import FixedPoints
from snn2hw.dynamics.maps import Maps

APART = 1  # unit of the state, up to which a fixed point or a cycle of the integers is one of the real map, rounded
TOGETHER = 1 << 22  # distances that are held at a time


def distances(m: Maps, integers: Ends, reals: Ends, points: FixedPoints) -> Reals:
    """[n] of each fixed point and cycle of the integers; nan where that cannot be told.

    It counts to the nearest end or fixed point of the real map, or to where the real map goes from the same place, if it is
    there again after as many steps; all around: by how much the lowest or highest values differ. It cannot be told of integers
    that still move, nor, of those with nothing of the real map beside them, where starts of the real map still move: these may
    go round anywhere.

    Args:
        m: the maps. integers, reals: where they end. points: fixed points of the real map.
    """
    places = np.array([p.coordinates for p in points.points]).reshape(-1, len(m.states)) / integers.units
    settled = reals.period > 0
    low, high = reals.low[settled], reals.high[settled]
    known = np.concatenate([np.concatenate([low, places]), np.concatenate([high, places])], 1)
    found = np.zeros(len(integers))
    each = max(1, TOGETHER // max(1, len(known)))
    for part in chunks(len(integers)):
        found[part] = _from_its_place(m, integers, part)
        others = part.start + np.flatnonzero(found[part] > NEAR)
        for start in range(0, len(others), each):
            few = others[start : start + each]
            ends = np.concatenate([integers.low[few], integers.high[few]], 1)
            found[few] = np.minimum(found[few], np.abs(ends[:, None] - known).max(2).min(1, initial=np.inf))
    if not settled.all():
        found[found > APART] = np.nan
    found[integers.period == 0] = np.nan
    return found


def _from_its_place(m: Maps, integers: Ends, part: slice) -> Reals:
    """[part] how far the real map goes round from each, from a place of it; infinite where it does not come back."""
    period, low, high = integers.period[part], integers.low[part], integers.high[part]
    places = integers.place[part].astype(np.float64)
    least, most, found = places.copy(), places.copy(), np.full(len(period), np.inf)
    left = np.flatnonzero((period > 0) & (period <= SETTLED))
    now = places[left]
    for k in range(1, int(period[left].max(initial=0)) + 1):
        after = m.reals({s: now[:, i] * integers.units[i] for i, s in enumerate(m.states)})[1]
        now = np.stack([after[s] for s in m.states], 1) / integers.units
        least[left], most[left] = np.minimum(least[left], now), np.maximum(most[left], now)
        done = period[left] == k
        back = left[done & (np.abs(now - places[left]) <= NEAR).all(1)]
        found[back] = np.maximum(np.abs(least[back] - low[back]), np.abs(most[back] - high[back])).max(1)
        left, now = left[~done], now[~done]
    return found
