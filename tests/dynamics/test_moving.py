"""Starts that have not settled when they are looked at: those that come to a rest slowly, and those that go round and round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics.attractors import of_integers, of_reals
from snn2hw.dynamics.beside import distances
from snn2hw.dynamics.ends import Ends
from snn2hw.dynamics.fixed_points import FixedPoints, fixed_points
from tests.dynamics.known import UNIT, Known, Values
from tests.dynamics.layers import torch_layer


def ends(known: Any) -> tuple[Ends, Ends, list[float]]:
    """(of the integers, real, how far apart)."""
    points = fixed_points(known)
    integers, reals = of_integers(known, every=True), of_reals(known, points)
    return integers, reals, distances(known, integers, reals, points).tolist()


def round_and_round(v: Any, w: Any) -> tuple[Any, Any]:
    """By an angle that no number of steps makes a full turn of."""
    return 0.6 * v - 0.8 * w, 0.8 * v + 0.6 * w


@pytest.mark.parametrize("decay", [0.99, 0.999, 0.9999])
def test_a_slow_leak_ends_at_zero_too(decay: float) -> None:
    layer = torch_layer(lambda nn: nn.LIF(decay))
    (c,) = layer.channels
    assert [(a.period, a.low, a.high, a.basin) for a in c.reals] == [(1, {"u": 0.0}, {"u": 0.0}, 1.0)]
    assert c.not_compared == 0
    assert c.farthest == pytest.approx(0.5 / (1 - decay), rel=0.1)  # where a step would take it half a unit


def test_a_slow_climb_to_a_jump_does_not_end_in_what_lies_beyond_it() -> None:
    """From 0 to 900 three units are gained in a thousand steps, and all lost from there; 1000 is never come to."""

    def after(u: Any) -> tuple[Any, ...]:
        return (np.where(u < 900 * UNIT, u + 3e-3 * UNIT, np.where(u < 950 * UNIT, 0.0, 0.5 * (u + 1000 * UNIT))),)

    _, reals, _ = ends(Known({"u": (0, 1023)}, after))
    by_period = dict(zip(reals.period.tolist(), reals.basin.tolist(), strict=True))
    assert by_period[0] == pytest.approx(950 / 1024, abs=2e-3)
    assert by_period[1] == pytest.approx(74 / 1024, abs=2e-3)


def test_of_two_stable_rests_the_nearer_one_ends_it() -> None:
    """Towards -1 and 1, and away from 0: those that fall to -1 from above it are between both."""

    def after(u: Any) -> tuple[Any, ...]:
        return (u + 2e-4 * (u - u**3),)

    _, reals, _ = ends(Known({"u": (-1536, 1536)}, after))
    assert sorted(reals.low[:, 0] * UNIT) == pytest.approx([-1.0, 0.0, 1.0], abs=1e-6)
    assert reals.period.tolist() == [1, 1, 1]
    assert reals.basin.tolist() == pytest.approx([0.5, 0.5, 0.0], abs=2e-3)


def test_what_goes_round_in_the_real_map_tells_nothing_of_cycles_of_the_integers() -> None:
    known: Any = Known({"v": (-64, 63), "w": (-64, 63)}, round_and_round)
    integers, reals, apart = ends(known)
    assert 0 in reals.period
    assert len(integers) > 3
    assert np.nanmin(apart) == pytest.approx(0.0, abs=1e-6)  # the rest in the middle is one of both
    assert all(np.isnan(d) or d <= 1 for d in apart)
    assert np.isnan(apart).sum() > 1


def test_a_stable_point_counts_where_all_else_still_moves() -> None:
    """The starts move about between 200 and 800, and none ends at 900; the integers beside that are of the real map."""

    def after(u: Any) -> tuple[Any, ...]:
        turned = (u / UNIT - 200 + 600 * 0.6180339887) % 600 + 200
        return (np.where(np.abs(u - 900.3 * UNIT) < 0.45 * UNIT, 0.5 * (u + 900.3 * UNIT), turned * UNIT),)

    known: Any = Known({"u": (0, 4000)}, after, lambda u: (np.where(u == 901, 901, 500),), begins={"u": 3})
    integers, reals, apart = ends(known)
    assert set(reals.period.tolist()) == {0}
    told = dict(zip(integers.low[:, 0].tolist(), apart, strict=True))
    assert told[901] == pytest.approx(0.7, abs=1e-3)
    assert np.isnan(told[500])


def test_a_long_cycle_of_the_integers_is_followed_in_the_real_map() -> None:
    """Two saw teeth of 100 steps each, apart: longer than starts are watched."""

    def teeth(v: Any, w: Any) -> tuple[Any, Any]:
        low = np.where(v > 98.5 * UNIT, 0.0, v + UNIT)
        return np.where(v < 1000 * UNIT, low, np.where(v > 1098.5 * UNIT, 1000 * UNIT, v + UNIT)), 0.0 * w

    integers, reals, apart = ends(Known({"v": (0, 1099), "w": (0, 1)}, teeth))
    assert integers.period.tolist() == [100, 100]
    assert set(reals.period.tolist()) == {0}
    assert apart == pytest.approx([0.0, 0.0], abs=1e-6)


def test_only_what_is_at_a_bound_escapes_of_all_that_still_moves() -> None:
    """w goes round between 0 and 100; v stays, so that those are at a bound which begin there."""
    known: Any = Known({"v": (0, 1023), "w": (0, 128)}, lambda v, w: (v, (w + 61.8034 * UNIT) % (100 * UNIT)))
    found = of_reals(known, FixedPoints())
    assert set(found.period.tolist()) == {0}
    assert found.escapes == pytest.approx(2 / 33, abs=1e-6)
    assert found.at_bounds == ("v",)


def test_ends_that_are_one_fire_where_any_of_them_does() -> None:
    """Of all that rest between 0 and 40 one start fires, and it names none of them."""

    def fired(u: Any) -> Any:
        return (u == 39).astype(np.int64)

    found = of_integers(Known({"u": (0, 40)}, raw=lambda u: (u,), fired=fired), every=False)  # type: ignore[arg-type]
    beside = found.fires[np.abs(found.low[:, 0] - 39) <= 1]
    assert found.fires.sum() == beside.sum() == 1
    assert len(found) < 41


class Drifting(Known):
    """Real states drift by less than is told apart, away from the middle, and fire 0.03 units later."""

    def reals(self, states: Values, x: int = 0) -> tuple[Any, Values]:
        u = states["u"] / UNIT
        return (np.abs(u - np.rint(u)) > 0.03).astype(np.int64), {"u": (u + np.where(u < 2000, 9e-4, -9e-4)) * UNIT}


def test_what_comes_after_a_cycle_has_closed_is_not_of_it() -> None:
    drifting: Any = Drifting({"u": (0, 4000)})
    found = of_reals(drifting, FixedPoints())
    assert set(found.period.tolist()) == {1}
    assert found.tried == len(found) == 1025
    assert (found.high - found.low).max() == pytest.approx(9e-4)
    assert not found.fires.any()


def test_integers_that_still_move_are_not_compared() -> None:
    known: Any = Known({"u": (0, 1023)}, lambda u: (0.5 * u,), lambda u: ((u + 389) % 600,))
    points = fixed_points(known)
    integers, reals = of_integers(known, every=False), of_reals(known, points)
    assert (set(integers.period.tolist()), reals.period.tolist()) == ({0}, [1])
    assert np.isnan(distances(known, integers, reals, points)).all()


def test_where_starts_of_the_real_map_move_about_is_no_end_of_it() -> None:
    """They are between 0 and 100; the integers go to and fro between both."""
    known: Any = Known({"u": (0, 1023)}, lambda u: ((u + 61.8034 * UNIT) % (100 * UNIT),), lambda u: (np.where(u == 0, 100, 0),))
    integers, reals, apart = ends(known)
    assert [(n, lo, hi) for n, lo, hi in zip(integers.period, integers.low[:, 0], integers.high[:, 0], strict=True)] == [
        (2, 0, 100)
    ]
    assert (reals.low[0, 0], reals.high[0, 0]) == (pytest.approx(0, abs=1), pytest.approx(100, abs=1))
    assert np.isnan(apart).all()


def test_a_sentence_says_how_many_are_not_compared() -> None:
    def make(nn: Any) -> Any:
        class Rotating(nn.CustomNeuron):  # type: ignore[misc]
            def step(self, x: Any, v: Any, w: Any) -> Any:
                turned, other = round_and_round(v, w)
                return nn.fire(turned + x, 1.9), {"v": turned + x, "w": other}

        Rotating.states = {name: nn.State(range=(-2.0, 2.0)) for name in "vw"}
        return Rotating()

    layer = torch_layer(make, state_bits=8)
    (c,) = layer.channels
    assert (c.enumerated, c.made_by_rounding) == (True, 0)
    assert c.not_compared > 9
    assert (
        f"{c.not_compared:,} of the {c.integer_ends:,} ends of the integers are not compared with the real map: starts of one of "
        "them still move after 2,048 steps (channel 0)"
    ) in layer.findings
    assert not any(f.startswith("rounding makes") for f in layer.findings)
