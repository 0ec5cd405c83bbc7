"""The op table in C: one expression per operation, over int64_t, the integers of the law.

Right shifts of negative numbers are arithmetic, as every compiler this is given to makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from snn2hw.ir.program import Instruction, Op, values_of
from snn2hw.num import Rounding, WrapLaw, wrap_parameters

Expression = Callable[[Instruction, Sequence[str]], str]


def literal(value: int) -> str:
    """An int64_t constant."""
    return f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"


def _number(i: Instruction, n: int) -> int:
    value = i.attrs[n]
    assert isinstance(value, int)
    return value


def _shift_right(i: Instruction, a: Sequence[str]) -> str:
    bits, rounding = _number(i, 0), i.attrs[1]
    below = literal((1 << bits) - 1)
    if rounding is Rounding.TOWARD_ZERO:
        return f"({a[0]} + (({a[0]} >> 63) & {below})) >> {bits}"
    if rounding is Rounding.HALF_UP:
        return f"({a[0]} + {literal((1 << bits) >> 1)}) >> {bits}"
    return f"{a[0]} >> {bits}"


def _clamp(i: Instruction, a: Sequence[str]) -> str:
    lo, hi = literal(_number(i, 0)), literal(_number(i, 1))
    return f"{a[0]} < {lo} ? {lo} : {a[0]} > {hi} ? {hi} : {a[0]}"


def _wrap(i: Instruction, a: Sequence[str]) -> str:
    law = i.attrs[0]
    assert isinstance(law, WrapLaw)
    bits, offset = wrap_parameters(i.format.width, law)
    return f"(({a[0]} + {literal(offset)}) & {literal((1 << bits) - 1)}) - {literal(offset)}"


def _param(i: Instruction, a: Sequence[str]) -> str:
    (value,) = values_of(i)
    return literal(value)


def _source(i: Instruction, a: Sequence[str]) -> str:
    return a[0]


EXPRESSIONS: Mapping[Op, Expression] = {
    Op.CONST: lambda i, a: literal(_number(i, 0)),
    Op.PARAM: _param,  # of one channel; who emits a layer chooses the channel first
    Op.STATE: _source,
    Op.INPUT: _source,
    Op.ADD: lambda i, a: f"{a[0]} + {a[1]}",
    Op.SUB: lambda i, a: f"{a[0]} - {a[1]}",
    Op.NEG: lambda i, a: f"-{a[0]}",
    Op.MUL: lambda i, a: f"{a[0]} * {a[1]}",
    Op.SHIFT_LEFT: lambda i, a: f"{a[0]} * {literal(1 << _number(i, 0))}",
    Op.SHIFT_RIGHT: _shift_right,
    Op.CLAMP: _clamp,
    Op.WRAP: _wrap,
    Op.MIN: lambda i, a: f"{a[0]} < {a[1]} ? {a[0]} : {a[1]}",
    Op.MAX: lambda i, a: f"{a[0]} > {a[1]} ? {a[0]} : {a[1]}",
    Op.GE: lambda i, a: f"{a[0]} >= {a[1]}",
    Op.GT: lambda i, a: f"{a[0]} > {a[1]}",
    Op.EQ: lambda i, a: f"{a[0]} == {a[1]}",
    Op.SELECT: lambda i, a: f"{a[0]} ? {a[1]} : {a[2]}",
    Op.OUTPUT: lambda i, a: a[0],
}
