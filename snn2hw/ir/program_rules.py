"""What is legal in a neuron program. Checked before and after every pass, and on every artefact that is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from snn2hw.errors import RuleError
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.program_text import instruction_to_text
from snn2hw.ir.ranges import ranges
from snn2hw.ir.roles import named
from snn2hw.num import Interval, WrapLaw
from snn2hw.num.format import MAX_WIDTH

_NAME = re.compile(r"\w+")
_TAKEN = ("in", "out")  # in ONNX files 'in', 'in/u' and 'out/u' are what enters and leaves; 'h/flag' belongs to a value h


def check_program(program: Program, where: str = "") -> None:
    """Raise RuleError with the first rule that the program breaks.

    The rules: names are words, unique and defined before use; arity, attributes and binary points are those of the op table;
    one input, one output of spikes, one output per state; every result lies in its format for all declared states and
    inputs (which is what `proved` on the line means); every state stays in its declared interval; constants per channel
    agree in number; no value is computed and never used; what has a role is a value of the program.
    """
    for broken, line in _broken(program):
        raise RuleError(broken, where=f"{where + ': ' if where else ''}program {program.kind}", got=line)


def _broken(program: Program) -> Iterator[tuple[str, str]]:
    seen: dict[str, Instruction] = {}
    for i in program.instructions:
        if not _NAME.fullmatch(i.name) or i.name in _TAKEN:
            yield "a value's name is letters, digits and underscores, and neither 'in' nor 'out'", repr(i.name)
        yield from ((broken, instruction_to_text(i)) for broken in _structure(i, seen))
        seen[i.name] = i
    yield from _interface(program)
    yield from _channels(program)
    yield from _unused(program)
    yield from _roles(program)
    yield from _widths(program)


def _structure(i: Instruction, seen: dict[str, Instruction]) -> Iterator[str]:
    row = OPTABLE[i.op]
    if i.name in seen:
        yield f"the name '{i.name}' is assigned twice"
    if len(i.args) != row.arity:
        yield f"{i.op.value} takes {row.arity} arguments"
    missing = [a for a in i.args if a not in seen]
    if missing:
        yield f"'{missing[0]}' is used before it is defined"
        return
    frac = row.frac([seen[a].format.frac for a in i.args], i.attrs)
    if isinstance(frac, str):
        yield frac
    elif frac is not None and frac != i.format.frac:
        yield f"the binary point of the result must be {frac}"
    if i.op in (Op.SHIFT_LEFT, Op.SHIFT_RIGHT) and not (isinstance(i.attrs[0], int) and 0 <= i.attrs[0] <= 61):
        yield "a shift moves by 0 to 61 bits"
    if i.op is Op.WRAP and not i.format.signed:
        yield "wrap goes into a signed format"
    if i.op is Op.WRAP and i.attrs[0] is WrapLaw.LOIHI and i.format.width == 1:
        yield "Loihi's way of wrapping needs one bit beside the register's"
    if i.op in (Op.STATE, Op.INPUT, Op.CLAMP) and not int(str(i.attrs[0])) <= int(str(i.attrs[1])):
        yield "lo is above hi"
    if any(isinstance(a, int) and abs(a) >= 1 << MAX_WIDTH for a in i.attrs):
        yield f"a number is wider than {MAX_WIDTH} bits"
    if any(seen[a].op is Op.OUTPUT for a in i.args):
        yield "an output is no argument; name the value it puts out"
    if i.op is Op.STATE and i.name == SPIKES:
        yield f"no state is called '{SPIKES}'"


def _interface(program: Program) -> Iterator[tuple[str, str]]:
    inputs = [i.name for i in program.of(Op.INPUT)]
    outputs = [str(i.attrs[0]) for i in program.of(Op.OUTPUT)]
    if len(inputs) != 1:
        yield "a program has exactly one input", f"inputs: {inputs}"
    if sorted(outputs) != sorted([SPIKES, *program.states]):
        yield "a program has one output 'spikes' and one per state", f"outputs: {outputs}, states: {list(program.states)}"


def _channels(program: Program) -> Iterator[tuple[str, str]]:
    for param in program.of(Op.PARAM):
        if len(values_of(param)) not in (1, program.channels):
            yield f"a constant has 1 value or one for each of {program.channels} channels", instruction_to_text(param)


def _unused(program: Program) -> Iterator[tuple[str, str]]:
    used = {a for i in program.instructions for a in i.args}
    for i in program.instructions:
        if i.op not in (Op.OUTPUT, Op.INPUT, Op.STATE) and i.name not in used:
            yield "a value is computed and never used", instruction_to_text(i)


def _roles(program: Program) -> Iterator[tuple[str, str]]:
    if program.roles is None:
        return
    for role, value in named(program.roles):
        if value not in program.by_name or program.by_name[value].op is Op.OUTPUT:
            yield "a role is that of a value of the program", f"{role}: {value}"
    firing, polynomial = program.roles.firing, program.roles.polynomial
    states = [program.roles.state, *([firing.counter] if firing and firing.counter else [])]
    constants = [c for c in (*polynomial.coefficients, polynomial.centre) if c]
    if firing:
        constants += [t.constant for t in firing.thresholds] + [a for s in firing.spikes for a in (s.amplitude, s.negative) if a]
        constants += [firing.reset_value] if firing.reset_value else []
    yield from (("a role asks for a state", s) for s in states if s in program.by_name and s not in program.states)
    yield from (("a role asks for a constant", c) for c in constants if c in program.by_name and c not in program.params)


def _widths(program: Program) -> Iterator[tuple[str, str]]:
    known = ranges(program)
    for i in program.instructions:
        if known[i.name] not in i.format.interval:
            yield f"the result lies in {known[i.name]}, its format holds {i.format.interval}", instruction_to_text(i)
        if i.op is Op.SELECT and known[i.args[0]] not in Interval(0, 1):
            yield "the condition of a select must be a flag, 0 or 1", instruction_to_text(i)
    for name, state in program.states.items():
        output = program.outputs[name]
        if known[output.name] not in declared_interval(state):
            yield f"the state's next value lies in {known[output.name]}, outside what it declares", instruction_to_text(state)
        if initial_value(state) not in declared_interval(state):
            yield "the initial value is outside what the state declares", instruction_to_text(state)
        if output.format.frac != state.format.frac:
            yield "a state and its next value have different binary points", instruction_to_text(output)
