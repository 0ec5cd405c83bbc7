"""A neuron program as a C function: some channels of one place, all steps, states in local arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from snn2hw.backends.c.plan import Value, c_type, state_types, type_bytes
from snn2hw.backends.c.runtime import BLOCK
from snn2hw.backends.c.text import fragment, table
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, initial_value, values_of
from snn2hw.native.c_ops import EXPRESSIONS, arithmetic_bits, literal
from snn2hw.num import Interval

_WORD = re.compile(r"[A-Za-z0-9_]{1,40}")  # C tells names apart by 63 characters at least


class Pace(Enum):
    """Which steps a call takes, and where the states come from.

    WHOLE: all steps, from the initial states. LOOP: step `begin`, from states that the caller keeps, the initial ones at step 0.
    STREAM: one step, from states that the caller keeps and has set before the first.
    """

    WHOLE = "whole"
    LOOP = "loop"
    STREAM = "stream"


def neuron_function(
    number: int,
    node: IntNeuron,
    value: Value,
    source_type: str,
    steps: int,
    traced: bool = True,
    block: int = BLOCK,
    pace: Pace = Pace.WHOLE,
) -> str:
    """`neuron_<number>(x, stride, place, first, n, out, traces)`: x + t * stride are the sums of step t.

    The channels are the innermost loop, so that the compiler makes vectors of them.

    Args:
        node: the neuron layer, program included. value: what it fires. source_type: C type of the sums.
        steps: T of the network.
        traced: whether spike values and states can be kept, in the narrowest types; without, there is no argument `traces`.
        block: the most channels that are taken at a time.
        pace: which steps; states that the caller keeps are arrays, the last arguments, `begin` the one before them.
    """
    program, bits = node.program, arithmetic_bits(node.program)
    names, used = _names(program), {a for i in program.instructions for a in i.args}  # a spike value may depend on nothing
    states, lasting = list(program.states), [] if pace is Pace.WHOLE else state_types(node)
    further = ", void *const *traces" if traced else ""
    further += ", int begin" if pace is Pace.LOOP else ""
    further += kept_parameters(lasting)
    own = f"place * {value.channels} + first + c"  # of a channel in what lasts from step to step
    initial = [literal(initial_value(program.states[s]), bits) for s in states]
    if pace is not Pace.WHOLE:
        held = [f"(int{bits}_t)kept{n}[{own}]" for n in range(len(states))]
        initial = held if pace is Pace.STREAM else [f"begin ? {h} : {v}" for h, v in zip(held, initial, strict=True)]
    keep = " ".join(f"kept{n}[{own}] = ({kind}){_state(n)}[c];" for n, kind in enumerate(lasting))
    signals = ["out[at + c]", *(f"{_state(n)}[c]" for n in range(len(states)))] if traced else []
    kept = [
        f"        if (traces) for (int c = 0; c < n; ++c) (({kind} *)traces[{n}])[at + c] = ({kind}){s};"
        for n, (s, kind) in enumerate(zip(signals, (value.type, *state_types(node)), strict=False))
    ]
    text = fragment(
        "layers/neuron.c",
        number=number,
        source=source_type,
        type=value.type,
        further=further,
        states="\n".join(f"    int{bits}_t {_state(n)}[{block}];" for n in range(len(states))),
        ignored="\n".join(_ignored(program, used)),
        start=" ".join(f"{_state(n)}[c] = {v};" for n, v in enumerate(initial)),
        steps="int t = begin; t < begin + 1; ++t" if pace is Pace.LOOP else f"int t = 0; t < {steps}; ++t",
        places=value.places,
        channels=value.channels,
        statements=_statements(number, program, names, used, bits),
        spikes=names[program.outputs[SPIKES].args[0]],
        after=" ".join(f"{_state(n)}[c] = {names[program.outputs[s].args[0]]};" for n, s in enumerate(states)),
        traces="\n".join(kept),
        last=f"    for (int c = 0; c < n; ++c) {{ {keep} }}" if keep else "",
    )
    return f"{_tables(number, program, names, bits, traced)}{text}\n"


def _ignored(program: Program, used: set[str]) -> Iterator[str]:
    """What compilers would warn of: an input, or a state, that nothing depends on."""
    if program.input.name not in used:
        yield "    (void)x;\n    (void)stride;"
    for n, state in enumerate(program.states):
        if state not in used:
            yield f"    (void){_state(n)};"


def kept_parameters(types: Sequence[str]) -> str:
    """The states that a caller keeps, as the last parameters of a C function."""
    return "".join(f", {kind} *restrict kept{n}" for n, kind in enumerate(types))


def _statements(number: int, program: Program, names: dict[str, str], used: set[str], bits: int) -> str:
    """The program of one channel, a line for every instruction whose value is used."""
    given = {s: f"{_state(n)}[c]" for n, s in enumerate(program.states)}
    for i in program.of(Op.PARAM):
        values = values_of(i)
        given[i.name] = literal(values[0], bits) if len(values) == 1 else f"constant_{number}_{names[i.name]}[first + c]"
    given[program.input.name] = f"(int{bits}_t)x[t * stride + c]"
    return "\n".join(
        f"            const int{bits}_t {names[i.name]} = {_expression(i, given, names, bits)};"
        for i in program.instructions
        if i.op is not Op.OUTPUT and i.name in used
    )


def _tables(number: int, program: Program, names: dict[str, str], bits: int, traced: bool) -> str:
    """The constants that every channel has of its own."""
    return "".join(
        table(
            f"static const {kind} constant_{number}_{names[i.name]}",
            [literal(v, 64 if kind == "int64_t" else 32) for v in values_of(i)],
        )
        for i, kind in _constants(program, bits, traced)
    )


def constant_bytes(node: IntNeuron) -> int:
    """Bytes of the constants per channel, where nothing is traced."""
    constants = _constants(node.program, arithmetic_bits(node.program), False)
    return sum(type_bytes(kind) * len(values_of(i)) for i, kind in constants)


def state_bytes(node: IntNeuron, block: int) -> int:
    """Bytes of the states of one block of channels, which lie on the stack."""
    return len(node.program.states) * block * arithmetic_bits(node.program) // 8


def _constants(program: Program, bits: int, traced: bool) -> list[tuple[Instruction, str]]:
    """What has a value for each channel, and its C type: the narrowest where memory counts more than speed."""
    several = [i for i in program.of(Op.PARAM) if len(values_of(i)) > 1]
    return [(i, f"int{bits}_t" if traced else c_type(Interval.of(values_of(i)))) for i in several]


def _names(program: Program) -> dict[str, str]:
    """Names in C: those of the program where they can be read."""
    return {i.name: f"v_{i.name}" if _WORD.fullmatch(i.name) else f"v{n}" for n, i in enumerate(program.instructions)}


def _state(n: int) -> str:
    return f"state{n}"


def _expression(i: Instruction, given: dict[str, str], names: dict[str, str], bits: int) -> str:
    arguments = [given[i.name]] if i.name in given else [names[a] for a in i.args]
    return EXPRESSIONS[i.op](i, arguments, bits)
