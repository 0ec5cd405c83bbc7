"""The closest integer coefficients, against rounding and against every integer of a box."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from snn2hw.ir.network import Reals
from snn2hw.passes.polynomials.lattice import GRID, closest, rounded
from tests.passes.polynomials.learned import learned

MANY = 1 << 20  # visits: more than any of these searches needs


def grid(interval: tuple[float, float]) -> Reals:
    lo, hi = interval
    points: Reals = (lo + hi) / 2 - (hi - lo) / 2 * np.cos(np.pi * np.arange(GRID) / (GRID - 1))
    return points


def distance(integers: tuple[int, ...], target: Reals, fracs: list[int], interval: tuple[float, float]) -> float:
    """sup |sum_i (m_i 2**-f_i - a_i) u**i| on the grid."""
    off = np.array(integers) * 2.0 ** -np.array(fracs, np.float64) - target
    return float(np.abs(np.polynomial.polynomial.polyval(grid(interval), off)).max())


def drawn(rng: np.random.Generator, degree: int) -> tuple[Reals, list[int], tuple[float, float]]:
    """(target, binary points, interval)."""
    interval = [(-4.0, 4.0), (-1.0, 3.0), (0.0, 2.0)][int(rng.integers(3))]
    return learned(rng, degree)[0], rng.integers(3, 12, degree + 1).tolist(), interval


def test_never_worse_than_rounding_and_mostly_better() -> None:
    better = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        target, fracs, interval = drawn(rng, int(rng.integers(1, 6)))
        found = closest(target, fracs, [True] * len(target), interval, 16)
        own = distance(found.integers, target, fracs, interval)
        plain = distance(rounded(target, fracs), target, fracs, interval)
        assert found.error == pytest.approx(own, rel=1e-9, abs=1e-15)
        assert own <= plain * (1 + 1e-9)
        better += own < 0.9 * plain
    assert better > 150


@pytest.mark.parametrize("degree", [1, 2])
def test_as_close_as_any_integers_of_a_box(degree: int) -> None:
    """The optimum is a few units from the rounded coefficients: it must make up for half a unit of each."""
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        target, _, interval = drawn(rng, degree)
        fracs = [6, *rng.integers(5, 8, degree).tolist()]
        start, size = rounded(target, fracs), {1: 12, 2: 7}[degree]
        box = np.array(list(product(range(-size, size + 1), repeat=degree + 1))) + np.array(start)
        off = box * 2.0 ** -np.array(fracs, np.float64) - target
        every = np.abs(off @ (grid(interval)[:, None] ** np.arange(degree + 1)).T).max(1)
        found = closest(target, fracs, [True] * (degree + 1), interval, 16, MANY)
        assert found.optimal
        assert found.error <= every.min() * (1 + 1e-9)
        if np.abs(np.array(found.integers) - start).max() <= size:
            assert found.error == pytest.approx(every.min(), rel=1e-9)
            inside += 1
    assert inside > 50


def test_coefficients_that_are_not_free_are_rounded_by_themselves() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        target, fracs, interval = drawn(rng, 4)
        free = [True, *(rng.random(4) < 0.5).tolist()]
        found, start = closest(target, fracs, free, interval, 16), rounded(target, fracs)
        assert [m for m, f in zip(found.integers, free, strict=True) if not f] == [
            m for m, f in zip(start, free, strict=True) if not f
        ]
        assert found.error <= distance(start, target, fracs, interval) * (1 + 1e-9)


def test_integers_keep_within_their_width() -> None:
    """What the other coefficients cannot take back is not given to one that is at its limit."""
    target, fracs = np.array([0.3, 0.97, -0.31]), [5, 5, 5]
    for bits in (6, 7, 12):
        found = closest(target, fracs, [True] * 3, (-4.0, 4.0), bits, MANY)
        assert max(abs(m) for m in found.integers) <= 2 ** (bits - 1) - 1
    at_limit = closest(np.array([0.0, 31.4]), [0, 0], [True, True], (-1.0, 1.0), 6, MANY)
    assert at_limit.integers[1] == 31


def test_a_search_that_is_cut_short_says_so() -> None:
    target, fracs = learned(np.random.default_rng(3), 5)[0], [13, 14, 15, 15, 16, 17]
    few = closest(target, fracs, [True] * 6, (-4.0, 4.0), 24, 20)
    many = closest(target, fracs, [True] * 6, (-4.0, 4.0), 24, MANY)
    assert (few.optimal, many.optimal) == (False, True)
    assert many.error <= few.error


def test_a_target_on_the_lattice_is_found() -> None:
    integers, fracs = (3, -17, 40), [4, 5, 6]
    target = np.array(integers) * 2.0 ** -np.array(fracs, np.float64)
    found = closest(target, fracs, [True] * 3, (-4.0, 4.0), 16)
    assert (found.integers, found.optimal) == (integers, True)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_ties_are_rounded_upward() -> None:
    assert rounded(np.array([0.5, -0.5, 1.25, -1.75]), [0, 0, 1, 1]) == (1, 0, 3, -3)
