"""The op table: the only place where the meaning of an operation is written.

One row per operation: its attributes, where the binary point of the result is, what it evaluates to, which interval the
result lies in, how it overflows. `evaluate` uses plain operators, so the same row decides for Python integers (exact:
the reference) and for int64 arrays. Executors, emitters and provers are further tables `Op -> callable`; a test fails where
one of them misses a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snn2hw.ir.program import Attr, Op, Overflow
from snn2hw.num import Format, Interval, Rounding, WrapLaw, clamp, select, shift_right, wrap, wrap_parameters
from snn2hw.num.rounding import Integer


@dataclass(frozen=True)
class Row:
    """The meaning of one operation.

    Args:
        attrs: name and type of each attribute, in order.
        arity: number of arguments.
        frac: binary point of the result from those of the arguments and the attributes; None where the instruction is
            free to state it; an error string where the arguments are not aligned.
        evaluate: (arguments, attributes, format of the result) -> result.
        interval: (intervals of the arguments, attributes, format of the result) -> interval of the result.
        overflow: what happens outside the result's format.
        says: the meaning in one line, for people.
    """

    attrs: tuple[tuple[str, type], ...]
    arity: int
    frac: Callable[[Sequence[int], Sequence[Any]], int | str | None]
    evaluate: Callable[[Sequence[Integer], Sequence[Any], Format], Integer]
    interval: Callable[[Sequence[Interval], Sequence[Any], Format], Interval]
    says: str
    overflow: Overflow = Overflow.PROVED


def _free(fracs: Sequence[int], attrs: Sequence[Attr]) -> None:
    return None


def _same(fracs: Sequence[int], attrs: Sequence[Attr]) -> int | str:
    return fracs[0] if len(set(fracs)) == 1 else f"binary points are not aligned: {list(fracs)} fractional bits"


def _flag(fracs: Sequence[int], attrs: Sequence[Attr]) -> int | str:
    aligned = _same(fracs, attrs)
    return aligned if isinstance(aligned, str) else 0


def _arms(fracs: Sequence[int], attrs: Sequence[Attr]) -> int | str:
    return "the condition of a select must be a flag" if fracs[0] else _same(fracs[1:], attrs)


def _flag_interval(certain: bool, impossible: bool) -> Interval:
    return Interval(int(certain), int(not impossible))


def _no_evaluation(args: Sequence[Integer], attrs: Sequence[Any], fmt: Format) -> Integer:
    raise AssertionError("state, input and param take their value from the environment")


def _shifted(x: Interval, bits: int, rounding: Rounding) -> Interval:
    return Interval(shift_right(x.lo, bits, rounding), shift_right(x.hi, bits, rounding))


def _clamped(x: Interval, lo: int, hi: int) -> Interval:
    return Interval(clamp(x.lo, lo, hi), clamp(x.hi, lo, hi))


def _wrapped(x: Interval, fmt: Format, law: WrapLaw) -> Interval:
    bits, offset = wrap_parameters(fmt.width, law)
    register = Interval(-offset, (1 << bits) - 1 - offset)
    return x if x in register else register


_DECLARED = (("lo", int), ("hi", int))

OPTABLE: Mapping[Op, Row] = {
    Op.CONST: Row((("value", int),), 0, _free, lambda a, t, f: t[0], lambda a, t, f: Interval(t[0], t[0]), "the integer value"),
    Op.PARAM: Row(
        (("values", tuple),), 0, _free, _no_evaluation, lambda a, t, f: Interval.of(t[0]), "one integer per channel, or one"
    ),
    Op.STATE: Row(
        (*_DECLARED, ("initial", int)),
        0,
        _free,
        _no_evaluation,
        lambda a, t, f: Interval(t[0], t[1]),
        "the state left by the last step; `initial` before the first",
    ),
    Op.INPUT: Row(_DECLARED, 0, _free, _no_evaluation, lambda a, t, f: Interval(t[0], t[1]), "the synaptic sum"),
    Op.ADD: Row((), 2, _same, lambda a, t, f: a[0] + a[1], lambda a, t, f: a[0] + a[1], "a + b"),
    Op.SUB: Row((), 2, _same, lambda a, t, f: a[0] - a[1], lambda a, t, f: a[0] - a[1], "a - b"),
    Op.NEG: Row((), 1, _same, lambda a, t, f: -a[0], lambda a, t, f: -a[0], "-a"),
    Op.MUL: Row((), 2, lambda fr, t: fr[0] + fr[1], lambda a, t, f: a[0] * a[1], lambda a, t, f: a[0] * a[1], "a * b"),
    Op.SHIFT_LEFT: Row(
        (("bits", int),),
        1,
        lambda fr, t: fr[0] + t[0],
        lambda a, t, f: a[0] * (1 << t[0]),
        lambda a, t, f: a[0] * Interval(1 << t[0], 1 << t[0]),
        "a * 2**bits",
    ),
    Op.SHIFT_RIGHT: Row(
        (("bits", int), ("rounding", Rounding)),
        1,
        lambda fr, t: fr[0] - t[0],
        lambda a, t, f: shift_right(a[0], t[0], t[1]),
        lambda a, t, f: _shifted(a[0], t[0], t[1]),
        "a / 2**bits, rounded",
    ),
    Op.CLAMP: Row(
        _DECLARED,
        1,
        _same,
        lambda a, t, f: clamp(a[0], t[0], t[1]),
        lambda a, t, f: _clamped(a[0], t[0], t[1]),
        "the integer nearest to a in [lo, hi]",
        Overflow.SATURATE,
    ),
    Op.WRAP: Row(
        (("law", WrapLaw),),
        1,
        _same,
        lambda a, t, f: wrap(a[0], f.width, t[0]),
        lambda a, t, f: _wrapped(a[0], f, t[0]),
        "a modulo a power of two, into the register's range",
        Overflow.WRAP,
    ),
    Op.MIN: Row(
        (),
        2,
        _same,
        lambda a, t, f: select(1 * (a[0] < a[1]), a[0], a[1]),
        lambda a, t, f: Interval(min(a[0].lo, a[1].lo), min(a[0].hi, a[1].hi)),
        "the smaller",
    ),
    Op.MAX: Row(
        (),
        2,
        _same,
        lambda a, t, f: select(1 * (a[0] > a[1]), a[0], a[1]),
        lambda a, t, f: Interval(max(a[0].lo, a[1].lo), max(a[0].hi, a[1].hi)),
        "the larger",
    ),
    Op.GE: Row(
        (),
        2,
        _flag,
        lambda a, t, f: 1 * (a[0] >= a[1]),
        lambda a, t, f: _flag_interval(a[0].lo >= a[1].hi, a[0].hi < a[1].lo),
        "1 if a >= b else 0",
    ),
    Op.GT: Row(
        (),
        2,
        _flag,
        lambda a, t, f: 1 * (a[0] > a[1]),
        lambda a, t, f: _flag_interval(a[0].lo > a[1].hi, a[0].hi <= a[1].lo),
        "1 if a > b else 0",
    ),
    Op.EQ: Row(
        (),
        2,
        _flag,
        lambda a, t, f: 1 * (a[0] == a[1]),
        lambda a, t, f: _flag_interval(a[0] == a[1] and a[0].lo == a[0].hi, a[0].hi < a[1].lo or a[1].hi < a[0].lo),
        "1 if a = b else 0",
    ),
    Op.SELECT: Row((), 3, _arms, lambda a, t, f: select(a[0], a[1], a[2]), lambda a, t, f: a[1].hull(a[2]), "a if flag else b"),
    Op.OUTPUT: Row(
        (("to", str),),
        1,
        _same,
        lambda a, t, f: a[0],
        lambda a, t, f: a[0],
        "what leaves the neuron ('spikes'), or the next value of a state",
    ),
}

SOURCES = frozenset({Op.PARAM, Op.STATE, Op.INPUT})  # operations whose value comes from outside the program
