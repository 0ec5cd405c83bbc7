"""The op table in C: one expression per operation, over int64_t or int32_t, the integers of the law.

Right shifts of negative numbers are arithmetic, as every compiler this is given to makes them. Left shifts are products, which C
defines for negative numbers too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.num import Rounding, WrapLaw, wrap_parameters

Expression = Callable[[Instruction, Sequence[str], int], str]  # (instruction, arguments, bits of the type) -> expression
INT32_MAX = 2**31 - 1


def literal(value: int, bits: int) -> str:
    """A constant of the type; the most negative one has no literal of its own in C."""
    if value == -(1 << (bits - 1)):
        return f"({literal(value + 1, bits)} - 1)"
    if bits == 32:
        return f"{value}" if value >= 0 else f"({value})"
    return f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"


def arithmetic_bits(program: Program) -> int:
    """32 where every value of the program, and everything its expressions make on the way, keeps within int32_t; else 64."""
    return 32 if all(_largest(program, i) <= INT32_MAX for i in program.instructions) else 64


def _largest(program: Program, i: Instruction) -> int:
    own = [i.format.interval.magnitude, *(abs(a) for a in i.attrs if isinstance(a, int))]
    if i.op is Op.WRAP:
        own += [program.by_name[i.args[0]].format.interval.magnitude + (1 << i.format.width), 1 << i.format.width]
    if i.op is Op.SHIFT_LEFT:
        own.append(1 << _number(i, 0))
    if i.op is Op.SHIFT_RIGHT:
        raised = (1 << _number(i, 0)) if i.attrs[1] is Rounding.HALF_UP else 0
        own += [program.by_name[i.args[0]].format.interval.magnitude + raised, 1 << _number(i, 0)]
    return max(own)


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
