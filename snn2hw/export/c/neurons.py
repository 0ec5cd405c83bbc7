"""A neuron program as a C function: some channels of one place, all steps, states in local arrays."""

from __future__ import annotations

from snn2hw.export.c.plan import Value
from snn2hw.export.c.runtime import BLOCK
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Instruction, Op, initial_value, values_of
from snn2hw.native.c_ops import EXPRESSIONS, arithmetic_bits, literal


def neuron_function(number: int, node: IntNeuron, value: Value, source_type: str, steps: int) -> str:
    """`neuron_<number>(x, stride, place, first, n, out, traces)`: x + t * stride are the sums of step t.

    The channels are the innermost loop, so that the compiler makes vectors of them.
    """
    program, bits = node.program, arithmetic_bits(node.program)
    names = {i.name: f"v{n}" for n, i in enumerate(program.instructions)}
    given = {s: f"{_state(n)}[c]" for n, s in enumerate(program.states)}
    for i in program.of(Op.PARAM):
        values = values_of(i)
        given[i.name] = literal(values[0], bits) if len(values) == 1 else f"constant_{number}_{names[i.name]}[first + c]"
    given[program.input.name] = f"(int{bits}_t)x[t * stride + c]"
    body = "\n".join(
        f"            const int{bits}_t {names[i.name]} = {_expression(i, given, names, bits)};"
        for i in program.instructions
        if i.op is not Op.OUTPUT
    )
    states = list(program.states)
    declared = "\n".join(f"    int{bits}_t {_state(n)}[{BLOCK}];" for n in range(len(states)))
    start = " ".join(f"{_state(n)}[c] = {literal(initial_value(program.states[s]), bits)};" for n, s in enumerate(states))
    after = " ".join(f"{_state(n)}[c] = {names[program.outputs[s].args[0]]};" for n, s in enumerate(states))
    spikes = names[program.outputs[SPIKES].args[0]]
    channels, places = value.channels, value.places
    traced = "\n".join(
        f"        if (traces && traces[{n + 1}]) for (int c = 0; c < n; ++c) traces[{n + 1}][at + c] = {_state(n)}[c];"
        for n in range(len(states))
    )
    constants = "\n".join(
        _constants(f"constant_{number}_{names[i.name]}", values_of(i), bits)
        for i in program.of(Op.PARAM)
        if len(values_of(i)) > 1
    )
    return f"""{constants}
static void neuron_{number}(const {source_type} *restrict x, int64_t stride, int64_t place, int first, int n,
    {value.type} *restrict out, int64_t *const *traces)
{{
{declared}
    for (int c = 0; c < n; ++c) {{ {start} }}
    for (int t = 0; t < {steps}; ++t) {{
        const int64_t at = (t * INT64_C({places}) + place) * {channels} + first;
        for (int c = 0; c < n; ++c) {{
{body}
            out[at + c] = ({value.type}){spikes};
            {after}
        }}
        if (traces && traces[0]) for (int c = 0; c < n; ++c) traces[0][at + c] = out[at + c];
{traced}
    }}
}}
"""


def _state(n: int) -> str:
    return f"state{n}"


def _expression(i: Instruction, given: dict[str, str], names: dict[str, str], bits: int) -> str:
    arguments = [given[i.name]] if i.name in given else [names[a] for a in i.args]
    return EXPRESSIONS[i.op](i, arguments, bits)


def _constants(name: str, values: tuple[int, ...], bits: int) -> str:
    return f"static const int{bits}_t {name}[{len(values)}] = {{{', '.join(literal(v, bits) for v in values)}}};"
