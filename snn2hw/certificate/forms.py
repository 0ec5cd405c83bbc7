"""Polynomials of integers with exact rational coefficients, and how far they reach.

What a program makes of its variables, roundings included, is such a form: a shift by k bits is a division and a *noise*, a
symbol of which nothing is known but that it lies within -r and r. Two forms of the same variables are subtracted exactly, so that
all that is left of what they have in common is what was lost: this is what `Space.range` bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import TypeAlias

Monomial: TypeAlias = "tuple[str, ...]"  # its symbols in order, one named twice for a square; () for 1
Form: TypeAlias = "Mapping[Monomial, Fraction]"
Ends: TypeAlias = "tuple[Fraction, Fraction]"  # lowest and highest

MANY = 64  # bits: more than any value has
PIECES = 16  # in which the range of a variable is looked at, one by one
ZERO: Form = {}


def constant(value: Fraction | int) -> Form:
    """A number."""
    return {(): Fraction(value)} if value else ZERO


def symbol(name: str) -> Form:
    """One symbol by itself."""
    return {(name,): Fraction(1)}


def scaled(form: Form, factor: Fraction | int) -> Form:
    """factor * form."""
    return {m: c * factor for m, c in form.items()} if factor else ZERO


def plus(first: Form, second: Form) -> Form:
    """first + second."""
    total = dict(first)
    for m, c in second.items():
        total[m] = total.get(m, Fraction(0)) + c
    return {m: c for m, c in total.items() if c}


def minus(first: Form, second: Form) -> Form:
    """first - second."""
    return plus(first, scaled(second, -1))


def times(first: Form, second: Form) -> Form:
    """first * second."""
    total: dict[Monomial, Fraction] = {}
    for m, c in first.items():
        for n, d in second.items():
            key = tuple(sorted(m + n))
            total[key] = total.get(key, Fraction(0)) + c * d
    return {m: c for m, c in total.items() if c}


def _twos(c: Fraction) -> int:
    """How often 2 divides a number that is not 0; negative where it is in the denominator."""
    return (c.numerator & -c.numerator).bit_length() - c.denominator.bit_length()


def hull(*each: Ends) -> Ends:
    """The least that holds all of them."""
    return min(lo for lo, _ in each), max(hi for _, hi in each)


def product(a: Ends, b: Ends) -> Ends:
    """Where the product of two numbers lies."""
    corners = [x * y for x in a for y in b]
    return min(corners), max(corners)


@dataclass
class Space:
    """Symbols and where they lie.

    Args:
        ends: of every symbol. noises: those of which nothing else is known.
        twos: 2 to the power of this divides the variable.
    """

    ends: dict[str, Ends] = field(default_factory=dict)
    noises: set[str] = field(default_factory=set)
    twos: dict[str, int] = field(default_factory=dict)

    def variable(self, name: str, lo: int, hi: int, twos: int = 0) -> Form:
        """An integer of which a form is to know the powers; a constant where it has one value.

        Args:
            name: new among the symbols. lo, hi: its ends, both reached. twos: 2 to the power of this divides it.
        """
        self.ends[name], self.twos[name] = (Fraction(lo), Fraction(hi)), twos
        return constant(lo) if lo == hi else symbol(name)

    def noise(self, ends: Ends) -> Form:
        """Something between two numbers: their middle, and a symbol about it."""
        middle, radius = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
        if not radius:
            return constant(middle)
        name = f"~{len(self.noises)}"  # what no value is called
        self.noises.add(name)
        self.ends[name] = -radius, radius
        return plus(constant(middle), symbol(name))

    def divided(self, form: Form) -> int:
        """How often 2 divides the integer that a form is, for certain; `MANY` where it is 0."""
        if any(s in self.noises for m in form for s in m):
            return 0
        each = [_twos(c) + sum(self.twos[s] for s in m) for m, c in form.items()]
        return max(0, min(each, default=MANY))

    def range(self, form: Form) -> Ends:
        """Numbers between which the form lies: exact where it is linear, and near the exact ones where one variable curves it."""
        lo = hi = Fraction(0)
        for noise, parts in self._sorted(form).items():
            low = high = Fraction(0)
            for names, coefficients in parts.items():
                ends = self._polynomial(names, coefficients)
                low, high = low + ends[0], high + ends[1]
            if noise:
                high = max(abs(low), abs(high)) * self._magnitude(noise)
                low = -high
            lo, hi = lo + low, hi + high
        return lo, hi

    def _sorted(self, form: Form) -> dict[Monomial, dict[Monomial, dict[Monomial, Fraction]]]:
        """Noises -> variables -> the monomials that have these and no others."""
        found: dict[Monomial, dict[Monomial, dict[Monomial, Fraction]]] = {}
        for m, c in form.items():
            noise = tuple(s for s in m if s in self.noises)
            free = tuple(s for s in m if s not in self.noises)
            of = tuple(sorted(set(free)))
            found.setdefault(noise, {}).setdefault(of, {})[free] = c
        return found

    def _magnitude(self, noise: Monomial) -> Fraction:
        total = Fraction(1)
        for name in noise:
            total *= self.ends[name][1]
        return total

    def _polynomial(self, names: Monomial, coefficients: Mapping[Monomial, Fraction]) -> Ends:
        """The range of monomials that have the same variables."""
        if len(names) == 1:
            degrees = {len(m): c for m, c in coefficients.items()}
            a = [degrees.get(k, Fraction(0)) for k in range(max(degrees) + 1)]
            return hull(*self._pieces(a, self.ends[names[0]]))
        lo = hi = Fraction(0)
        for m, c in coefficients.items():
            ends: Ends = (c, c)
            for name in m:
                ends = product(ends, self.ends[name])
            lo, hi = lo + ends[0], hi + ends[1]
        return lo, hi

    def _pieces(self, a: list[Fraction], ends: Ends) -> Iterator[Ends]:
        """sum_k a_k u**k piece by piece, by its Taylor series about the middle of each; a straight line in one."""
        pieces = PIECES if len(a) > 2 else 1
        half = (ends[1] - ends[0]) / (2 * pieces)
        for n in range(pieces):
            middle = ends[0] + (2 * n + 1) * half
            t = [sum((comb(j, k) * a[j] * middle ** (j - k) for j in range(k, len(a))), Fraction(0)) for k in range(len(a))]
            away = sum((abs(c) * half**k for k, c in enumerate(t[1:], 1)), Fraction(0))
            yield t[0] - away, t[0] + away
