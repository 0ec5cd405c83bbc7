"""Writes a neuron program line by line; binary points follow from the op table, widths are found at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from snn2hw.errors import RuleError
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Attr, Instruction, Op, Program, values_of
from snn2hw.ir.ranges import Ranges, ranges
from snn2hw.ir.roles import Roles
from snn2hw.num import Format, Interval, Rounding, WrapLaw
from snn2hw.num.format import MAX_WIDTH


class ProgramBuilder:
    """Each method appends one instruction and returns the name of its value."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._lines: dict[str, Instruction] = {}
        self._intervals: dict[str, tuple[Interval, ...]] = {}

    def emit(self, op: Op, name: str, args: Sequence[str] = (), attrs: Sequence[Attr] = (), frac: int | None = None) -> str:
        """Append `name = op args attrs`, under another name where this one is taken; returns the name.

        Args:
            args: names of values written before. attrs: as the row of `op` in the op table has them.
            frac: the binary point, only where the operation leaves it free.
        """
        name = self._free(name)
        row = OPTABLE[op]
        derived = row.frac([self._lines[a].format.frac for a in args], attrs)
        if isinstance(derived, str):
            raise RuleError(derived, where=f"program {self.kind}", got=f"{name} = {op.value} {' '.join(args)}")
        point = derived if derived is not None else frac or 0
        self._lines[name] = Instruction(name, op, tuple(args), tuple(attrs), Format(MAX_WIDTH, point))
        return name

    def _free(self, name: str) -> str:
        """The name, with a number behind it where a value has it already."""
        free, n = name, 1
        while free in self._lines:
            n += 1
            free = f"{name}_{n}"
        return free

    @property
    def size(self) -> int:
        """Instructions so far."""
        return len(self._lines)

    def cut(self, size: int) -> None:
        """Take back what was written after the first `size` instructions."""
        for name in list(self._lines)[size:]:
            del self._lines[name]
            self._intervals.pop(name, None)

    def frac(self, name: str) -> int:
        """Binary point of a value written before."""
        return self._lines[name].format.frac

    def interval(self, name: str) -> Interval:
        """Bounds of a value written before, by intervals alone; constants are exact per channel."""
        bounds = self._bounds(name)
        return Interval(min(b.lo for b in bounds), max(b.hi for b in bounds))

    def _bounds(self, name: str) -> tuple[Interval, ...]:
        """One interval for all channels, or one per channel."""
        if name not in self._intervals:
            i = self._lines[name]
            if i.op is Op.PARAM:
                self._intervals[name] = tuple(Interval(v, v) for v in values_of(i))
            else:
                args = [self._bounds(a) for a in i.args]
                channels = max((len(a) for a in args), default=1)
                each = ([a[c if len(a) > 1 else 0] for a in args] for c in range(channels))
                self._intervals[name] = tuple(OPTABLE[i.op].interval(a, i.attrs, i.format) for a in each)
        return self._intervals[name]

    def param(self, name: str, values: Sequence[int], frac: int) -> str:
        """A constant per layer or per channel; equal values become one.

        Args:
            name: of the value to write. values: raw integers, one or one per channel. frac: their binary point.
        """
        distinct = tuple(int(v) for v in values)
        return self.emit(Op.PARAM, name, (), ((distinct[0],) if len(set(distinct)) == 1 else distinct,), frac)

    def rescale(self, name: str, value: str, frac: int, rounding: Rounding) -> str:
        """The value moved to another binary point: exact to the left, one rounding to the right, nothing if it is there.

        Args:
            name: of the value to write. value: name of one written before. frac: the binary point to move it to.
            rounding: of what a shift to the right drops.
        """
        drop = self.frac(value) - frac
        if drop == 0:
            return value
        if drop < 0:
            return self.emit(Op.SHIFT_LEFT, name, (value,), (-drop,))
        return self.emit(Op.SHIFT_RIGHT, name, (value,), (drop, rounding))

    def wrap(self, name: str, value: str, width: int, law: WrapLaw) -> str:
        """The value wrapped around in a signed format of `width` bits, which is part of its meaning.

        Args:
            name: of the value to write. value: name of one written before. law: which way it wraps around.
        """
        name = self.emit(Op.WRAP, name, (value,), (law,))
        self._lines[name] = replace(self._lines[name], format=Format(width, self.frac(value)))
        return name

    def program(self, roles: Roles | None = None) -> Program:
        """The program, every format the widest there is."""
        return Program(self.kind, tuple(self._lines.values()), roles)


def with_narrowest_formats(program: Program) -> tuple[Program, Ranges]:
    """The same program in the narrowest formats that intervals prove sufficient, and those intervals."""
    known = ranges(program)
    narrowed = [replace(i, format=_narrowest(i, known)) for i in program.instructions]
    return replace(program, instructions=tuple(narrowed)), known


def _narrowest(i: Instruction, known: Ranges) -> Format:
    if i.op is Op.WRAP:  # the width of a wrap is its meaning
        return i.format
    return Format.holding(known[i.name], i.format.frac)
