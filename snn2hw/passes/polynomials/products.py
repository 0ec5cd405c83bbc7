"""Products wider than the target's multiplier, word by word; every value of the program stays within the accumulator.

a = a_1 2**p + a_0 with a_0 = a wrapped to p bits, so that a_1 = (a - a_0) / 2**p is exact whatever a shift rounds;
a * v is then the sum of the products of words, each moved to the binary point of the result with one rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.program import Op
from snn2hw.num import Interval, WrapLaw
from snn2hw.target import Lowering

MOST_WORDS = 4


@dataclass(frozen=True)
class Words:
    """How two factors are cut: `first` pieces of the one, `second` of the other; one multiplication per pair."""

    first: int
    second: int

    @property
    def products(self) -> int:
        """Number of multiplications."""
        return self.first * self.second


def word_bits(bits: int, words: int) -> int:
    """Width of the widest word when `bits` are cut into so many; the top one needs a bit more, for what is carried."""
    return bits if words == 1 else -(-(bits + 1) // words)


def cut(a_bits: int, v_bits: int, limits: Lowering) -> Words | None:
    """The fewest products of words that the target can multiply; None where not even small words fit.

    Args:
        a_bits, v_bits: widths of the two factors, in bits with the sign. limits: widths of the target's
            multiplier and accumulator.
    """
    return _cut(a_bits, v_bits, limits.accumulator_bits, limits.coefficient_bits)


@cache
def _cut(a_bits: int, v_bits: int, accumulator_bits: int, coefficient_bits: int) -> Words | None:
    fitting = []
    for first in range(1, MOST_WORDS + 1):
        for second in range(1, MOST_WORDS + 1):
            a, v = word_bits(a_bits, first), word_bits(v_bits, second)
            if a + v <= accumulator_bits and min(a, v) <= coefficient_bits:
                fitting.append(Words(first, second))
    return min(fitting, key=lambda w: (w.products, w.second), default=None)


@cache
def most_bits(products: int, v_bits: int, limits: Lowering) -> int:
    """The widest factor that so many multiplications take with a factor of `v_bits`; 0 where there is none.

    Args:
        products: so many multiplications. v_bits: width of the other factor. limits: widths of the
            multiplier.
    """
    widths = range(2, limits.accumulator_bits)
    return max((b for b in widths if (w := cut(b, v_bits, limits)) is not None and w.products <= products), default=0)


@dataclass(frozen=True)
class Piece:
    """One word of a value: value = sum of pieces * 2**weight."""

    name: str
    weight: int


def split(b: ProgramBuilder, value: str, words: int, limits: Lowering) -> list[Piece]:
    """The words of a value, lowest first, all but the top one balanced around zero.

    Args:
        b: the program that is written. value: name of the value in it. words: how many pieces. limits: the
            rounding.
    """
    pieces, weight, rest = [], 0, value
    of = f"{value}_in{words}" if words > 2 else value  # a value may be cut into two and, elsewhere, into three
    low_bits = word_bits(b.interval(value).bits[0], words)
    for n in range(words - 1):
        low = b.wrap(f"{of}_word{n}", rest, low_bits, WrapLaw.TWOS_COMPLEMENT)
        above = b.emit(Op.SUB, f"{of}_above{n}", (rest, low))
        rest = b.emit(
            Op.SHIFT_RIGHT,
            f"{of}_word{n + 1}" if n == words - 2 else f"{of}_rest{n + 1}",
            (above,),
            (low_bits, limits.rounding),
        )
        pieces.append(Piece(low, weight))
        weight += low_bits
    return [*pieces, Piece(rest, weight)]


def multiply(b: ProgramBuilder, name: str, first: list[Piece], second: list[Piece], frac: int, limits: Lowering) -> str:
    """The sum of all products of words at the binary point `frac`, the heaviest first; what is below half a unit is left out.

    Args:
        b: the program that is written. name: of the value to write. first, second: the words of the two
            factors.
        limits: the target's rounding.
    """
    pairs = sorted(((p, q) for p in first for q in second), key=lambda pair: -(pair[0].weight + pair[1].weight))
    total = ""
    for n, (p, q) in enumerate(pairs):
        suffix = f"_{n}" if len(pairs) > 1 else ""
        exact = b.interval(p.name) * b.interval(q.name)
        point = b.frac(p.name) + b.frac(q.name)
        if total and exact.magnitude * 2.0 ** (frac - point) < 0.5:
            continue
        term = b.emit(Op.MUL, f"{name}{suffix}", (p.name, q.name))
        term = b.rescale(f"{name}{suffix}_moved", term, frac, limits.rounding) if point > frac or len(pairs) > 1 else term
        total = b.emit(Op.ADD, f"{name}_sum{n}", (total, term)) if total else term
    return total


def reach(interval: Interval) -> int:
    """Bits that a factor of this interval takes."""
    return interval.bits[0] + (interval.lo >= 0)
