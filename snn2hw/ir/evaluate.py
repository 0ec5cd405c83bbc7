"""What a neuron program computes: its rows, one after the other. This interpreter is the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from snn2hw.ir.optable import OPTABLE, SOURCES
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.num.rounding import Integer

Sources = Callable[[Instruction], Integer]


def evaluate(program: Program, sources: Sources) -> dict[str, Integer]:
    """The value of every instruction, in order; `sources` gives those of state, input and param instructions."""
    values: dict[str, Integer] = {}
    for i in program.instructions:
        if i.op in SOURCES:
            values[i.name] = sources(i)
        else:
            values[i.name] = OPTABLE[i.op].evaluate([values[a] for a in i.args], i.attrs, i.format)
    return values


def evaluate_scalar(program: Program, x: int, states: Mapping[str, int], channel: int = 0) -> dict[str, int]:
    """One neuron, one step, on Python integers: every value by name, outputs included.

    Args:
        program: whose instructions are evaluated, in order.
        x: synaptic sum.
        states: state values before the step.
        channel: which value of the per-channel constants applies.
    """

    def sources(i: Instruction) -> int:
        if i.op is Op.PARAM:
            values = values_of(i)
            return values[channel if len(values) > 1 else 0]
        return states[i.name] if i.op is Op.STATE else x

    return evaluate(program, sources)
