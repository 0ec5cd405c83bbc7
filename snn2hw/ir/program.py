"""The neuron program: a straight line of integer instructions, one value each, elementwise over a layer.

    program   = kind, instruction*
    instruction = name op argument* attribute* : format overflow

Every value has a name and is assigned once. Width, sign and binary point are in the format; rounding is an attribute of
the shift; overflow is the last word. What an operation means is its row in `snn2hw.ir.optable`, and nowhere else.
Loops (circulate firing) are unrolled. A program may own several named states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from snn2hw.ir.roles import Roles
from snn2hw.num import Format, Interval, Rounding, WrapLaw
from snn2hw.shown import brief

SPIKES = "spikes"  # the output that leaves the layer; every other output is the next value of the state it names

Attr: TypeAlias = "int | str | Rounding | WrapLaw | tuple[int, ...]"


class Op(Enum):
    """The operations; their rows are in `snn2hw.ir.optable.OPTABLE`."""

    CONST = "const"
    PARAM = "param"
    STATE = "state"
    INPUT = "input"
    ADD = "add"
    SUB = "sub"
    NEG = "neg"
    MUL = "mul"
    SHIFT_LEFT = "shift_left"
    SHIFT_RIGHT = "shift_right"
    CLAMP = "clamp"
    WRAP = "wrap"
    MIN = "min"
    MAX = "max"
    GE = "ge"
    GT = "gt"
    EQ = "eq"
    SELECT = "select"
    OUTPUT = "output"

    __hash__ = object.__hash__  # of the member itself; Enum's own is Python, and looked up for each instruction that is run


class Overflow(Enum):
    """What happens to a result outside its format: it cannot happen (checked by intervals), it saturates, it wraps."""

    PROVED = "proved"
    SATURATE = "saturate"
    WRAP = "wrap"


@dataclass(frozen=True)
class Instruction:
    """One value: `name = op args attrs : format`. Attributes are in the order of the operation's row."""

    name: str
    op: Op
    args: tuple[str, ...]
    attrs: tuple[Attr, ...]
    format: Format

    __repr__ = brief


@dataclass(frozen=True)
class Program:
    """The integer meaning of one layer of neurons.

    Args:
        kind: what the neuron is called in the field: LNM, CirculateFiring, LIF, IF.
        instructions: in order of evaluation; an argument names an earlier instruction.
        roles: what its values are to the neuron; None for a program that was integers from the start.
    """

    kind: str
    instructions: tuple[Instruction, ...]
    roles: Roles | None = None

    __repr__ = brief

    def of(self, op: Op) -> list[Instruction]:
        """All instructions with this operation, in order."""
        return [i for i in self.instructions if i.op is op]

    @cached_property
    def by_name(self) -> dict[str, Instruction]:
        """Instructions by the name of their value."""
        return {i.name: i for i in self.instructions}

    @property
    def input(self) -> Instruction:
        """The synaptic input."""
        return self.of(Op.INPUT)[0]

    @property
    def states(self) -> dict[str, Instruction]:
        """State instructions by state name."""
        return {i.name: i for i in self.of(Op.STATE)}

    @property
    def params(self) -> dict[str, tuple[int, ...]]:
        """Constants by name: one value for the layer, or one per channel."""
        return {i.name: values_of(i) for i in self.of(Op.PARAM)}

    @property
    def outputs(self) -> dict[str, Instruction]:
        """Output instructions by what they set: 'spikes', or a state."""
        return {str(i.attrs[0]): i for i in self.of(Op.OUTPUT)}

    @property
    def payload(self) -> Format:
        """Format of what leaves the neuron."""
        return self.outputs[SPIKES].format

    @property
    def channels(self) -> int:
        """1 where every constant holds for the whole layer, else the number of channels."""
        return max([len(v) for v in self.params.values()], default=1)


def values_of(param: Instruction) -> tuple[int, ...]:
    """The values of a `param` instruction."""
    (values,) = param.attrs
    assert isinstance(values, tuple)
    return values


def declared_interval(instruction: Instruction) -> Interval:
    """The interval a `state` or `input` instruction promises to stay in, and a `clamp` holds its argument to."""
    lo, hi = instruction.attrs[:2]
    assert isinstance(lo, int)
    assert isinstance(hi, int)
    return Interval(lo, hi)


def initial_value(state: Instruction) -> int:
    """The value of a state before the first step of every sample."""
    initial = state.attrs[2]
    assert isinstance(initial, int)
    return initial


def one_channel(program: Program, channel: int) -> Program:
    """The program with the constants of one channel only."""
    lines = [
        replace(i, attrs=((values_of(i)[channel],),)) if i.op is Op.PARAM and len(values_of(i)) > 1 else i
        for i in program.instructions
    ]
    return replace(program, instructions=tuple(lines))
