from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor, trunc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snn2hw.num import Rounding, WrapLaw, clamp, select, shift_right, wrap

# The three roundings once more, on fractions, so that no shift or mask of the law is repeated here.
DEFINITIONS: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.FLOOR: floor,
    Rounding.TOWARD_ZERO: trunc,
    Rounding.HALF_UP: lambda x: floor(x + Fraction(1, 2)),
}
BITS = 60
WIDE = st.integers(-(2**BITS), 2**BITS)
ARRAYS = st.lists(st.one_of(WIDE, st.sampled_from([-(2**BITS), -1, 0, 1, 2**31, -(2**31), 2**BITS])), min_size=1, max_size=20)


def test_every_rounding_has_a_definition() -> None:
    assert set(DEFINITIONS) == set(Rounding)
    assert [r.value for r in Rounding] == ["floor", "toward_zero", "half_up"]


@pytest.mark.parametrize("rounding", Rounding)
def test_shift_right_exhaustively(rounding: Rounding) -> None:
    for x in range(-300, 301):
        for bits in range(9):
            assert shift_right(x, bits, rounding) == DEFINITIONS[rounding](Fraction(x, 2**bits)), f"{x} >> {bits}"


@pytest.mark.parametrize(("rounding", "expected"), [("floor", -2), ("toward_zero", -1), ("half_up", -1)])
def test_the_roundings_differ_on_minus_three_halves(rounding: str, expected: int) -> None:
    assert shift_right(-3, 1, Rounding(rounding)) == expected


@given(x=WIDE, bits=st.integers(0, 61), rounding=st.sampled_from(Rounding))
def test_shift_right_of_wide_values(x: int, bits: int, rounding: Rounding) -> None:
    assert shift_right(x, bits, rounding) == DEFINITIONS[rounding](Fraction(x, 2**bits))


def test_clamp_exhaustively() -> None:
    for lo in range(-8, 9):
        for hi in range(lo, 9):
            for x in range(-20, 21):
                assert clamp(x, lo, hi) == sorted((lo, x, hi))[1]


@pytest.mark.parametrize("width", range(1, 7))
def test_wrap_exhaustively(width: int) -> None:
    for x in range(-300, 301):
        wrapped = wrap(x, width, WrapLaw.TWOS_COMPLEMENT)
        assert -(2 ** (width - 1)) <= wrapped < 2 ** (width - 1)
        assert (wrapped - x) % 2**width == 0


def test_select() -> None:
    assert [select(c, 7, -3) for c in (0, 1)] == [-3, 7]
    assert select(np.array([0, 1, 1]), np.array([1, 2, 3]), -9).tolist() == [-9, 2, 3]


@given(values=ARRAYS, bits=st.integers(0, 61), rounding=st.sampled_from(Rounding))
def test_shift_right_of_arrays_is_that_of_integers(values: list[int], bits: int, rounding: Rounding) -> None:
    shifted = shift_right(np.array(values, np.int64), bits, rounding)
    assert shifted.dtype == np.int64
    assert shifted.tolist() == [shift_right(v, bits, rounding) for v in values]


@given(values=ARRAYS, bounds=st.tuples(WIDE, WIDE).map(sorted))
def test_clamp_of_arrays_is_that_of_integers(values: list[int], bounds: list[int]) -> None:
    clamped = clamp(np.array(values, np.int64), *bounds)
    assert clamped.dtype == np.int64
    assert clamped.tolist() == [clamp(v, *bounds) for v in values]


@given(values=ARRAYS, width=st.integers(1, 62))
def test_wrap_of_arrays_is_that_of_integers(values: list[int], width: int) -> None:
    wrapped = wrap(np.array(values, np.int64), width, WrapLaw.TWOS_COMPLEMENT)
    assert wrapped.dtype == np.int64
    assert wrapped.tolist() == [wrap(v, width, WrapLaw.TWOS_COMPLEMENT) for v in values]


@given(rows=st.lists(st.tuples(st.integers(0, 1), WIDE, WIDE), min_size=1))
def test_select_of_arrays_is_that_of_integers(rows: list[tuple[int, int, int]]) -> None:
    condition, a, b = np.array(rows, np.int64).T
    selected = select(condition, a, b)
    assert selected.dtype == np.int64
    assert selected.tolist() == [a if c else b for c, a, b in rows]


@pytest.mark.parametrize("width", range(2, 8))
def test_loihis_wrap_keeps_the_upper_end_and_loses_the_lower(width: int) -> None:
    """The register is one bit narrower than the format: -2**(w-1) + 1 .. 2**(w-1)."""
    half = 2 ** (width - 2)
    for x in range(-5 * half, 5 * half + 1):
        wrapped = wrap(x, width, WrapLaw.LOIHI)
        assert -half < wrapped <= half
        assert (wrapped - x) % (2 * half) == 0
    assert wrap(half, width, WrapLaw.LOIHI) == wrap(-half, width, WrapLaw.LOIHI) == half
