"""The event camera, against its equations one pixel at a time, and as a camera."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from snn2hw.data import digits, saccades

pytestmark = pytest.mark.torch


def scans(count: int) -> np.ndarray:
    return np.rint(digits.load("test")[0][:count, 0].numpy() * digits.WHITE).astype(np.int64)


def surface(scan: np.ndarray, y: Fraction, x: Fraction) -> Fraction:
    """Bilinear between the scan's points, 0 around them."""
    total = Fraction(0)
    for i in (math.floor(y), math.floor(y) + 1):
        for j in (math.floor(x), math.floor(x) + 1):
            if 0 <= i < 8 and 0 <= j < 8:
                total += int(scan[i, j]) * (1 - abs(y - i)) * (1 - abs(x - j))
    return total


def test_events_are_those_of_the_equations() -> None:
    (scan,) = scans(1)
    (events,) = saccades.record(scan[None])
    column, wanted = 6, []
    path = saccades.path()
    for row in range(16):
        reference = 0
        for k, (dx, dy) in enumerate(path):
            where = (Fraction(2 * n - 15, 2) - Fraction(d, 128) for n, d in ((row, dy), (column, dx)))
            intensity = surface(scan, *(w / Fraction(3, 2) + Fraction(7, 2) for w in where)) / 16
            seen = round(math.log(float(intensity) + saccades.EPSILON) * saccades.ONE)
            times = math.trunc((seen - reference) / round(saccades.CONTRAST * saccades.ONE)) if k else 0
            reference = seen if k == 0 else reference + times * round(saccades.CONTRAST * saccades.ONE)
            wanted += [((k - 1) * 1000, row, int(times > 0))] * abs(times)
    here = events.x == column
    assert sorted(zip(events.t[here].tolist(), events.y[here].tolist(), events.p[here].tolist(), strict=True)) == sorted(wanted)
    assert len(wanted) > 50


def test_the_path_is_a_closed_triangle_of_straight_lines() -> None:
    path = saccades.path()
    assert (len(path), path[0]) == (301, path[300])
    assert tuple(path[k] for k in (0, 100, 200)) == saccades.CORNERS
    for leg in range(3):
        (x0, y0), (x1, y1) = path[100 * leg], path[100 * leg + 100]
        assert all(
            abs(x - x0 - (x1 - x0) * k / 100) < 1 and abs(y - y0 - (y1 - y0) * k / 100) < 1
            for k, (x, y) in enumerate(path[100 * leg : 100 * leg + 100])
        )


def test_what_got_brighter_got_darker_again() -> None:
    for events in saccades.record(scans(20)):
        net = np.zeros((16, 16), np.int64)
        np.add.at(net, (events.y, events.x), 2 * events.p.astype(np.int64) - 1)
        assert not net.any()
        assert (events.t[0], events.t[-1] < saccades.DURATION) != (0, False)


def test_a_bright_spot_going_right_is_on_before_it_and_off_behind() -> None:
    spot = np.zeros((1, 8, 8), np.int64)
    spot[0, 4, 4] = 16
    (events,) = saccades.record(spot)
    first = events.t < 50_000
    on, off = first & (events.p == 1), first & (events.p == 0)
    assert events.x[on].mean() > events.x[off].mean() + 1
    assert abs(events.y[on].mean() - events.y[off].mean()) < 0.2


def test_a_scan_alone_gives_what_it_gives_among_others() -> None:
    three = scans(3)
    for scan, events in zip(three, saccades.record(three), strict=True):
        (alone,) = saccades.record(scan[None])
        assert all(np.array_equal(getattr(events, name), getattr(alone, name)) for name in "txyp")


def test_nothing_is_seen_where_nothing_is() -> None:
    empty, events = saccades.record(np.stack([np.zeros((8, 8), np.int64), scans(1)[0]]))
    assert (len(empty), len(events) > 500) == (0, True)
