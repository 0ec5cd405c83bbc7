"""Local rewrites: from an instruction to what has the same value and costs less. None of them is taken without its proof.

    whatever is the same for all channels, states and inputs       ->  a constant
    mul x 2**k | -2**k                                             ->  shift_left x k | neg of it
    shift_right (mul x c 2**k) n                                   ->  shift_right (mul x c) (n - k)
    shift_right (shift_left x k) n                                 ->  shift_right x (n - k) | shift_left x (k - n)
    shift_right x toward_zero | half_up                            ->  floor, where x >= 0, or x is a multiple of 2**bits
    sub (shift_right (add x lift) k floor) (lift >> k)             ->  shift_right x k floor
    add x 0 | mul x 1 | shift x 0 | clamp of what lies within | select, min, max that are decided    ->  x

A shift toward zero is four operations of a processor, one that floors is one, a product with a constant up to three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from snn2hw.ir.program import Attr, Instruction, Op, values_of
from snn2hw.num import Format, Rounding
from snn2hw.num.format import MAX_WIDTH
from snn2hw.simplification.facts import MANY, Expression, Facts, constant, number

Made: TypeAlias = "Expression | str | None"
Rule: TypeAlias = Callable[[Instruction, Facts], Made]
KEPT = (Op.CONST, Op.PARAM, Op.STATE, Op.INPUT, Op.OUTPUT)  # what has no better form


def value(name: str, op: Op, args: Sequence[str], attrs: Sequence[Attr], frac: int) -> Instruction:
    """A new value; its width is found from intervals afterwards.

    Args:
        name: of the value. op, args, attrs: as of an instruction. frac: its binary point.
    """
    return Instruction(name, op, tuple(args), tuple(attrs), Format(MAX_WIDTH, frac))


def _with_fixed(i: Instruction, f: Facts) -> tuple[str, int] | None:
    """(the argument that varies, the other one's value) of an operation whose arguments may change places."""
    for a, b in (i.args, i.args[::-1]):
        fixed = f.constant(b)
        if fixed is not None:
            return a, fixed
    return None


def _added(i: Instruction, f: Facts) -> Made:
    found = _with_fixed(i, f)
    return found[0] if found and found[1] == 0 else None


def _subtracted(i: Instruction, f: Facts) -> Made:
    return i.args[0] if f.constant(i.args[1]) == 0 else None


def _multiplied(i: Instruction, f: Facts) -> Made:
    found = _with_fixed(i, f)
    if found is None or found[1] == 0:
        return None
    x, fixed = found
    if fixed == 1:
        return x
    if fixed == -1:
        return (value(i.name, Op.NEG, (x,), (), i.format.frac),)
    bits = abs(fixed).bit_length() - 1
    if abs(fixed) != 1 << bits:
        return None
    if fixed > 0:
        return (value(i.name, Op.SHIFT_LEFT, (x,), (bits,), i.format.frac),)
    moved = value(f.fresh(i.name), Op.SHIFT_LEFT, (x,), (bits,), i.format.frac)
    return moved, value(i.name, Op.NEG, (moved.name,), (), i.format.frac)


def _shifted_left(i: Instruction, f: Facts) -> Made:
    inner = f.by_name[i.args[0]]
    if number(i) == 0:
        return i.args[0]
    if inner.op is Op.SHIFT_LEFT:
        return (replace(i, args=inner.args, attrs=(number(i) + number(inner),)),)
    return None


def _shifted_right(i: Instruction, f: Facts) -> Made:
    n, rounding = number(i), i.attrs[1]
    if n == 0:
        return i.args[0]
    return _of_shifted(i, f) or _of_product(i, f) or (_floored(i, f) if rounding is not Rounding.FLOOR else None)


def _of_shifted(i: Instruction, f: Facts) -> Made:
    inner, n = f.by_name[i.args[0]], number(i)
    if inner.op is not Op.SHIFT_LEFT:
        return None
    k = number(inner)
    if k == n:
        return inner.args[0]
    if k > n:
        return (replace(i, op=Op.SHIFT_LEFT, args=inner.args, attrs=(k - n,)),)
    return (replace(i, args=inner.args, attrs=(n - k, i.attrs[1])),)


def _of_product(i: Instruction, f: Facts) -> Made:
    """Lowest bits that all constants of a product lack need not be made and dropped again."""
    inner, n = f.by_name[i.args[0]], number(i)
    if inner.op is not Op.MUL or f.readers[inner.name] > 1:
        return None
    for x, p in (inner.args, inner.args[::-1]):
        param = f.by_name[p]
        bits = min(f.zeros[p], n)
        if param.op is Op.PARAM and 0 < bits < MANY:
            less = tuple(v >> bits for v in values_of(param))
            factor = Instruction(f.fresh(p), Op.PARAM, (), (less,), param.format)
            times = value(f.fresh(inner.name), Op.MUL, (x, factor.name), (), inner.format.frac)
            return factor, times, replace(i, args=(times.name,), attrs=(n - bits, i.attrs[1]))
    return None


def _floored(i: Instruction, f: Facts) -> Made:
    whole = f.zeros[i.args[0]] >= number(i)
    natural = i.attrs[1] is Rounding.TOWARD_ZERO and f.known[i.args[0]].lo >= 0
    return (replace(i, attrs=(i.attrs[0], Rounding.FLOOR)),) if whole or natural else None


def _lowered(i: Instruction, f: Facts) -> Made:
    """sub (shift_right (add x lift) k floor) (lift >> k) as shift_right x k floor."""
    shift, lower = f.by_name[i.args[0]], f.constant(i.args[1])
    if lower is None or shift.op is not Op.SHIFT_RIGHT or shift.attrs[1] is not Rounding.FLOOR:
        return None
    lifted = f.by_name[shift.args[0]]
    found = _with_fixed(lifted, f) if lifted.op is Op.ADD else None
    if found is None or found[1] != lower << number(shift):
        return None
    return (replace(i, op=Op.SHIFT_RIGHT, args=(found[0],), attrs=shift.attrs),)


def _negated(i: Instruction, f: Facts) -> Made:
    inner = f.by_name[i.args[0]]
    return inner.args[0] if inner.op is Op.NEG else None


def _clamped(i: Instruction, f: Facts) -> Made:
    held = f.known[i.args[0]]
    lo, hi = number(i), i.attrs[1]
    assert isinstance(hi, int)
    return i.args[0] if lo <= held.lo and held.hi <= hi else None


def _wrapped(i: Instruction, f: Facts) -> Made:
    return i.args[0] if f.known[i.args[0]] in f.known[i.name] else None


def _least(i: Instruction, f: Facts) -> Made:
    a, b = (f.known[x] for x in i.args)
    return i.args[0] if i.args[0] == i.args[1] or a.hi <= b.lo else i.args[1] if b.hi <= a.lo else None


def _most(i: Instruction, f: Facts) -> Made:
    a, b = (f.known[x] for x in i.args)
    return i.args[0] if i.args[0] == i.args[1] or a.lo >= b.hi else i.args[1] if b.lo >= a.hi else None


def _selected(i: Instruction, f: Facts) -> Made:
    flag, a, b = i.args
    fixed = f.constant(flag)
    return a if fixed == 1 or a == b else b if fixed == 0 else None


def folded(i: Instruction, f: Facts) -> Made:
    """What is the same for all channels, states and inputs as a constant.

    Args:
        i: an instruction. f: of its program.
    """
    fixed = None if i.op in KEPT else f.constant(i.name)
    return None if fixed is None else (constant(i.name, fixed, i.format.frac),)


RULES: Sequence[tuple[Op, Rule]] = (
    (Op.ADD, _added),
    (Op.SUB, _subtracted),
    (Op.SUB, _lowered),
    (Op.NEG, _negated),
    (Op.MUL, _multiplied),
    (Op.SHIFT_LEFT, _shifted_left),
    (Op.SHIFT_RIGHT, _shifted_right),
    (Op.CLAMP, _clamped),
    (Op.WRAP, _wrapped),
    (Op.MIN, _least),
    (Op.MAX, _most),
    (Op.SELECT, _selected),
)  # an operation without a rule of its own is folded where it is constant, and stays as it is elsewhere


def rewrites(i: Instruction, f: Facts) -> Iterator[Expression | str]:
    """What may stand in the place of an instruction, the best first: new values, or the name of one that there is.

    Args:
        i: the instruction. f: of its program.
    """
    for op, rule in ((i.op, folded), *RULES):
        if op is i.op and (made := rule(i, f)) is not None:
            yield made
