"""The equation that an integer neuron layer states beside its program: what it was lowered from, and what is legal in that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from snn2hw.ir.program import Op, Program
from snn2hw.neurons.equation import Equation
from snn2hw.shown import brief

MOST_TERMS = 1 << 12  # of an equation


@dataclass(frozen=True)
class EquationMeaning:
    """The equation that a user's neuron was lowered from, and which values of the program stand for its terms.

    Args:
        equation: in normal form. parameters: the numbers that it names, one for the layer or one per channel each.
        input_scale: the real value of one raw unit of the synaptic sum, one for the layer or one per channel.
        values: for every term the value of the program that stands for it, at the binary point that the value has;
            None where no value is that term alone, as of a part of a sum.
    """

    equation: Equation
    parameters: tuple[tuple[float, ...], ...]
    input_scale: tuple[float, ...]
    values: tuple[str | None, ...]

    __repr__ = brief

    def problems(self, program: Program, channels: int) -> Iterator[tuple[str, str]]:
        """(what is broken, what it is): states, numbers and values that the equation names are those of layer and program."""
        terms, states = self.equation.terms, [s.name for s in self.equation.states]
        if len(terms) > MOST_TERMS:
            yield f"an equation has {MOST_TERMS} terms at most", str(len(terms))
        if sorted(states) != sorted(program.states):
            yield "an equation has the states of its program", f"{states}, program {[*program.states]}"
        if len(self.values) != len(terms):
            yield "an equation names one value, or none, for each term", f"{len(self.values)} for {len(terms)}"
        for value in self.values:
            if value is not None and (value not in program.by_name or program.by_name[value].op is Op.OUTPUT):
                yield "a term is a value of the program", repr(value)
        if len(self.parameters) != len(self.equation.parameters):
            yield "an equation is given every number that it names", f"{len(self.parameters)}"
        for numbers in (*self.parameters, self.input_scale):
            if len(numbers) not in (1, channels) or not all(map(math.isfinite, numbers)):
                yield f"a number of an equation is one, or one for each of {channels} channels", str(numbers)[:80]
