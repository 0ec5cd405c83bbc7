"""Fixed-point formats: a raw integer and where its binary point is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snn2hw.errors import TextError, WidthError
from snn2hw.num.interval import Interval

# Intermediates live in int64 in the vectorised executors; one bit is kept so that a rounding offset cannot overflow.
MAX_WIDTH = 62

_NAME = re.compile(r"([su])(\d+)\.(-?\d+)")


@dataclass(frozen=True)
class Format:
    """Two's complement (or unsigned) fixed point: value = raw * 2**-frac, raw held in `width` bits.

    Args:
        width: total number of bits, 1 to 62, sign included.
        frac: number of fractional bits; may be negative or exceed the width.
        signed: whether raw is two's complement.

    Raises:
        WidthError: width outside 1..62.
    """

    width: int
    frac: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise WidthError(
                "a fixed-point format is too narrow or too wide",
                got=f"{self.width} bits",
                expected=f"1 to {MAX_WIDTH} bits",
                do="choose fewer state or coefficient bits, or a smaller state range",
            )

    @property
    def interval(self) -> Interval:
        """All raw integers the format can hold."""
        if self.signed:
            return Interval(-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        return Interval(0, (1 << self.width) - 1)

    @staticmethod
    def holding(interval: Interval, frac: int) -> Format:
        """The narrowest format that holds every integer of `interval`; unsigned where nothing is negative."""
        width, signed = interval.bits
        return Format(width, frac, signed)

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}.{self.frac}"

    @staticmethod
    def parse(text: str) -> Format:
        """Inverse of `str`: 's16.12' is 16 bits, signed, 12 of them fractional."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise TextError("this is not a fixed-point format", got=repr(text), expected="like s16.12 or u8.0")
        return Format(int(match[2]), int(match[3]), match[1] == "s")
