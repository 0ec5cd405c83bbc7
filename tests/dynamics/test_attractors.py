"""Ends of integer maps, all states tried, against following each of them; what starts miss; how far ends are from real ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics import attractors, cycles
from snn2hw.dynamics.attractors import all_states, enumerable, of_integers, of_reals
from snn2hw.dynamics.beside import distances
from snn2hw.dynamics.ends import Attractor, Ends
from snn2hw.dynamics.fixed_points import FixedPoints, fixed_points
from tests.dynamics.known import UNIT, Known

Place = tuple[int, ...]


def ends(known: Any, *, every: bool = True) -> Ends:
    return of_integers(known, every=every)


def made_up(ranges: Mapping[str, tuple[int, int]], seed: int) -> tuple[Known, dict[Place, Place], dict[Place, int]]:
    """A random map on all states, and the same as tables."""
    rng = np.random.default_rng(seed)
    places = list(product(*(range(lo, hi + 1) for lo, hi in ranges.values())))
    following = {p: places[k] for p, k in zip(places, rng.integers(0, len(places), len(places)), strict=True)}
    fired = {p: int(v) for p, v in zip(places, rng.random(len(places)) < 0.1, strict=True)}

    def raw(*states: Any) -> tuple[Any, ...]:
        return tuple(np.array([following[p] for p in zip(*(s.tolist() for s in states), strict=True)]).T)

    def fires(*states: Any) -> Any:
        return np.array([fired[p] for p in zip(*(s.tolist() for s in states), strict=True)])

    return Known(ranges, raw=raw, fired=fires), following, fired


def by_hand(known: Known, following: dict[Place, Place], fired: dict[Place, int]) -> list[Attractor]:
    """Every state followed until it comes back."""
    found: dict[frozenset[Place], int] = {}
    for start in following:
        path: list[Place] = [start]
        while (after := following[path[-1]]) not in path:
            path.append(after)
        cycle = frozenset(path[path.index(after) :])
        found[cycle] = found.get(cycle, 0) + 1
    return [
        Attractor(
            len(cycle),
            {s: min(p[k] for p in cycle) * UNIT for k, s in enumerate(known.states)},
            {s: max(p[k] for p in cycle) * UNIT for k, s in enumerate(known.states)},
            number / len(following),
            any(fired[p] for p in cycle),
            tuple(s for k, s in enumerate(known.states) if any(p[k] in known.bounds(s) for p in cycle)),
        )
        for cycle, number in found.items()
    ]


@pytest.mark.parametrize("chunk", [50, 1 << 18])
@pytest.mark.parametrize("ranges", [{"u": (-30, 50)}, {"v": (-9, 10), "w": (-3, 12)}, {"v": (0, 0), "w": (-8, 7)}])
def test_all_states_are_followed(ranges: dict[str, tuple[int, int]], chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "CHUNK", chunk)
    several = 0
    for seed in range(8):
        known, following, fired = made_up(ranges, seed)
        found = ends(known)
        assert found.tried == all_states(known) == len(following)  # type: ignore[arg-type]
        shown = found.first(len(found))
        assert sorted(map(repr, shown)) == sorted(map(repr, by_hand(known, following, fired)))
        assert [a.basin for a in shown] == sorted((a.basin for a in shown), reverse=True)
        assert found.escapes == pytest.approx(sum(a.basin for a in shown if a.bounds))
        assert set(found.at_bounds) == {s for a in shown for s in a.bounds}
        for place, period in zip(found.place.tolist(), found.period.tolist(), strict=True):
            after: Place = tuple(place)
            for _ in range(period):
                after = following[after]
            assert after == tuple(place)
        several += len(found) > 1
    assert several > 2


def test_a_state_that_begins_at_an_end_of_its_range_is_not_stuck_there() -> None:
    """As a counter at 0, or a running mean of spikes: of v, which begins at its lower end, only the upper end counts."""
    known: Any = Known({"v": (0, 128), "w": (-8, 7)}, lambda v, w: (v, 0.5 * w), begins={"v": 0})
    for found, values in ((ends(known), 129), (ends(known, every=False), 33), (of_reals(known, FixedPoints()), 33)):
        shown = found.first(999)
        assert {a.bounds for a in shown if a.low["v"] == 0} == {()}
        assert {a.bounds for a in shown if a.high["v"] == 128 * UNIT} == {("v",)}
        assert found.at_bounds == ("v",)
        assert found.escapes == pytest.approx(1 / values)


def test_pairs_are_tried_up_to_so_many_and_while_the_layer_has_some_left() -> None:
    def pairs(bits: int, other: int) -> Any:
        return Known({"v": (0, (1 << bits) - 1), "w": (0, (1 << other) - 1)})

    most = attractors.ENUMERATED[2]
    assert most == 1 << 24
    assert enumerable(pairs(12, 12), most)
    assert not enumerable(pairs(12, 12), most - 1)
    assert enumerable(pairs(8, 8), 0)  # no more than starts may be
    assert not enumerable(pairs(12, 13), 2 * most)
    one: Any = Known({"u": (0, (1 << 20) - 1)})
    assert enumerable(one, most)
    assert not enumerable(Known({"u": (0, 1 << 20)}), most)  # type: ignore[arg-type]


def test_starts_miss_what_lies_between_them() -> None:
    """All states fall to 0, but for one in between, which stays, and its neighbour, which leads to it."""

    def raw(v: Any, w: Any) -> tuple[Any, Any]:
        at = (v == 35) & np.isin(w, (20, 21))
        return np.where(at, 35, 0), np.where(at, 20, 0)

    known = Known({"v": (-128, 127), "w": (-128, 127)}, raw=raw, begins={"v": -128, "w": 127})
    found, sampled = ends(known), ends(known, every=False)
    assert [(a.low["v"], a.low["w"], a.basin) for a in found.first(9)] == [
        (0.0, 0.0, 1 - 2 / 65536),
        (35 * UNIT, 20 * UNIT, 2 / 65536),
    ]
    assert found.tried == 65536
    assert len(sampled) == 1
    assert sampled.tried == 33 * 33


def apart(known: Any) -> list[float]:
    points = fixed_points(known)
    found: list[float] = distances(known, of_integers(known, every=True), of_reals(known, points), points).tolist()
    return found


def test_a_map_that_leaves_every_state_in_place_makes_nothing_by_rounding() -> None:
    """Each integer is a fixed point of the real map, too, wherever its starts were."""
    known = Known({"u": (-3000, 2999)})
    found = apart(known)
    assert found == pytest.approx([0.0] * 6000, abs=1e-9)
    assert known.asked < 400
    turned = Known({"u": (-3000, 3000)}, lambda u: (-u,))  # and cycles of two steps
    assert apart(turned) == pytest.approx([0.0] * 3001, abs=1e-9)
    aside = Known({"u": (-3000, 3000)}, lambda u: (0.3 * UNIT - u,))  # which integers do without the 0.3 of a unit
    assert max(apart(aside)) == pytest.approx(0.3)


def test_rests_that_only_rounding_makes_are_as_far_as_they_are() -> None:
    """0.97 u falls to 0; rounded to whole numbers it stays from 16 on, where 0.03 u is half a unit."""
    rests = Known({"u": (-100, 100)}, lambda u: (0.97 * u,))
    at = [abs(a.low["u"]) / UNIT for a in of_integers(rests, every=True).first(99)]  # type: ignore[arg-type]
    assert max(at) == 16
    assert apart(rests) == pytest.approx(at, abs=0.5)


def test_distances_count_all_around_a_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pairs, and in parts of any size: v falls to 0, and integers go round between 0 and 5, w between 0 and 2."""
    known: Any = Known(
        {"v": (-8, 7), "w": (-8, 7)},
        lambda v, w: (0.5 * v, 0.5 * w),
        lambda v, w: (np.where(v == 5, 0, 5), np.where(w == 2, 0, 2)),
    )
    for chunk, together in ((1 << 18, 1 << 22), (1, 1)):
        monkeypatch.setattr(cycles, "CHUNK", chunk)
        monkeypatch.setattr("snn2hw.dynamics.beside.TOGETHER", together)
        found = of_integers(known, every=True).first(9)
        assert {(a.period, a.low["v"], a.high["v"], a.low["w"], a.high["w"]) for a in found} == {
            (2, 0.0, 5 * UNIT, 0.0, 2 * UNIT)
        }
        assert apart(known) == pytest.approx([5.0] * len(found), abs=1e-3)


def test_real_ends_within_a_unit_of_each_other_are_one() -> None:
    """Every real start stays; those that are a unit apart count as one, which the larger number of starts names."""
    near = of_reals(Known({"u": (0, 40)}), FixedPoints())  # type: ignore[arg-type]
    assert near.tried == 41
    assert len(near) < 41
    assert near.basin.sum() == pytest.approx(1)
    assert np.diff(np.sort(near.low[:, 0])).min() > 1
    far = of_reals(Known({"u": (0, 4000)}), FixedPoints())  # type: ignore[arg-type]
    assert len(far) == far.tried == 1025
