"""The op table in SystemVerilog: one expression per operation, the integers of the reference.

Every value is declared with the bits of its proved interval and with a sign bit only where it can be negative.
An operand is brought to the width of the result before it is used: sums and products are exact modulo a power of
two, and the result is proved to fit. `SIGNED` operands make SystemVerilog compare and shift with signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from snn2hw.ir.program import Instruction, Op
from snn2hw.num import Interval, Rounding, WrapLaw, wrap_parameters

MOST_DIGITS = 3  # of a constant in signed digits, up to which adders are smaller than a multiplier


@dataclass(frozen=True)
class Operand:
    """A value that an expression reads.

    Args:
        text: a signal, or a literal. interval: of its value. constant: its value where it is one number.
    """

    text: str
    interval: Interval
    constant: int | None = None

    @property
    def bits(self) -> int:
        """As a signed number."""
        return signed_bits(self.interval)

    def at(self, bits: int) -> str:
        """The value as a signed number of so many bits, cut off above."""
        if self.constant is not None:
            return literal(self.constant, bits)
        return f"{bits}'({self.signed})"

    @property
    def signed(self) -> str:
        """The value as a signed number of its own bits."""
        if self.constant is not None:
            return literal(self.constant, self.bits)
        return self.text if self.interval.lo < 0 else f"$signed({{1'b0, {self.text}}})"


def signed_bits(interval: Interval) -> int:
    """Bits of two's complement that hold an interval."""
    bits, signed = interval.bits
    return bits if signed else bits + 1


def literal(value: int, bits: int) -> str:
    """A signed constant, modulo 2**bits."""
    value &= (1 << bits) - 1
    return f"{bits}'sh{value:x}"


def digits(value: int) -> list[tuple[int, int]]:
    """(sign, shift) of a number in signed digits with no two beside each other: 7 = 8 - 1."""
    found, shift = [], 0
    while value:
        if value & 1:
            digit = 2 - (value & 3)  # 1, or -1 where a run of ones begins
            found.append((digit, shift))
            value -= digit
        value >>= 1
        shift += 1
    return found


def multiplies(i: Instruction, a: Sequence[Operand]) -> bool:
    """Whether an instruction needs a multiplier: a product of two values, or with a constant of many digits."""
    if i.op is not Op.MUL:
        return False
    fixed = next((o.constant for o in a if o.constant is not None), None)
    if fixed is not None and len(digits(fixed)) <= MOST_DIGITS:
        return False
    return min(o.bits for o in a) > 2  # by a flag or a sign it is a choice


Expression = Callable[[Instruction, Sequence[Operand], int], str]  # (instruction, operands, bits of the result)


def _number(i: Instruction, n: int) -> int:
    value = i.attrs[n]
    assert isinstance(value, int)
    return value


def _both(a: Sequence[Operand]) -> int:
    """Bits at which two values can be compared."""
    return max(o.bits for o in a)


def _multiply(i: Instruction, a: Sequence[Operand], bits: int) -> str:
    for value, other in (a, a[::-1]):
        if value.constant is not None and len(digits(value.constant)) <= MOST_DIGITS:
            x = other.at(bits)
            terms = [f"{'-' if sign < 0 else '+'} ({x} <<< {shift})" for sign, shift in digits(value.constant)]
            return " ".join(terms).removeprefix("+ ") if terms else literal(0, bits)
    return f"{a[0].at(bits)} * {a[1].at(bits)}"


def _shift_right(i: Instruction, a: Sequence[Operand], bits: int) -> str:
    drop, rounding, (x,) = _number(i, 0), i.attrs[1], a
    wide = x.bits + 1
    if rounding is Rounding.FLOOR or drop == 0:
        return f"{bits}'({x.signed} >>> {drop})"
    if rounding is Rounding.HALF_UP:
        return f"{bits}'(({x.at(wide)} + {literal(1 << drop >> 1, wide)}) >>> {drop})"
    if x.interval.lo >= 0:
        return f"{bits}'({x.signed} >>> {drop})"
    wide = max(wide, drop + 2)
    lifted = f"({x.text}[{x.bits - 1}] ? {literal((1 << drop) - 1, wide)} : {literal(0, wide)})"
    return f"{bits}'(({x.at(wide)} + {lifted}) >>> {drop})"


