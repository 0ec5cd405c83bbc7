from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2hw.num import Interval

SMALL = [Interval(lo, hi) for lo in range(-4, 5) for hi in range(lo, 5)]


def members(interval: Interval) -> range:
    return range(interval.lo, interval.hi + 1)


@pytest.mark.parametrize("operation", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b], ids=["add", "sub", "mul"])
def test_arithmetic_is_the_smallest_interval_exhaustively(operation: Callable[..., Interval]) -> None:
    for a, b in product(SMALL, SMALL):
        results = [operation(x, y) for x in members(a) for y in members(b)]
        assert operation(a, b) == Interval(min(results), max(results)), f"{a}, {b}"


def test_negation_and_magnitude_exhaustively() -> None:
    for a in SMALL:
        assert list(members(-a)) == sorted(-x for x in members(a))
        assert a.magnitude == max(abs(x) for x in members(a))


def test_hull_exhaustively() -> None:
    for a, b in product(SMALL, SMALL):
        together = [*members(a), *members(b)]
        assert a.hull(b) == Interval(min(together), max(together))


def test_meet_exhaustively() -> None:
    for a, lo, hi in product(SMALL, [None, *range(-6, 7)], [None, *range(-6, 7)]):
        left = [x for x in members(a) if (lo is None or x >= lo) and (hi is None or x <= hi)]
        assert a.meet(lo, hi) == (Interval(left[0], left[-1]) if left else None)


def test_contains_exhaustively() -> None:
    for a, b in product(SMALL, SMALL):
        assert (b in a) == (set(members(b)) <= set(members(a)))
    for a, x in product(SMALL, range(-6, 7)):
        assert (x in a) == (x in members(a))


def test_bits_are_the_fewest_exhaustively() -> None:
    for lo in range(-40, 41):
        for hi in range(lo, 41):
            if lo >= 0:
                width = next(w for w in range(1, 20) if hi < 2**w)
            else:
                width = next(w for w in range(1, 20) if -(2 ** (w - 1)) <= lo and hi < 2 ** (w - 1))
            assert Interval(lo, hi).bits == (width, lo < 0)


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1))
def test_of_is_the_smallest_interval_holding_the_values(values: list[int]) -> None:
    interval = Interval.of(iter(values))
    assert (interval.lo, interval.hi) == (sorted(values)[0], sorted(values)[-1])


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_wide_products_stay_exact(x: int, y: int) -> None:
    assert Interval(x, x) * Interval(y, y) == Interval(x * y, x * y)


def test_an_interval_is_never_empty() -> None:
    with pytest.raises(AssertionError, match=r"empty interval \[3, 2\]"):
        Interval(3, 2)


def test_text_of_an_interval() -> None:
    assert str(Interval(-3, 12)) == "[-3, 12]"
