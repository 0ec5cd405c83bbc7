"""Fixed points of maps that are known, with whole lines of them, at bounds, and with a range that is a single number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics.fixed_points import MOST, FixedPoint, FixedPoints, fixed_points
from tests.dynamics.known import UNIT, Known


def found(known: Known) -> FixedPoints:
    return fixed_points(known)  # type: ignore[arg-type]


def one(after: Any, lo: int = -2048, hi: int = 2047) -> FixedPoints:
    return found(Known({"u": (lo, hi)}, lambda u: (after(u),)))


def two(after: Any, other: tuple[int, int] = (-1024, 1023)) -> tuple[FixedPoints, int]:
    known = Known({"v": (-2048, 2047), "w": other}, after)
    return found(known), known.asked


def test_a_whole_line_is_told_by_some_of_it_and_said_to_be_more() -> None:
    points = one(lambda u: u)
    assert points.more
    assert len(points.points) == MOST
    places = [p.coordinates[0] for p in points.points]
    assert (places[0], places[-1]) == pytest.approx((-2.0, 2047 * UNIT))
    assert np.diff(places) == pytest.approx([(places[-1] - places[0]) / (MOST - 1)] * (MOST - 1), abs=1e-3)
    assert {p.kind for p in points.points} == {"neutral"}
    assert str(points).startswith("-2 (neutral, slope 1.00), ")
    assert str(points).endswith(" and more")


def test_a_sentence_names_six_and_says_where_there_are_more() -> None:
    p = FixedPoint(0.5, 2.0)
    assert str(FixedPoints((p,), False)) == "0.5 (unstable, slope 2.00)"
    assert str(FixedPoints((p,), True)) == "0.5 (unstable, slope 2.00) and more"
    assert str(FixedPoints((p,) * 6, False)).count("slope") == 6
    assert str(FixedPoints((p,) * 7, False)) == f"{FixedPoints((p,) * 6, False)} and more"


def test_a_plane_of_two_states_takes_no_longer_than_a_single_point() -> None:
    """Each step of Newton's rule is one question about all starts: as many questions as steps, not as starts."""
    plane, asked = two(lambda v, w: (v, w))
    assert plane.more
    assert len(plane.points) == MOST
    assert {p.kind for p in plane.points} == {"neutral"}
    assert asked < 200
    point, asked = two(lambda v, w: (0.5 * v + w, 0.5 * w))
    assert [(p.coordinates, p.slope) for p in point.points] == [((0.0, 0.0), pytest.approx(0.5, abs=1e-3))]
    assert not point.more
    assert asked < 200


def test_a_line_among_two_states() -> None:
    """v falls to w, which stays: every v = w is a fixed point, and along it states stay."""
    line, _ = two(lambda v, w: (0.5 * (v + w), w))
    assert line.more
    assert all(p.coordinates[0] == pytest.approx(p.coordinates[1], abs=1e-5) for p in line.points)
    assert {p.kind for p in line.points} == {"neutral"}


def test_there_are_more_from_one_more_than_are_kept_on() -> None:
    """They lie at every 1/16 = 64 / 1024, stable at odd ones; at -1014 states rise, and at both upper ends they fall."""

    def wave(u: Any) -> Any:
        return u + 0.02 * np.sin(2 * np.pi * 8 * u)

    fewer, more = one(wave, -1014, -10), one(wave, -1014, 128 - 10)
    assert [p.coordinates[0] for p in fewer.points] == pytest.approx([k / 16 for k in range(-15, 0)])
    assert [p.kind for p in fewer.points] == [*["stable", "unstable"] * 7, "stable"]
    assert not fewer.more
    assert len(fewer.points) == MOST - 1
    assert (len(more.points), more.more) == (MOST, True)
    as_many = one(lambda u: np.where(u < -940 * UNIT, 0.0, wave(u)), -1014, 128 - 10)  # without the lowest
    assert (len(as_many.points), as_many.more) == (MOST, False)


@pytest.mark.parametrize("rate", [1.3, 2.0])
def test_both_ends_of_a_range_are_fixed_points_of_what_escapes(rate: float) -> None:
    points = one(lambda u: rate * u)
    assert [p.coordinates[0] for p in points.points] == pytest.approx([-2.0, 0.0, 2047 * UNIT])
    assert [p.kind for p in points.points] == ["stable", "unstable", "stable"]
    assert str(points.points[1]) == f"0 (unstable, slope {rate:.2f})"


def test_a_jump_over_the_line_is_none() -> None:
    assert one(lambda u: np.where(u < 0, 0.5, -0.5)).points == ()


def test_a_range_of_a_single_number() -> None:
    (p,) = one(lambda u: 0.5 * u, 7, 7).points
    assert (p.at, p.slope) == (7 * UNIT, 0.0)
    points, _ = two(lambda v, w: (0.75 * v + w, 3.0 * w), (0, 0))
    assert [(p.coordinates, p.slope) for p in points.points] == [((0.0, 0.0), pytest.approx(0.75, abs=1e-9))]
    assert not points.more


def test_none_is_searched_for_of_three_states() -> None:
    known = Known(dict.fromkeys("uvw", (-8, 7)), lambda *s: s)
    assert found(known) == FixedPoints()
    assert known.asked == 0


@pytest.mark.parametrize(
    ("slope", "kind"),
    [(0.5, "stable"), (-0.5, "stable"), (0.9999999, "neutral"), (-1.0000001, "neutral"), (1.1, "unstable"), (-1.1, "unstable")],
)
def test_a_point_is_stable_where_its_kind_says_so(slope: float, kind: str) -> None:
    p = FixedPoint(0.0, slope)
    assert p.kind == kind
    assert p.stable == (kind == "stable")


def test_points_apart_from_a_line_are_kept_beside_it() -> None:
    """All stay below -1; above it are four points alone, the last at the end of the range."""
    points = one(lambda u: np.where(u < -1, u, u + 0.3 * u * (1 - u) * (1.5 - u)))
    assert points.more
    assert len(points.points) == MOST
    alone = [p for p in points.points if p.coordinates[0] > -0.9]
    assert [p.coordinates[0] for p in alone] == pytest.approx([0.0, 1.0, 1.5, 2047 * UNIT], abs=1e-6)
    assert [p.kind for p in alone] == ["unstable", "stable", "unstable", "stable"]
    places = [p.coordinates[0] for p in points.points]
    assert places == sorted(places)
    assert places[0] == pytest.approx(-2.0)
    assert places[MOST - 5] == pytest.approx(-1.0, abs=1e-3)


def test_a_point_apart_from_a_line_of_two_states() -> None:
    """w falls to 0 throughout; v stays where it is below -0.5, and above that it rises from 0."""
    points, _ = two(lambda v, w: (np.where(v < -0.5, v, np.where(v < 0.5, 1.5 * v, v + 0.1)), 0.5 * w))
    assert points.more
    assert (0.0, 0.0) in [pytest.approx(p.coordinates, abs=1e-6) for p in points.points]


def test_of_more_single_points_than_are_kept_some_are_from_all_over() -> None:
    points = one(lambda u: u + 0.004 * np.sin(2 * np.pi * 8 * u))
    places = [p.coordinates[0] for p in points.points]
    assert (len(places), points.more) == (MOST, True)
    assert (places[0], places[-1]) == pytest.approx((-2.0, 2.0 - 1 / 16), abs=0.07)
    assert (np.diff(places) > 0.1).all()