def _clamp(i: Instruction, a: Sequence[Operand], bits: int) -> str:
    (x,), lo, hi = a, _number(i, 0), _number(i, 1)
    result, wide = x.at(bits), max(x.bits, signed_bits(Interval(lo, hi)))
    if x.interval.hi > hi:
        result = f"{x.at(wide)} > {literal(hi, wide)} ? {literal(hi, bits)} : {result}"
    if x.interval.lo < lo:
        result = f"{x.at(wide)} < {literal(lo, wide)} ? {literal(lo, bits)} : {result}"
    return result


def _wrap(i: Instruction, a: Sequence[Operand], bits: int) -> str:
    law, (x,) = i.attrs[0], a
    assert isinstance(law, WrapLaw)
    register, offset = wrap_parameters(i.format.width, law)
    wide = register + 1  # no value of the register is negative once the offset is added
    kept = f"($unsigned({x.at(wide)} + {literal(offset, wide)}) & {wide}'h{(1 << register) - 1:x})"
    return f"{bits}'($signed({kept}) - {literal(offset, wide)})"


def _compare(sign: str) -> Expression:
    return lambda i, a, bits: f"{a[0].at(_both(a))} {sign} {a[1].at(_both(a))}"  # one bit


def _smaller(sign: str) -> Expression:
    return lambda i, a, bits: f"{a[0].at(_both(a))} {sign} {a[1].at(_both(a))} ? {a[0].at(bits)} : {a[1].at(bits)}"


def _select(i: Instruction, a: Sequence[Operand], bits: int) -> str:
    flag, chosen, other = a
    if flag.constant is not None:
        return (chosen if flag.constant else other).at(bits)
    return f"{flag.text} ? {chosen.at(bits)} : {other.at(bits)}"


EXPRESSIONS: Mapping[Op, Expression] = {
    Op.ADD: lambda i, a, bits: f"{a[0].at(bits)} + {a[1].at(bits)}",
    Op.SUB: lambda i, a, bits: f"{a[0].at(bits)} - {a[1].at(bits)}",
    Op.NEG: lambda i, a, bits: f"-{a[0].at(bits)}",
    Op.MUL: _multiply,
    Op.SHIFT_LEFT: lambda i, a, bits: f"{a[0].at(bits)} <<< {_number(i, 0)}",
    Op.SHIFT_RIGHT: _shift_right,
    Op.CLAMP: _clamp,
    Op.WRAP: _wrap,
    Op.MIN: _smaller("<"),
    Op.MAX: _smaller(">"),
    Op.GE: _compare(">="),
    Op.GT: _compare(">"),
    Op.EQ: _compare("=="),
    Op.SELECT: _select,
    Op.OUTPUT: lambda i, a, bits: a[0].at(bits),
}

# CONST, PARAM, STATE and INPUT come from outside of the straight line: `datapath` declares them.
DECLARED = frozenset({Op.CONST, Op.PARAM, Op.STATE, Op.INPUT})

# The lower bits of the result are those of the lower bits of the operands (of a select: of its arms).
MODULAR = frozenset({Op.ADD, Op.SUB, Op.NEG, Op.MUL, Op.SHIFT_LEFT, Op.SELECT, Op.OUTPUT})


def delay(i: Instruction, a: Sequence[Operand], bits: int) -> float:
    """Nanoseconds of an operation on a slow FPGA (ECP5, speed grade 6), routing included, for placing registers.

    Args:
        i: the operation. a: what it reads. bits: of its result.
    """
    free = (Op.SHIFT_LEFT, Op.OUTPUT, Op.WRAP)
    if i.op in free or (i.op is Op.SHIFT_RIGHT and i.attrs[1] is Rounding.FLOOR) or all(o.constant is not None for o in a):
        return 0.0
    if i.op is Op.MUL and not multiplies(i, a):
        fixed = next((o.constant for o in a if o.constant is not None), 1)
        return 1.2 + (1.5 + 0.06 * bits) * max(len(digits(fixed)) - 1, 0)
    if i.op is Op.MUL:
        return 5.0 if bits <= 36 else 7.0
    if i.op is Op.SELECT:
        return 1.2
    wide = max([o.bits for o in a], default=bits)
    adder = 1.5 + 0.06 * wide
    return adder + (1.2 if i.op in (Op.CLAMP, Op.MIN, Op.MAX) else 0.0)
