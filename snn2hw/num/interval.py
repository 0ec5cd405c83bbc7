"""Exact integer intervals. Every operation returns the smallest interval that holds every possible result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """All integers from lo to hi, both included (exact Python integers, never floats)."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        assert self.lo <= self.hi, f"empty interval [{self.lo}, {self.hi}]"

    @staticmethod
    def of(values: Iterable[int]) -> Interval:
        """The smallest interval holding all of `values`."""
        values = [int(v) for v in values]
        return Interval(min(values), max(values))

    def __contains__(self, other: Interval | int) -> bool:
        if isinstance(other, Interval):
            return self.lo <= other.lo and other.hi <= self.hi
        return self.lo <= other <= self.hi

    def hull(self, other: Interval) -> Interval:
        """The smallest interval holding both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def meet(self, lo: int | None = None, hi: int | None = None) -> Interval | None:
        """The part at or above `lo` and at or below `hi`; None where nothing is left."""
        low = self.lo if lo is None else max(self.lo, lo)
        high = self.hi if hi is None else min(self.hi, hi)
        return Interval(low, high) if low <= high else None

    @property
    def magnitude(self) -> int:
        """The largest absolute value."""
        return max(abs(self.lo), abs(self.hi))

    @property
    def bits(self) -> tuple[int, bool]:
        """(width, signed) of the narrowest integer type that holds the interval."""
        if self.lo >= 0:
            return max(1, self.hi.bit_length()), False
        return 1 + max((~self.lo).bit_length(), self.hi.bit_length() if self.hi > 0 else 0), True

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.lo - other.hi, self.hi - other.lo)

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __mul__(self, other: Interval) -> Interval:
        ends = self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi
        return Interval(min(ends), max(ends))

    def __str__(self) -> str:
        return f"[{self.lo}, {self.hi}]"
