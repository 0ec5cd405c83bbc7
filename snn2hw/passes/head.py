"""The head of a neuron program: the synaptic sum at the binary point of the state.

A sum x of channel c stands for f_c * x. Where the factors f_c differ by powers of two, as the scales of weights do, a channel
whose factor is 1000 times smaller keeps its precision: coarse sums are first multiplied by powers of two, so that one factor is
left for all of them,

    y = x * 2**d_c        f_c = f * 2**d_c        x_state = f * y

and where f is no power of two it is multiplied in words, as many as the state can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, frexp, log2

import numpy as np

from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import Reals
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, values_of
from snn2hw.num import Interval
from snn2hw.passes.polynomials.products import Piece, cut, multiply, reach, split
from snn2hw.passes.state import round_half_up
from snn2hw.target import Lowering

TOLERATED = 1.0  # state LSB by which one rounded factor for a channel may be off; beyond, its channels are aligned first
EXTRA = 2  # bits below the state that products of words keep until they are summed
ALIGN = "Align"  # what a program is called that only brings channels to one scale
PLACES = 65  # at which an error is looked at, per channel


def emit_head(b: ProgramBuilder, factors: Reals, source: tuple[Interval, int], frac: int, limits: Lowering, shown: float) -> str:
    """Append the sum at binary point `frac`; returns the name of its value.

    Args:
        b: the program that is written. limits: widths of the target's accumulator and constants, its
            rounding.
        factors: [1] or [C], what the sum at its own binary point is to be multiplied by.
        source: interval and binary point of the sum. shown: the largest real input that the state can tell from a larger one.
    """
    interval, own = source
    x = b.emit(Op.INPUT, "x", (), (interval.lo, interval.hi), own)
    if len(factors) == 1 and factors[0] == 1.0:
        return b.rescale("x_state", x, frac, limits.rounding)
    aim = frac - own
    point = factor_frac(factors, interval, aim if len(factors) > 1 else max(aim, 0), limits)
    rounded = np.array([round_half_up(f * 2.0**point) for f in factors.tolist()], np.float64)
    if _worst(factors, rounded * 2.0**-point, source, frac, shown) > TOLERATED:
        aligned = _aligned(b, x, factors, frac, limits, shown)
        if aligned:
            return b.rescale("x_state", aligned, frac, limits.rounding)
    x = b.emit(Op.MUL, "x_scaled", (x, b.param("x_scale", [int(m) for m in rounded], point)))
    return b.rescale("x_state", x, frac, limits.rounding)


def factor_frac(factors: Reals, x: Interval, aim: int, limits: Lowering) -> int:
    """Fractional bits of factors of x: exact from `aim` on where that fits, else as many as coefficient and accumulator hold.

    Args:
        factors: real numbers. limits: widths of the target's constants and accumulator.
    """
    largest = float(np.abs(factors).max())
    if largest == 0.0:
        return 0
    room = min(2.0 ** (limits.coefficient_bits - 1) - 1, (2.0 ** (limits.accumulator_bits - 1) - 1) / max(x.magnitude, 1))
    most = floor(log2(room / largest))
    exact = next((f for f in range(aim, most + 1) if all((v * 2.0**f).is_integer() for v in factors.tolist())), most)
    return min(exact, most)


def _worst(factors: Reals, held: Reals, source: tuple[Interval, int], frac: int, shown: float) -> float:
    """The largest error in units of the state, of inputs that the state can tell, when `held` is multiplied for `factors`."""
    interval, own = source
    magnitudes = np.abs(factors)
    reached = np.minimum(
        interval.magnitude * 2.0**-own, np.divide(shown, magnitudes, out=np.zeros_like(factors), where=magnitudes > 0)
    )
    return float((reached * np.abs(held - factors)).max(initial=0.0) * 2.0**frac)


def lifted(b: ProgramBuilder, x: str, factors: Sequence[float], limits: Lowering) -> tuple[str, list[float]]:
    """Multiply x by powers of two so that all factors come to one power of two: (y, what is left to multiply y by).

    As many multiplications as constants of the target need. Where the factors are powers of two, nothing but a binary point is
    left: it is taken into the last multiplication, and 1.0 is returned.

    Args:
        b: the program that is written. x: name of a value in it. factors: real, [1] or [C].
        limits: how wide a constant of the target is.
    """
    parts = [frexp(f) for f in factors]
    lowest = min((e for m, e in parts if m), default=1)
    shifts = [e - lowest if m else 0 for m, e in parts]
    exact = all(abs(m) in (0.0, 0.5) for m, _ in parts)
    signs = [round_half_up(2 * m) if exact else 1 for m, _ in parts]
    most, rest, n, moved = limits.coefficient_bits - 2, shifts, 0, max(shifts)
    while max(rest) > 0 or (exact and not n):
        n, now = n + 1, [min(s, most) for s in rest]
        rest = [s - t for s, t in zip(rest, now, strict=True)]
        last = exact and not max(rest)
        values = [(1 << s) * (sign if last else 1) for s, sign in zip(now, signs, strict=True)]
        point = max(now) + (1 - lowest - moved if last else 0)
        name = "x_scale" if last else f"x_lift{n}"
        x = b.emit(Op.MUL, f"{name}d", (x, b.param(name, values, point)))
    if exact:
        return x, [1.0]
    return x, [f * 2.0 ** (moved - s) for f, s in zip(factors, shifts, strict=True)]


def align_program(exponents: Sequence[int], sums: Interval, limits: Lowering) -> Program:
    """y = x * 2**(e - e_c), e the largest of the exponents: a program without a state, whose output is all it does.

    Args:
        exponents: e_c, one per channel. sums: bounds of the raw x. limits: how wide a constant of the target
            is.
    """
    b, finest = ProgramBuilder(ALIGN), max(exponents)
    x = b.emit(Op.INPUT, "x", (), (sums.lo, sums.hi), 0)
    y, _ = lifted(b, x, [2.0**-e for e in exponents], limits)
    assert b.frac(y) == finest
    b.emit(Op.OUTPUT, SPIKES, (y,), (SPIKES,))
    return with_narrowest_formats(b.program())[0]


def lifted_bits(x: Interval, factors: Sequence[float]) -> int:
    """Bits of x when all channels are aligned, sign included."""
    exponents = [e for m, e in map(frexp, factors) if m] or [0]
    return (x.magnitude << (max(exponents) - min(exponents))).bit_length() + 1


def _aligned(b: ProgramBuilder, x: str, factors: Reals, frac: int, limits: Lowering, shown: float) -> str:
    """The sum with its channels aligned and the factor that is left applied; '' where the target has no room for that."""
    if lifted_bits(b.interval(x), factors.tolist()) > limits.accumulator_bits:
        return ""
    before = b.size
    y, left = lifted(b, x, factors.tolist(), limits)
    made = y if left == [1.0] else _in_words(b, y, np.array(left), frac, limits, shown)
    if not made or _moved_bits(b, made, frac) > limits.accumulator_bits:
        b.cut(before)
        return ""
    return made


def _moved_bits(b: ProgramBuilder, value: str, frac: int) -> int:
    """Bits of a value at another binary point, sign included, and one more for what is added to it."""
    shift = max(0, frac - b.frac(value))
    return (b.interval(value).magnitude << shift).bit_length() + 2


def _in_words(b: ProgramBuilder, y: str, factors: Reals, frac: int, limits: Lowering, shown: float) -> str:
    """y * factors with as many bits of the factors as the state can tell; '' where the target cannot multiply them."""
    largest, width = float(np.abs(factors).max()), limits.coefficient_bits - 1
    wanted = ceil(log2(max(shown * 2.0**frac, 1.0))) + EXTRA
    low = width if wanted > width else 0  # bits of a word below the first
    point = floor(log2((2.0 ** (width + max(0, low - 1)) - 1) / largest))
    raw = [round_half_up(f * 2.0**point) for f in factors.tolist()]
    second = [Piece(b.param("x_scale", [(r - _low(r, low)) >> low for r in raw], point - low), low)]
    if low:
        second.insert(0, Piece(b.param("x_scale_low", [_low(r, low) for r in raw], point), 0))
    words = cut(reach(b.interval(y)), max(reach(b.interval(p.name)) for p in second), limits)
    exact = b.interval(y).magnitude * 2.0 ** -b.frac(y) * largest
    finest = limits.accumulator_bits - 2 - ceil(log2(max(exact, 2.0**-1022)))
    if words is None or words.second > 1 or finest < frac:
        return ""
    return multiply(b, "x_scaled", split(b, y, words.first, limits), second, min(frac + EXTRA, finest), limits)


def _low(value: int, bits: int) -> int:
    """The lowest bits of a number, balanced about zero; 0 of no bits."""
    if not bits:
        return 0
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def head_errors(program: Program, head: str, factors: Reals, shown: float) -> Reals:
    """Per channel, the largest distance of the head from the real input, in units of its value, at some of its inputs.

    Args:
        program: the neuron's. head: name of the value in it that stands for the input.
        factors: [1] or [C], what the sum at its own binary point stands for. shown: as in `emit_head`.
    """
    entry = program.input
    lo, hi = entry.attrs[0], entry.attrs[1]
    assert isinstance(lo, int)
    assert isinstance(hi, int)
    unit = 2.0**-entry.format.frac
    magnitudes = np.abs(factors) * unit
    most = np.floor(np.divide(shown, magnitudes, out=np.full_like(factors, np.inf), where=magnitudes > 0))
    ends = np.clip(np.stack([-most, most]), lo, hi)
    raw = np.floor(np.linspace(ends[0], ends[1], PLACES, axis=1)).astype(np.int64)
    part = Program(program.kind, program.instructions[: list(program.by_name).index(head) + 1])

    def sources(i: Instruction) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        if i.op is Op.PARAM:
            return np.array(values_of(i), np.int64).reshape(-1, 1)
        return raw if i.op is Op.INPUT else np.zeros((1, 1), np.int64)

    got = evaluate(part, sources)[head]
    real = raw * (factors * unit)[:, None] * 2.0 ** program.by_name[head].format.frac
    errors: Reals = np.abs(got - real).max(1)
    return errors
