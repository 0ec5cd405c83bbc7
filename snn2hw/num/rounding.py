"""The primitives whose meaning toolchains disagree about: rounding and overflow. Written once, here.

Every function uses only + - * >> and comparisons, so one definition serves Python integers (exact, unbounded: the reference)
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
    """How a register wraps around.

    twos_complement: into -2**(w-1) .. 2**(w-1) - 1, w the width of the format.
    loihi: the current of Lava's bit-accurate LIF, which keeps +2**(w-1) and maps -2**(w-1) to it: into
    -2**(w-1) + 1 .. 2**(w-1), w one bit less than the width of the format, which must hold the upper end.
    """

    TWOS_COMPLEMENT = "twos_complement"
    LOIHI = "loihi"


def shift_right(x: Integer, bits: int, rounding: Rounding) -> Integer:
    """x / 2**bits rounded to an integer.

    floor: largest integer <= x / 2**bits. toward_zero: fraction dropped, sign(x) * (|x| >> bits).
    half_up: floor(x / 2**bits + 1/2), so ties go toward +infinity.

    Args:
        x: a Python int or an integer array. bits: 0 or more. rounding: one of these three.
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
    """x taken modulo 2**w into the range of the `law`, for a format of `width` bits: ((x + offset) mod 2**w) - offset."""
    bits, offset = wrap_parameters(width, law)
    return ((x + offset) & ((1 << bits) - 1)) - offset


def wrap_parameters(width: int, law: WrapLaw) -> tuple[int, int]:
    """(w, offset) of that range in a format of `width` bits; minus the offset is the least value it leaves."""
    if law is WrapLaw.LOIHI:
        return width - 1, (1 << (width - 2)) - 1
    return width, 1 << (width - 1)


def select(condition: Integer, if_true: Integer, if_false: Integer) -> Integer:
    """if_true where condition is 1, if_false where it is 0."""
    return if_false + condition * (if_true - if_false)
