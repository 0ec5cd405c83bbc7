"""One step of a neuron on a constant input: of its integers, and of the real numbers that they stand for.

The real map of a program is the program itself without rounding, with the polynomial that it was lowered from in place of
the one in integers; that of a user's neuron is its equation. Thresholds are those of the integers, half a unit off at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.backends.reference import step
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, initial_value, one_channel, values_of
from snn2hw.neurons import in_numpy
from snn2hw.shown import brief
from snn2hw.trace import Ints

Reals: TypeAlias = npt.NDArray[np.float64]

# The meaning of a row without rounding and without a register that ends: what moves the binary point moves no number.
REAL: Mapping[Op, Callable[[Sequence[Any], Instruction], Any]] = {
    Op.CONST: lambda a, i: float(str(i.attrs[0])) * _unit(i),
    Op.PARAM: lambda a, i: values_of(i)[0] * _unit(i),
    Op.STATE: lambda a, i: a[0],
    Op.INPUT: lambda a, i: a[0],
    Op.ADD: lambda a, i: a[0] + a[1],
    Op.SUB: lambda a, i: a[0] - a[1],
    Op.NEG: lambda a, i: -a[0],
    Op.MUL: lambda a, i: a[0] * a[1],
    Op.SHIFT_LEFT: lambda a, i: a[0],
    Op.SHIFT_RIGHT: lambda a, i: a[0],
    Op.CLAMP: lambda a, i: np.clip(a[0], declared_interval(i).lo * _unit(i), declared_interval(i).hi * _unit(i)),
    Op.WRAP: lambda a, i: a[0],
    Op.MIN: lambda a, i: np.minimum(a[0], a[1]),
    Op.MAX: lambda a, i: np.maximum(a[0], a[1]),
    Op.GE: lambda a, i: (a[0] >= a[1]).astype(np.float64),
    Op.GT: lambda a, i: (a[0] > a[1]).astype(np.float64),
    Op.EQ: lambda a, i: (a[0] == a[1]).astype(np.float64),
    Op.SELECT: lambda a, i: np.where(a[0] != 0, a[1], a[2]),
    Op.OUTPUT: lambda a, i: a[0],
}


def _unit(i: Instruction) -> float:
    return float(2.0**-i.format.frac)


@dataclass(frozen=True, eq=False)
class Maps:
    """One channel of a neuron layer.

    Args:
        node: the layer. channel: of it. program: its program, with the constants of that channel.
    """

    node: IntNeuron
    channel: int
    program: Program

    __repr__ = brief

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states that a step changes; a counter of steps is none of them."""
        roles = self.program.roles
        counter = None if roles is None or roles.firing is None else roles.firing.counter
        return tuple(name for name in self.program.states if name != counter)

    def unit(self, state: str) -> float:
        """The real value of one unit of a state."""
        return _unit(self.program.states[state])

    def range(self, state: str) -> tuple[int, int]:
        """Its lowest and highest integer."""
        held = declared_interval(self.program.states[state])
        return held.lo, held.hi

    def real_range(self, state: str) -> tuple[float, float]:
        """Its lowest and highest real number: an equation may end at 2.0, which is a unit beyond the integers."""
        if self.node.equation is not None:
            return next(s.range for s in self.node.equation.equation.states if s.name == state)
        lo, hi = self.range(state)
        return lo * self.unit(state), hi * self.unit(state)

    def bounds(self, state: str) -> tuple[int, ...]:
        """The ends of its range other than the one at which it begins: a counter that is 0 again is not stuck there."""
        return tuple(end for end in self.range(state) if end != self.initial(state))

    def initial(self, state: str) -> int:
        """Its integer before the first step."""
        return initial_value(self.program.states[state])

    def integers(self, states: Mapping[str, Ints], x: int | Ints = 0) -> tuple[Ints, dict[str, Ints]]:
        """(spike value, next states) of states [N], at the synaptic sum x of the integers, one for all or one for each."""
        shape = next(iter(states.values())).shape if states else (1,)
        lifted = {name: s.reshape(1, 1, -1) for name, s in states.items()}
        for name in self.program.states:
            lifted.setdefault(name, np.full((1, 1, *shape), self.initial(name), np.int64))
        fired, after = step(self.program, np.broadcast_to(np.asarray(x, np.int64), (1, 1, *shape)), lifted)
        return fired.reshape(shape), {name: after[name].reshape(shape) for name in states}

    def reals(self, states: Mapping[str, Reals], x: int = 0) -> tuple[Reals, dict[str, Reals]]:
        """The same of the real numbers that the layer was lowered from; x is in units of the integers' sum."""
        shape = next(iter(states.values())).shape if states else (1,)
        if self.node.equation is not None:
            return self._equation(states, x, shape)
        values: dict[str, Any] = {}
        for i in self.program.instructions:
            if i.op is Op.STATE:
                known = states.get(i.name)
                values[i.name] = np.full(shape, self.initial(i.name) * _unit(i)) if known is None else known
            elif i.op is Op.INPUT:
                values[i.name] = np.full(shape, x * _unit(i))
            else:
                values[i.name] = self._meant(i.name, values, REAL[i.op]([values[a] for a in i.args], i))
        out = {to: np.broadcast_to(values[i.name], shape).astype(np.float64) for to, i in self.program.outputs.items()}
        return out[SPIKES], {name: out[name] for name in states}

    def _meant(self, name: str, values: Mapping[str, Any], value: Any) -> Any:
        """P(u) and the input as the layer was trained with them, in place of their integers."""
        roles, meaning = self.program.roles, self.node.meaning
        if roles is None or meaning is None:
            return value
        if name == roles.polynomial.value and name != roles.polynomial.argument:
            row = meaning.coefficients[self.channel if len(meaning.coefficients) > 1 else 0]
            return in_numpy.horner(values[roles.polynomial.argument], [np.float64(a) for a in row])
        if name == roles.entering:
            factor = meaning.input_factor[self.channel if len(meaning.input_factor) > 1 else 0]
            return values[self.program.input.name] * factor
        return value

    def _equation(self, states: Mapping[str, Reals], x: int, shape: tuple[int, ...]) -> tuple[Reals, dict[str, Reals]]:
        said = self.node.equation
        assert said is not None
        numbers = [np.array([p[self.channel if len(p) > 1 else 0]]) for p in said.parameters]
        scale = said.input_scale[self.channel if len(said.input_scale) > 1 else 0]
        lifted = {name: s.reshape(1, 1, -1) for name, s in states.items()}
        fired, after, _ = in_numpy.step(said.equation, numbers, lifted, np.full((1, 1, *shape), x * scale))
        return fired.reshape(shape), {name: after[name].reshape(shape) for name in states}


def maps_of(node: IntNeuron, channel: int) -> Maps:
    """The maps of one channel of a layer."""
    return Maps(node, channel, one_channel(node.program, channel) if node.program.channels > 1 else node.program)
