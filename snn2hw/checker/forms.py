"""Polynomials in integers with exact coefficients: what a function makes of its variables, with what its divisions lose.

A form is {symbols of a product, sorted: coefficient}. A symbol is a variable of the function or a loss, of which only a bound is
known. What two forms have in common is gone when one is taken from the other; `Symbols.reach` bounds the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import comb, prod
from typing import Any

Form = Mapping[tuple[str, ...], Fraction]
Ends = tuple[Fraction, Fraction]

PARTS = 16  # of the range of a variable, where a form is curved in it
WORD = 64  # bits, more than any value has; 0 is a multiple of 2 that often
MOST_PRODUCTS, MOST_FACTORS, MOST_BITS = 1 << 12, 1 << 6, 1 << 14  # of a form that is still worked out


def number(n: Any) -> Form:
    """A constant."""
    return {(): Fraction(n)} if n else {}


def summed(*parts: tuple[Any, Form]) -> Form:
    """The sum of factor * form."""
    total: dict[tuple[str, ...], Fraction] = {}
    for factor, form in parts:
        for symbols, c in form.items():
            total[symbols] = total.get(symbols, Fraction(0)) + factor * c
    return {symbols: c for symbols, c in total.items() if c}


def multiplied(a: Form, b: Form) -> Form:
    """The product. Raises ValueError where it is larger than any that `snn2hw compile` makes."""
    made = summed(*((c, {tuple(sorted(s + t)): d for t, d in b.items()}) for s, c in a.items()))
    if len(made) > MOST_PRODUCTS or any(len(s) > MOST_FACTORS for s in made) or any(map(_is_long, made.values())):
        raise ValueError("a product of the equation is larger than is worked out here")
    return made


def _is_long(c: Fraction) -> bool:
    return max(c.numerator.bit_length(), c.denominator.bit_length()) > MOST_BITS


def within(*each: Ends) -> Ends:
    """The least interval around all of them."""
    return min(e[0] for e in each), max(e[1] for e in each)


class Symbols:
    """The symbols of one channel: `ends` of each, `even` how often 2 divides it; those in `even` are no losses."""

    def __init__(self) -> None:
        self.ends: dict[str, Ends] = {}
        self.even: dict[str, int] = {}

    def variable(self, name: str, ends: list[int], even: int) -> Form:
        """A variable, or the constant that it is.

        Args:
            name: of the value in the function. ends: [lo, hi], both reached. even: how often 2 divides it.
        """
        symbol = f"value {name}"  # whatever it is called, no loss is called so
        self.ends[symbol], self.even[symbol] = (Fraction(ends[0]), Fraction(ends[1])), even
        return number(ends[0]) if ends[0] == ends[1] else {(symbol,): Fraction(1)}

    def loss(self, ends: Ends) -> Form:
        """What lies between two numbers, as their middle and a symbol around 0."""
        away, name = (ends[1] - ends[0]) / 2, f"loss {len(self.ends)}"
        self.ends[name] = -away, away
        return summed((1, number(sum(ends) / 2)), (1, {(name,): Fraction(1)} if away else {}))

    def multiple(self, form: Form) -> int:
        """How often 2 divides what a form stands for, at least."""
        found = WORD
        for symbols, c in form.items():
            own = (c.numerator & -c.numerator).bit_length() - c.denominator.bit_length()
            found = min(found, own + sum(self.even.get(s, -WORD) for s in symbols))
        return max(found, 0)

    def reach(self, form: Form) -> Ends:
        """The interval in which a form lies: for each product of losses what multiplies it, and that for each variable."""
        sorted_out: dict[tuple[str, ...], dict[frozenset[str], dict[tuple[str, ...], Fraction]]] = {}
        for symbols, c in form.items():
            losses, free = (tuple(s for s in symbols if (s in self.even) == kept) for kept in (False, True))
            sorted_out.setdefault(losses, {}).setdefault(frozenset(free), {})[free] = c
        low = high = Fraction(0)
        for losses, parts in sorted_out.items():
            each = [self._curve(p) if len(v) == 1 else self._box(p) for v, p in parts.items()]
            lo, hi = sum((e[0] for e in each), Fraction(0)), sum((e[1] for e in each), Fraction(0))
            if losses:
                hi = max(-lo, hi) * prod(self.ends[s][1] for s in losses)
                lo = -hi
            low, high = low + lo, high + hi
        return low, high

    def _box(self, part: Form) -> Ends:
        """Products of several variables, each at its ends; and constants."""
        corners = [[c * prod(at) for at in product(*(self.ends[s] for s in symbols))] for symbols, c in part.items()]
        return sum(map(min, corners), Fraction(0)), sum(map(max, corners), Fraction(0))

    def _curve(self, part: Form) -> Ends:
        """A polynomial of one variable, by what it is in the middle of each part of the range and how fast it leaves that."""
        ((variable, *_), *_) = part
        lo, hi = self.ends[variable]
        degree = max(map(len, part))
        parts = PARTS if degree > 1 else 1
        each, half = list[Ends](), (hi - lo) / (2 * parts)
        for at in (lo + (2 * n + 1) * half for n in range(parts)):
            taylor = [Fraction(0)] * (degree + 1)
            for k, (s, c) in product(range(degree + 1), part.items()):
                taylor[k] += c * comb(len(s), k) * at ** (len(s) - k) if len(s) >= k else 0
            away = sum((abs(t) * half**k for k, t in enumerate(taylor) if k), Fraction(0))
            each.append((taylor[0] - away, taylor[0] + away))
        return within(*each)
