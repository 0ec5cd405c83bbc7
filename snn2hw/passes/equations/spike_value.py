"""What leaves a neuron: sums of flags times numbers in 8 bits, or a state, for a readout that never fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.network import EquationNeuron, Reals
from snn2hw.neurons.equation import Equation, Op, flags, varying
from snn2hw.neurons.in_numpy import numbers
from snn2hw.neurons.normal import normal
from snn2hw.num import Interval
from snn2hw.passes.state import round_half_up, state_format

SPIKE_VALUE_MAX = 127  # of a spike value in 8 bits, sign included
COARSEST, FINEST = -8, 8  # binary points of a spike value


@dataclass(frozen=True)
class SpikeValue:
    """Raw integers in an interval, at a binary point; `state` is the name of the state that leaves, if one does."""

    interval: Interval
    frac: int
    state: str = ""


def spike_value_of(node: EquationNeuron, state_bits: int) -> SpikeValue:
    """The format of a neuron's output, known before its input is.

    Raises:
        UnsupportedError: the output is neither made of flags and numbers nor a next state.
        WidthError: its numbers do not fit 8 bits beside each other.
    """
    equation = normal(node.equation)
    for state, place in zip(equation.states, equation.updates, strict=True):
        if place == equation.output and not flags(equation)[place]:
            held = state_format(state.range, state_bits)
            return SpikeValue(Interval(held.lo, held.hi), held.frac, state.name)
    output = _Output(equation, numbers(equation, node.parameters), node.source or node.name)
    values = np.concatenate([output.given[p].ravel() for p in output.numbers(equation.output)] or [np.ones(1)])
    for frac in range(_exact(values), COARSEST - 1, -1):
        reached = output.interval(equation.output, frac)
        vanished = (np.floor(values * 2.0**frac + 0.5) == 0) & (values != 0)
        if reached.magnitude <= SPIKE_VALUE_MAX and not vanished.any():
            return SpikeValue(reached, frac)
    raise WidthError(
        "the numbers in a neuron's output do not fit an 8-bit spike value",
        where=output.where,
        got=", ".join(f"{v:g}" for v in values[:8]),
        expected="sums of flags times numbers of similar size",
        do="use amplitudes of similar size",
    )


def _exact(values: Reals) -> int:
    """The least binary point, 0 or finer, at which the numbers are exact; the finest where none is."""
    return next((f for f in range(FINEST + 1) if (values * 2.0**f % 1 == 0).all()), FINEST)


@dataclass(frozen=True)
class _Output:
    equation: Equation
    given: Sequence[Reals]
    where: str

    def numbers(self, place: int) -> list[int]:
        """Places of the numbers that the output is made of.

        Raises:
            UnsupportedError: it is made of something else than flags and numbers.
        """
        term = self.equation.terms[place]
        if not varying(self.equation)[place]:
            return [place]
        if flags(self.equation)[place]:
            return []
        if term.op in (Op.ADD, Op.MUL, Op.MIN, Op.MAX):
            return [n for a in term.args for n in self.numbers(a)]
        if term.op is Op.SELECT:
            return [n for a in term.args[1:] for n in self.numbers(a)]
        raise UnsupportedError(
            "the output of this neuron is no spike value",
            where=f"{self.where}: {self.equation.kind}.step" + (f", {term.line}" if term.line else ""),
            got=f"a value with {_IN_WORDS.get(term.op, 'a state')} in it",
            expected="what nn.fire gave, times numbers, added up; or one of the next states, for a readout",
            do="return the spikes first, and the states in the dictionary",
        )

    def interval(self, place: int, frac: int) -> Interval:
        """Bounds of the raw output where its numbers are rounded to a binary point."""
        term, one = self.equation.terms[place], round_half_up(2.0**frac)
        if not varying(self.equation)[place]:
            raw = np.floor(self.given[place] * 2.0**frac + 0.5)
            return Interval(int(raw.min()), int(raw.max()))
        if flags(self.equation)[place]:
            return Interval(0, max(one, 1))
        ends = [self.interval(a, frac) for a in term.args]
        if term.op is Op.ADD:
            return ends[0] + ends[1]
        if term.op is Op.MUL:  # of a flag and a number
            number = ends[0] if flags(self.equation)[term.args[1]] else ends[1]
            return number.hull(Interval(0, 0))
        if term.op is Op.SELECT:
            return ends[1].hull(ends[2])
        pick = min if term.op is Op.MIN else max
        return Interval(pick(ends[0].lo, ends[1].lo), pick(ends[0].hi, ends[1].hi))


_IN_WORDS = {Op.POLYNOMIAL: "a polynomial of a state", Op.INPUT: "the input", Op.CLAMP: "a clamped value"}
