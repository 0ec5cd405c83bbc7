"""What rules and proofs ask of a program: values by name, their intervals, constants, lowest bits that are 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeAlias

from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.ir.ranges import Ranges, constant_value, ranges
from snn2hw.num import Format, Interval, WrapLaw
from snn2hw.num.format import MAX_WIDTH

MANY = 64  # trailing zeros of 0

Expression: TypeAlias = "tuple[Instruction, ...]"  # new values, the last of which has the name of the one that it replaces


class Facts:
    """Of one program, as it is before a pass of rewrites; every rewrite leaves the value of every name as it is.

    Args:
        program: the one that is simplified. taken: names that were those of other values before.
    """

    def __init__(self, program: Program, taken: Iterable[str] = ()) -> None:
        self.program, self.by_name = program, program.by_name
        self._taken = {*program.by_name, *taken}

    @cached_property
    def known(self) -> Ranges:
        """Intervals, sound for all channels."""
        return ranges(self.program)

    @cached_property
    def readers(self) -> Mapping[str, int]:
        """How many arguments each value is."""
        found = dict.fromkeys(self.by_name, 0)
        for i in self.program.instructions:
            for a in i.args:
                found[a] += 1
        return found

    @cached_property
    def zeros(self) -> Mapping[str, int]:
        """By value, a number of lowest bits that are certainly 0."""
        found: dict[str, int] = {}
        for i in self.program.instructions:
            rule = _ZEROS.get(i.op)
            found[i.name] = 0 if rule is None else min(rule(i, [found[a] for a in i.args]), MANY)
            if i.op is Op.SUB:
                found[i.name] = max(found[i.name], self._without_its_low_word(i))
        return found

    def _without_its_low_word(self, i: Instruction) -> int:
        """x - (x wrapped to its lowest n bits) is a multiple of 2**n."""
        word = self.by_name[i.args[1]]
        is_word = word.op is Op.WRAP and word.attrs[0] is WrapLaw.TWOS_COMPLEMENT and word.args[0] == i.args[0]
        return word.format.width if is_word else 0

    def constant(self, name: str) -> int | None:
        """The value of what is the same for every channel, state and input; None where it is not."""
        return constant_value(self.by_name[name], self.known)

    def fresh(self, like: str) -> str:
        """A name that no value has or had, made of one that some value has."""
        n = 1
        while (name := f"{like}_s{n}") in self._taken:
            n += 1
        self._taken.add(name)
        return name


def number(i: Instruction) -> int:
    """The first attribute: bits of a shift, value of a constant."""
    value = i.attrs[0]
    assert isinstance(value, int)
    return value


def constant(name: str, value: int, frac: int) -> Instruction:
    """A value that is the same everywhere.

    Args:
        name: of the value. value: its integer. frac: its binary point.
    """
    return Instruction(name, Op.CONST, (), (value,), Format.holding(Interval(value, value), frac))


def with_formats(made: Sequence[Instruction], facts: Facts) -> list[Instruction]:
    """The instructions in the narrowest formats that intervals allow; the width of a wrap is its meaning.

    Args:
        made: new values, in order. facts: of the program that they are made for.
    """
    known, lines = dict(facts.known), list[Instruction]()
    for i in made:
        interval = OPTABLE[i.op].interval([known[a] for a in i.args], i.attrs, i.format)
        if i.name in facts.known:  # what it replaces has the same values
            interval = interval.meet(facts.known[i.name].lo, facts.known[i.name].hi) or interval
        known[i.name] = interval
        lines.append(i if i.op is Op.WRAP else replace(i, format=_holding(interval, i.format.frac)))
    return lines


def _holding(interval: Interval, frac: int) -> Format:
    return Format.holding(interval, frac) if interval.bits[0] <= MAX_WIDTH else Format(MAX_WIDTH, frac)


def _of_value(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else MANY


_ZEROS: Mapping[Op, Callable[[Instruction, Sequence[int]], int]] = {
    Op.CONST: lambda i, a: _of_value(number(i)),
    Op.PARAM: lambda i, a: min(_of_value(v) for v in values_of(i)),
    Op.ADD: lambda i, a: min(a),
    Op.SUB: lambda i, a: min(a),
    Op.NEG: lambda i, a: a[0],
    Op.MUL: lambda i, a: sum(a),
    Op.SHIFT_LEFT: lambda i, a: a[0] + number(i),
    Op.SELECT: lambda i, a: min(a[1:]),
}
