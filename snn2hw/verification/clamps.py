"""Where bounds hold membranes back: the clamps of an integer program, and those of an equation.

A bound at which a state begins does not count: a membrane with a floor at 0 rests there, and loses nothing that a wider
range would keep. Nor does a state that is at the upper end of its range, where that is one unit above the largest integer of
its width (1.0 in s16.15): the range has the end, the integers stand one unit below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.ranges import ranges
from snn2hw.neurons.equation import Equation
from snn2hw.neurons.equation import Op as Term
from snn2hw.trace import Ints

Flags = npt.NDArray[np.bool_]


class Clamps:
    """The clamps of a neuron program that can act.

    Args:
        program: of a layer.
    """

    def __init__(self, program: Program) -> None:
        known = ranges(program)
        self.some = [i for i in program.of(Op.CLAMP) if known[i.args[0]] not in declared_interval(i)]
        last = max((k for k, i in enumerate(program.instructions) if i in self.some), default=0)
        self.up_to_them = Program(program.kind, program.instructions[: last + 1])
        states = [(2.0**-s.format.frac, initial_value(s), declared_interval(s)) for s in program.states.values()]
        self.rest = _Rest(
            [
                (unit * (_end(held.hi) if initial == held.hi else initial), unit * held.lo, unit * _end(held.hi))
                for unit, initial, held in states
            ]
        )

    def act(self, sums: Ints, before: Mapping[str, Ints]) -> Flags:
        """Where one of them holds a value back in a step from the states `before`, given these synaptic sums [N, C, ...]."""

        def sources(i: Instruction) -> Ints:
            if i.op is Op.PARAM:
                return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (sums.ndim - 2))
            return before[i.name] if i.op is Op.STATE else sums

        values = evaluate(self.up_to_them, sources)
        found = np.zeros(sums.shape, np.bool_)
        for i in self.some:
            bounds, unit = declared_interval(i), 2.0**-i.format.frac
            found |= self.rest.beyond(values[i.args[0]] * unit, bounds.lo * unit, _end(bounds.hi) * unit)
        return found


def _end(hi: int) -> int:
    """The end of a range whose largest integer is `hi`: one more where that is the largest of a width."""
    return hi + 1 if hi > 0 and hi & (hi + 1) == 0 else hi


def equation_acts(equation: Equation, values: Sequence[Reals], x: Reals) -> Flags:
    """Where a clamp of an equation, or the range of a state, holds a value back; a bound at rest does not count.

    Args:
        equation: of one step. values: of its terms, [N, C, ...]. x: what entered.
    """
    rest, found = _Rest([(s.initial, *s.range) for s in equation.states]), np.zeros(x.shape, np.bool_)
    held = [(values[t.args[0]], float(t.attrs[0]), float(t.attrs[1])) for t in equation.terms if t.op is Term.CLAMP]
    held += [(values[place], *s.range) for s, place in zip(equation.states, equation.updates, strict=True)]
    for value, lo, hi in held:
        found |= rest.beyond(value, lo, hi)
    return found


class _Rest:
    """Bounds at which states begin.

    Args:
        states: (initial, lowest, highest) of each, in real units.
    """

    def __init__(self, states: Sequence[tuple[float, float, float]]) -> None:
        self.lowest = {initial for initial, lo, _ in states if initial == lo}
        self.highest = {initial for initial, _, hi in states if initial == hi}

    def beyond(self, value: Reals, lo: float, hi: float) -> Flags:
        """Where a value is beyond its bounds, but for those at which a state rests.

        Args:
            value: [N, C, ...]. lo, hi: its bounds; all in real units.
        """
        found: Flags = ((value < lo) & (lo not in self.lowest)) | ((value > hi) & (hi not in self.highest))
        return found
