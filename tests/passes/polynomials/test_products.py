"""Words and their products, against Python integers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import Op
from snn2hw.num import Interval, Rounding
from snn2hw.passes.polynomials.products import MOST_WORDS, cut, most_bits, multiply, reach, split, word_bits
from snn2hw.target import Lowering
from tests.passes.polynomials.learned import GENERIC, assert_fits, limits_of, shown, signed_bits, sources


def factors(rng: np.random.Generator, a_bits: int, v_bits: int) -> tuple[ProgramBuilder, dict[str, list[int]]]:
    """Two values of these widths at random binary points, and integers that they may be: ends, powers of two, any."""
    b, values = ProgramBuilder("P"), {}
    for name, bits in (("a", a_bits), ("v", v_bits)):
        lo, hi = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        if rng.random() < 0.3:
            lo = int(rng.integers(lo, 0))
        b.emit(Op.STATE, name, (), (lo, hi, 0), int(rng.integers(0, 12)))
        near = [s * (1 << k) + d for k in range(bits) for d in (-1, 0, 1) for s in (1, -1)]
        picked = [lo, hi, 0, -1, 1, *rng.choice(near, 30).tolist(), *rng.integers(lo, hi, 60, endpoint=True).tolist()]
        values[name] = [int(min(max(p, lo), hi)) for p in picked]
    return b, values


def run(b: ProgramBuilder, values: dict[str, list[int]]) -> dict[str, list[int]]:
    arrays = {name: np.array(v, np.int64) for name, v in values.items()}
    found = evaluate(b.program(), sources(0, **arrays))
    return {name: [int(x) for x in np.broadcast_to(v, len(values["a"]))] for name, v in found.items()}


def widths(rng: np.random.Generator, limits: Lowering) -> tuple[int, int]:
    return int(rng.integers(3, limits.accumulator_bits - 1)), int(rng.integers(3, 25))


def test_words_are_the_value_cut() -> None:
    """value = sum of words * 2**weight for every rounding, and no word is wider than was said."""
    cut_into = set()
    for seed in range(150):
        rng = np.random.default_rng(seed)
        limits = limits_of(rng)
        a_bits = int(rng.integers(3, limits.accumulator_bits - 1))
        words = int(rng.integers(1, min(MOST_WORDS, a_bits) + 1))
        b, values = factors(rng, a_bits, 3)
        pieces = split(b, "a", words, limits)
        found = run(b, values)
        cut_into.add(len(pieces))
        assert len(pieces) == words
        for n, a in enumerate(values["a"]):
            assert sum(found[p.name][n] << p.weight for p in pieces) == a, f"seed {seed}\n{shown(b.program())}"
        widest = word_bits(a_bits, words)
        assert all(signed_bits(b.interval(p.name)) <= widest for p in pieces), f"seed {seed}\n{shown(b.program())}"
        assert max(b.interval(i.name).bits[0] for i in b.program().instructions) <= limits.accumulator_bits
    assert cut_into == {1, 2, 3, 4}


def test_a_product_at_its_own_binary_point_is_exact() -> None:
    """Where the accumulator holds the product, words are only for the multiplier, and nothing is lost."""
    seen = set()
    for seed in range(120):
        rng = np.random.default_rng(seed)
        limits = replace(GENERIC, accumulator_bits=62, coefficient_bits=int(rng.integers(6, 20)))
        a_bits, v_bits = int(rng.integers(3, 34)), int(rng.integers(3, 24))
        words = cut(a_bits, v_bits, limits)
        assert words is not None
        b, values = factors(rng, a_bits, v_bits)
        frac = b.frac("a") + b.frac("v")
        total = multiply(b, "p", split(b, "a", words.first, limits), split(b, "v", words.second, limits), frac, limits)
        assert b.frac(total) == frac
        assert run(b, values)[total] == [a * v for a, v in zip(values["a"], values["v"], strict=True)], f"seed {seed}"
        assert_fits(b.program(), limits)
        assert len(b.program().of(Op.MUL)) <= words.products
        seen.add(words.products)
    assert {1, 2, 4} <= seen


def test_a_product_at_a_coarser_point_is_off_by_one_rounding_for_each_pair_of_words() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        limits = limits_of(rng)
        a_bits, v_bits = widths(rng, limits)
        words = cut(a_bits, v_bits, limits)
        if words is None:
            continue
        b, values = factors(rng, a_bits, v_bits)
        exact = b.interval("a") * b.interval("v")
        drop = max(0, exact.bits[0] + words.products - limits.accumulator_bits) + int(rng.integers(0, 4))
        frac = b.frac("a") + b.frac("v") - drop
        total = multiply(b, "p", split(b, "a", words.first, limits), split(b, "v", words.second, limits), frac, limits)
        found = run(b, values)[total]
        each = Fraction(1, 2) if limits.rounding is Rounding.HALF_UP else 1
        for a, v, got in zip(values["a"], values["v"], found, strict=True):
            off = abs(Fraction(got) / 2 ** (frac - b.frac(total)) if b.frac(total) > frac else got - Fraction(a * v, 2**drop))
            assert off <= words.products * each, f"seed {seed}: {a} * {v}\n{shown(b.program())}"
        assert_fits(b.program(), limits)


def test_the_fewest_products_that_fit() -> None:
    limits = replace(GENERIC, accumulator_bits=32, coefficient_bits=16)
    shapes = {(16, 16): (1, 1), (8, 24): (1, 1), (16, 24): (1, 2), (24, 24): (4, 1), (30, 16): (2, 1)}
    for (a, v), (first, second) in shapes.items():
        words = cut(a, v, limits)
        assert words is not None
        assert (words.first, words.second) == (first, second), (a, v)
    assert cut(20, 20, replace(limits, accumulator_bits=4)) is None


def test_a_value_may_be_cut_in_several_ways() -> None:
    """Into two words for one product, into three for another: the words have names of their own."""
    b, values = factors(np.random.default_rng(0), 20, 16)
    cuts = [split(b, "a", words, GENERIC) for words in (2, 3, 4)]
    found = run(b, values)
    for pieces in cuts:
        for n, a in enumerate(values["a"]):
            assert sum(found[p.name][n] << p.weight for p in pieces) == a


def test_the_widest_factor_of_so_many_products() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        limits, v_bits, products = limits_of(rng), int(rng.integers(3, 25)), int(rng.integers(1, 9))
        most = most_bits(products, v_bits, limits)
        fits = [b for b in range(2, limits.accumulator_bits) if (w := cut(b, v_bits, limits)) and w.products <= products]
        assert most == max(fits, default=0)


@pytest.mark.parametrize(("interval", "bits"), [((-8, 7), 4), ((-1, 0), 1), ((0, 7), 4), ((0, 8), 5), ((-9, 7), 5)])
def test_what_a_factor_takes(interval: tuple[int, int], bits: int) -> None:
    assert reach(Interval(*interval)) == bits
