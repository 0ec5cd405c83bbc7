"""Forms of integers: what is known of their ends holds for every value of their symbols, and is near it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
import pytest

from snn2hw.certificate.forms import MANY, ZERO, Form, Space, constant, minus, plus, scaled, symbol, times


def value(form: Form, at: dict[str, Fraction]) -> Fraction:
    total = Fraction(0)
    for symbols, c in form.items():
        total += c * prod((at[s] for s in symbols), start=Fraction(1))
    return total


def test_what_two_forms_have_in_common_is_gone() -> None:
    a, b = symbol("a"), symbol("b")
    square = times(plus(a, b), plus(a, b))
    assert minus(square, plus(times(a, a), plus(times(b, b), scaled(times(a, b), 2)))) == ZERO
    assert plus(constant(0), scaled(a, 0)) == ZERO


@pytest.mark.parametrize("degree", range(4))
def test_the_range_of_a_polynomial_holds_and_is_near(degree: int) -> None:
    rng = np.random.default_rng(degree)
    for _ in range(20):
        space = Space()
        lo, hi = sorted(rng.integers(-50, 51, 2).tolist())
        form, power, u = ZERO, constant(1), space.variable("u", lo, hi + 1)
        for _ in range(degree + 1):
            form, power = plus(form, scaled(power, Fraction(int(rng.integers(-9, 10)), 8))), times(power, u)
        seen = [value(form, {"u": Fraction(n)}) for n in range(lo, hi + 2)]
        low, high = space.range(form)
        assert low <= min(seen) <= max(seen) <= high
        if degree < 2:
            assert (low, high) == (min(seen), max(seen))
        assert high - low <= (max(seen) - min(seen)) * Fraction(5, 4) + Fraction(1, 2) * (hi - lo + 1)


def test_the_range_of_several_symbols_holds_in_every_corner() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        space = Space()
        u, v = space.variable("u", -3, 5), space.variable("v", -7, -2)
        noise = space.noise((Fraction(-1, 4), Fraction(3, 4)))
        parts = [u, v, noise, times(u, v), times(noise, u), times(noise, times(u, u)), times(noise, noise), times(v, noise)]
        form = ZERO
        for part in parts:
            form = plus(form, scaled(part, int(rng.integers(-3, 4))))
        lo, hi = space.range(form)
        (name,) = space.noises
        for n, m, e in product(range(-3, 6), range(-7, -1), (Fraction(-1, 2), Fraction(0), Fraction(1, 2))):
            assert lo <= value(form, {"u": Fraction(n), "v": Fraction(m), name: e}) <= hi


def test_how_often_two_divides_a_form() -> None:
    space = Space()
    u, v = space.variable("u", 0, 64, twos=3), space.variable("v", 0, 9)
    assert space.divided(ZERO) == MANY
    assert space.divided(constant(24)) == 3
    assert space.divided(u) == 3
    assert space.divided(scaled(u, Fraction(1, 4))) == 1
    assert space.divided(times(u, u)) == 6
    assert space.divided(plus(u, scaled(v, 2))) == 1
    assert space.divided(scaled(v, Fraction(1, 2))) == 0
    assert space.divided(plus(u, space.noise((Fraction(0), Fraction(1))))) == 0
