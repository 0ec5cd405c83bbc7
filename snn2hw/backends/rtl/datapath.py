"""The lanes of a layer of neurons: its program as a pipelined datapath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snn2hw.backends.rtl.blocks import blocks
from snn2hw.backends.rtl.design import Memory
from snn2hw.backends.rtl.expressions import (
    DECLARED,
    EXPRESSIONS,
    MODULAR,
    Operand,
    delay,
    digits,
    literal,
    multiplies,
    signed_bits,
)
from snn2hw.backends.rtl.families import Resources
from snn2hw.backends.rtl.pipeline import Cut, cut
from snn2hw.backends.rtl.streams import Stream
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.ranges import constant_value, ranges
from snn2hw.num import Interval
from snn2hw.simplification import simplified

ROUNDS = 16  # of narrowing the states


@dataclass(frozen=True)
class Field:
    """A part of a word: a state of a neuron, or a constant of its channel."""

    name: str
    low: int
    bits: int


@dataclass(frozen=True)
class Datapath:
    """One lane.

    Args:
        program: with the input's interval as it is. operands: of every value. bits: of every value that is computed.
        states, constants: where each lies in its word. spike: interval of what fires. cut: in which stage each is.
    """

    program: Program
    operands: Mapping[str, Operand]
    bits: Mapping[str, int]
    states: Sequence[Field]
    constants: Sequence[Field]
    spike: Interval
    cut: Cut

    @property
    def state_bits(self) -> int:
        """Of all states of a neuron."""
        return sum(f.bits for f in self.states)

    @property
    def constant_bits(self) -> int:
        """Of all constants of a channel."""
        return sum(f.bits for f in self.constants)


def datapath(neuron: IntNeuron, entering: Interval, megahertz: float, words: int | None = None, lanes: int = 1) -> Datapath:
    """The datapath of a layer.

    Args:
        neuron: the layer. entering: what its sums can be. megahertz: the clock that registers are placed for.
        words, lanes: how many words there are of how many neurons; None: so many that their states take blocks of memory.
    """
    program = simplified(_narrowed(neuron.program, entering))
    known = ranges(program)
    operands: dict[str, Operand] = {}
    for n, i in enumerate(program.instructions):
        operands[i.name] = Operand(f"v{n}", known[i.name], constant_value(i, known))
    bits = _demanded(program, operands)
    constants = [i for i in program.of(Op.PARAM) if operands[i.name].constant is None]
    held, fixed = (_fields([(i.name, bits[i.name]) for i in kind]) for kind in (program.states.values(), constants))
    widths = {op: lanes * sum(f.bits for f in fields) for op, fields in ((Op.STATE, held), (Op.PARAM, fixed))}
    in_blocks = frozenset(op for op, width in widths.items() if words is None or blocks(words, width))
    stages = cut(program.instructions, operands, bits, megahertz, in_blocks)
    return Datapath(program, operands, bits, held, fixed, known[program.outputs[SPIKES].name], stages)


def _narrowed(program: Program, entering: Interval) -> Program:
    """The program whose input and states are declared no wider than they get.

    A state is the initial one, or what a step leaves of states and inputs within what is known so far; that is looked at
    again with what follows, until nothing gets narrower.
    """
    program = _declared_as(program, {program.input.name: entering})
    for _ in range(ROUNDS):
        known = ranges(program)
        held = {}
        for name, state in program.states.items():
            initial = Interval(initial_value(state), initial_value(state))
            left = known[program.outputs[name].name].hull(initial)
            held[name] = left.meet(*_ends(state)) or left
        if all(held[name] == known[name] for name in held):
            break
        program = _declared_as(program, held)
    return program


def _ends(i: Instruction) -> tuple[int, int]:
    """The interval that a state promises to stay in."""
    interval = declared_interval(i)
    return interval.lo, interval.hi


def _declared_as(program: Program, held: Mapping[str, Interval]) -> Program:
    lines = [
        replace(i, attrs=(held[i.name].lo, held[i.name].hi, *i.attrs[2:])) if i.name in held else i for i in program.instructions
    ]
    return replace(program, instructions=tuple(lines))


def _demanded(program: Program, operands: Mapping[str, Operand]) -> dict[str, int]:
    """Bits of every value: those of its interval, or fewer where all that read it take only the lower ones."""
    bits = {name: value.interval.bits[0] for name, value in operands.items()}
    needed: dict[str, int] = {}
    for i in reversed(program.instructions):
        if i.op not in DECLARED and i.op is not Op.OUTPUT:
            bits[i.name] = min(bits[i.name], needed.get(i.name, bits[i.name]))
        for n, name in enumerate(i.args):
            whole = operands[name].bits
            takes = (
                min(whole, _computed_at(i, operands, bits)) if i.op in MODULAR and not (i.op is Op.SELECT and n == 0) else whole
            )
            needed[name] = max(needed.get(name, 1), takes)
    return bits


def _computed_at(i: Instruction, operands: Mapping[str, Operand], bits: Mapping[str, int]) -> int:
    """At how many bits the expression of an instruction is computed."""
    value = operands[i.name]
    return signed_bits(value.interval) if bits[i.name] == value.interval.bits[0] else bits[i.name]


def _fields(named: Iterable[tuple[str, int]]) -> list[Field]:
    found, low = [], 0
    for name, bits in named:
        found.append(Field(name, low, bits))
        low += bits
    return found


def constants_memory(path: Datapath, neuron: IntNeuron, stream: Stream) -> Memory | None:
    """The constants of each word of neurons, as often as they differ; None where every channel has the same.

    Args:
        path: whose constants. neuron: the layer. stream: in whose order the neurons pass.
    """
    if not path.constants:
        return None
    places = np.maximum(stream.places(), 0)
    channels = places // int(np.prod(neuron.shape[1:], dtype=np.int64))
    if (channels == np.tile(channels[: stream.groups], (stream.grid.places, 1))).all():
        channels = channels[: stream.groups]  # the same at every place
    columns, bits = [], []
    by_name = path.program.by_name
    for lane in range(stream.lanes):
        for constant in path.constants:
            values = np.asarray(values_of(by_name[constant.name]), np.int64)
            columns.append(values[channels[:, lane]] if len(values) > 1 else np.full(len(channels), values[0]))
            bits.append(constant.bits)
    return Memory(np.stack(columns, axis=1), tuple(bits))


def lane_text(path: Datapath) -> list[str]:
    """Declarations and registers of one lane, for `templates/neuron_layer.sv`."""
    lines: list[str] = []
    program, operands, stage = path.program, path.operands, path.cut.stage
    last = path.cut.latency - 1
    used = _used_until(path)
    for field in path.states:
        i = program.by_name[field.name]
        initial = literal(initial_value(i), field.bits).replace("'sh", "'h")
        source = f"first ? {initial} : states[lane*STATE+{field.low}+:{field.bits}]"
        lines += _declared(operands[field.name], field.bits, source, f"state {_said(field.name)}")
    for field in path.constants:
        source = f"constants[lane*CONSTANT+{field.low}+:{field.bits}]"
        lines += _declared(operands[field.name], field.bits, source, f"constant {_said(field.name)}")
    entry = program.input
    source = f"sums[lane*IN+:{path.bits[entry.name]}]"
    lines += _declared(operands[entry.name], path.bits[entry.name], source, "the synaptic sum")
    for i in program.instructions:
        value, bits = operands[i.name], path.bits[i.name]
        if i.op not in DECLARED and value.constant is None:
            at = stage[i.name]
            a = [_at_stage(operands[n], n, stage, at) for n in i.args]
            wide = _computed_at(i, operands, path.bits)
            text = EXPRESSIONS[i.op](i, a, wide)
            flag = i.op in (Op.GE, Op.GT, Op.EQ)
            text = f"{bits}'({text})" if bits != wide and not flag else text
            lines += _declared(value, bits, text, f"{i.op.value} {', '.join(_said(n) for n in i.args)}")
        if value.constant is None and i.op is not Op.OUTPUT:
            lines += _kept(value, bits, stage[i.name], used.get(i.name, stage[i.name]))
    outputs = [(SPIKES, "spikes", "OUT", 0)] + [(f.name, "next_states", "STATE", f.low) for f in path.states]
    for to, signal, size, low in outputs:
        i = program.outputs[to]
        bits = path.spike.bits[0] if to == SPIKES else next(f.bits for f in path.states if f.name == to)
        value = operands[i.name]
        at = stage[i.name]
        previous = f"{bits}'({value.signed})"
        for n in range(at, last):
            lines += [
                f"logic [{bits - 1}:0] {value.text}_r{n};",
                f"always_ff @(posedge clk) if (enable) {value.text}_r{n} <= {previous};",
            ]
            previous = f"{value.text}_r{n}"
        lines.append(f"always_ff @(posedge clk) if (enable) {signal}[lane*{size}+{low}+:{bits}] <= {previous};  // {to}")
    if not path.states:
        lines.append("assign next_states[lane] = 1'b0;  // a memory that nobody reads")
    return lines


def lane_takes(path: Datapath) -> Resources:
    """What a lane is expected to take of an FPGA: a table for each bit of an adder, comparison or choice, blocks for products."""
    made = Resources(ffs=path.state_bits + path.spike.bits[0])
    used = _used_until(path)
    for i in path.program.instructions:
        value, bits = path.operands[i.name], path.bits[i.name]
        if value.constant is not None or i.op is Op.OUTPUT:
            continue
        made += Resources(ffs=bits * max(used.get(i.name, 0) - path.cut.stage[i.name], 0))
        a = [path.operands[n] for n in i.args]
        if i.op in DECLARED:
            continue
        if multiplies(i, a):
            made += Resources(dsps=-(-a[0].bits // 18) * -(-a[1].bits // 18), luts=bits if bits > 36 else 0)
        elif i.op is Op.MUL:
            fixed = next((o.constant for o in a if o.constant is not None), 1)
            made += Resources(luts=bits * max(len(digits(fixed)) - 1, 0))
        elif delay(i, a, bits) > 0:
            made += Resources(luts=max([o.bits for o in a], default=bits) * (2 if i.op in (Op.CLAMP, Op.MIN, Op.MAX) else 1))
    return made


def _used_until(path: Datapath) -> dict[str, int]:
    """The last stage that reads each value."""
    found: dict[str, int] = {}
    for i in path.program.instructions:
        for n in i.args:
            found[n] = max(found.get(n, 0), path.cut.stage[i.name])
    return found


def _at_stage(value: Operand, name: str, stage: Mapping[str, int], at: int) -> Operand:
    """A value as an operation of a stage reads it: itself, or the register that holds it by then."""
    return value if value.constant is not None or stage[name] == at else replace(value, text=f"{value.text}_s{at}")


def _declared(value: Operand, bits: int, source: str, says: str) -> list[str]:
    sign = "signed " if value.interval.lo < 0 else ""
    return [f"logic {sign}[{bits - 1}:0] {value.text};  // {says}: {value.interval}", f"assign {value.text} = {source};"]


def _kept(value: Operand, bits: int, at: int, until: int) -> list[str]:
    """Registers that carry a value to the last stage that reads it."""
    sign, lines, before = "signed " if value.interval.lo < 0 else "", [], value.text
    for n in range(at + 1, until + 1):
        lines += [
            f"logic {sign}[{bits - 1}:0] {value.text}_s{n};",
            f"always_ff @(posedge clk) if (enable) {value.text}_s{n} <= {before};",
        ]
        before = f"{value.text}_s{n}"
    return lines


def _said(name: str) -> str:
    """A name in a comment: nothing in it ends the line."""
    return "".join(c if c.isprintable() and c != "\\" else "_" for c in name)
