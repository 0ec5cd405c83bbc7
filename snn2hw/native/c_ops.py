"""The op table in C: one expression per operation, over int64_t or int32_t, the integers of the reference.

Right shifts of negative numbers are arithmetic, and what is too large for a signed type wraps where it is converted to it: every
compiler this is given to does so. Left shifts are products, which C defines for negative numbers too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.ir.ranges import Ranges, ranges
from snn2hw.num import Interval, Rounding, WrapLaw, wrap_parameters

Expression = Callable[[Instruction, Sequence[str], int], str]  # (instruction, arguments, bits of the type) -> expression
INT32 = Interval(-(2**31), 2**31 - 1)


def literal(value: int, bits: int) -> str:
    """A constant of the type; the most negative one has no literal of its own in C."""
    if value == -(1 << (bits - 1)):
        return f"({literal(value + 1, bits)} - 1)"
    if bits == 32:
        return f"{value}" if value >= 0 else f"({value})"
    return f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"


def arithmetic_bits(program: Program) -> int:
    """32 where every value of the program, and everything its expressions make on the way, keeps within int32_t; else 64.

    Never 16: the sums that enter are wider in every model that is trained here, and where some values of a program are int16_t
    and others are not, compilers pack and unpack vectors for longer than the twice as many lanes save.
    """
    known = ranges(program)
    return 32 if all(made in INT32 for i in program.instructions for made in _made(i, known)) else 64


def _made(i: Instruction, known: Ranges) -> Iterator[Interval]:
    """What the expression of an instruction computes on the way, and its constants."""
    yield known[i.name]
    yield from (Interval(a, a) for a in i.attrs if isinstance(a, int))
    if i.op is Op.WRAP:
        law = i.attrs[0]
        assert isinstance(law, WrapLaw)
        if law is not WrapLaw.TWOS_COMPLEMENT:  # in 32 bits that law has shifts, which make nothing wider
            width, offset = wrap_parameters(i.format.width, law)
            yield known[i.args[0]] + Interval(0, offset)
            yield Interval(0, (1 << width) - 1)
    if i.op is Op.SHIFT_LEFT:
        yield Interval(0, 1 << _number(i, 0))
    if i.op is Op.SHIFT_RIGHT:
        raised = (1 << _number(i, 0)) >> 1 if i.attrs[1] is Rounding.HALF_UP else 0
        yield known[i.args[0]] + Interval(0, raised)
        yield Interval(0, (1 << _number(i, 0)) - 1)


def _number(i: Instruction, n: int) -> int:
    value = i.attrs[n]
    assert isinstance(value, int)
    return value


def _shift_right(i: Instruction, a: Sequence[str], bits: int) -> str:
    drop, rounding = _number(i, 0), i.attrs[1]
    if rounding is Rounding.TOWARD_ZERO:
        return f"({a[0]} + (({a[0]} >> {bits - 1}) & {literal((1 << drop) - 1, bits)})) >> {drop}"
    if rounding is Rounding.HALF_UP:
        return f"({a[0]} + {literal((1 << drop) >> 1, bits)}) >> {drop}"
    return f"{a[0]} >> {drop}"


def _clamp(i: Instruction, a: Sequence[str], bits: int) -> str:
    lo, hi = literal(_number(i, 0), bits), literal(_number(i, 1), bits)
    return f"{a[0]} < {lo} ? {lo} : {a[0]} > {hi} ? {hi} : {a[0]}"


def _wrap(i: Instruction, a: Sequence[str], bits: int) -> str:
    law = i.attrs[0]
    assert isinstance(law, WrapLaw)
    if law is WrapLaw.TWOS_COMPLEMENT and bits == 32:  # of 64 bits, AVX2 has no arithmetic shift
        above = bits - i.format.width
        return f"(int32_t)((uint32_t){a[0]} * UINT32_C({1 << above})) >> {above}"
    width, offset = wrap_parameters(i.format.width, law)
    return f"(({a[0]} + {literal(offset, bits)}) & {literal((1 << width) - 1, bits)}) - {literal(offset, bits)}"


def _given(i: Instruction, a: Sequence[str], bits: int) -> str:
    return a[0]


EXPRESSIONS: Mapping[Op, Expression] = {
    Op.CONST: lambda i, a, b: literal(_number(i, 0), b),
    Op.PARAM: _given,  # params, states and the input come from outside: whoever emits a program says from where
    Op.STATE: _given,
    Op.INPUT: _given,
    Op.ADD: lambda i, a, b: f"{a[0]} + {a[1]}",
    Op.SUB: lambda i, a, b: f"{a[0]} - {a[1]}",
    Op.NEG: lambda i, a, b: f"-{a[0]}",
    Op.MUL: lambda i, a, b: f"{a[0]} * {a[1]}",
    Op.SHIFT_LEFT: lambda i, a, b: f"{a[0]} * {literal(1 << _number(i, 0), b)}",
    Op.SHIFT_RIGHT: _shift_right,
    Op.CLAMP: _clamp,
    Op.WRAP: _wrap,
    Op.MIN: lambda i, a, b: f"{a[0]} < {a[1]} ? {a[0]} : {a[1]}",
    Op.MAX: lambda i, a, b: f"{a[0]} > {a[1]} ? {a[0]} : {a[1]}",
    Op.GE: lambda i, a, b: f"{a[0]} >= {a[1]}",
    Op.GT: lambda i, a, b: f"{a[0]} > {a[1]}",
    Op.EQ: lambda i, a, b: f"{a[0]} == {a[1]}",
    Op.SELECT: lambda i, a, b: f"{a[0]} ? {a[1]} : {a[2]}",
    Op.OUTPUT: lambda i, a, b: a[0],
}
