"""The primitives whose meaning toolchains disagree about: rounding and overflow. Written once, here.

Every function uses only + - * >> and comparisons, so one definition serves Python integers (exact, unbounded: the law)
and NumPy int64 arrays (exact while every value keeps within 62 bits, which `snn2hw.ir.rules` checks).
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

Integer: TypeAlias = Any  # a Python int, or an int64 ndarray of any shape


class Rounding(Enum):
    """How a right shift disposes of the bits that fall off. Loihi truncates toward zero, Xylo floors."""

    FLOOR = "floor"
    TOWARD_ZERO = "toward_zero"
    HALF_UP = "half_up"


class WrapLaw(Enum):
    """How a register wraps around. Loihi's own off-by-one current wrap will be a second row."""

    TWOS_COMPLEMENT = "twos_complement"


def shift_right(x: Integer, bits: int, rounding: Rounding) -> Integer:
    """x / 2**bits rounded to an integer.

    floor: largest integer <= x / 2**bits. toward_zero: fraction dropped, sign(x) * (|x| >> bits).
    half_up: floor(x / 2**bits + 1/2), so ties go toward +infinity.
    """
    if rounding is Rounding.TOWARD_ZERO:
        return (x + (x < 0) * ((1 << bits) - 1)) >> bits
    if rounding is Rounding.HALF_UP:
        return (x + ((1 << bits) >> 1)) >> bits
    return x >> bits


def clamp(x: Integer, lo: int, hi: int) -> Integer:
    """The nearest integer to x within [lo, hi] (saturation)."""
    return x + (x < lo) * (lo - x) - (x > hi) * (x - hi)


def wrap(x: Integer, width: int, law: WrapLaw) -> Integer:
    """x taken modulo 2**width into the signed range of `width` bits: ((x + 2**(w-1)) mod 2**w) - 2**(w-1)."""
    assert law is WrapLaw.TWOS_COMPLEMENT
    half = 1 << (width - 1)
    return ((x + half) & ((1 << width) - 1)) - half


def select(condition: Integer, if_true: Integer, if_false: Integer) -> Integer:
    """if_true where condition is 1, if_false where it is 0."""
    return if_false + condition * (if_true - if_false)
