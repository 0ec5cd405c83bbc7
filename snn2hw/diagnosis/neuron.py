"""A step of a neuron layer of which some quantisers are on and the others off.

    h = that of the float equation, with those numbers of the integers whose quantiser is on
      + (state:) what the integer program rounds on the way to h, at the integers next to these values

With all of them on this is the integer program, value for value; with none the float layer. A difference between program
and equation that is no rounding (another order of reset and decay, say) is none of a quantiser, so what is taken over of
the program ends at `ROUNDED` units of that which is rounded, the membrane or the current.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from snn2hw.backends.reference import step as integer_step
from snn2hw.diagnosis.parts import ALL, BOUNDS, COEFFICIENTS, HEAD, NONE, STATE, THRESHOLDS, WEIGHTS, Parts
from snn2hw.dynamics.maps import REAL
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.family import equation_of
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Circulate, EquationNeuron, Neuron, Potential, Reals, Single
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.real import neuron_step, polynomial
from snn2hw.ir.roles import Roles
from snn2hw.layers.base import per_channel
from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import COMPARISONS
from snn2hw.neurons.equation import Op as Term
from snn2hw.neurons.library import CURRENT, MEMBRANE
from snn2hw.trace import Ints

States: TypeAlias = dict[str, Any]
TAKEN = "taken"  # what a reset that comes late is going to take off
ROUNDED = 8.0  # units of what is rounded: no program rounds more in one step
NEAR = 1e-6  # of a unit: floats that stand for an integer


@dataclass(frozen=True)
class Change:
    """What is otherwise in a layer although no quantiser does it.

    Args:
        order: "input_then_poly" or "poly_then_input"; "": as it is. reset: its kind; "": as it is.
        late: whether it is reset in the step behind its spike, after the decay.
    """

    order: str = ""
    reset: str = ""
    late: bool = False


AS_IT_IS = Change()


def mixed_neuron(node: IntNeuron, real: Neuron | EquationNeuron) -> Family | Written:
    """A neuron layer with switches.

    Args:
        node: its integers. real: the float layer that they were made of.
    """
    if isinstance(real, Neuron) and node.meaning is not None and node.program.roles is not None:
        return Family(node, real, node.program.roles)
    return Written(node, real)


class FloatNeuron:
    """A layer of the built-in family in floats, that may be built otherwise: no quantiser is on."""

    tied: Parts = NONE  # quantisers that cannot be float while the state is rounded

    def __init__(self, real: Neuron) -> None:
        self.real = real

    def start(self, shape: tuple[int, ...]) -> States:
        """The states before the first step, of values [N, C, ...]."""
        zero = np.zeros(shape)
        return {MEMBRANE: zero, CURRENT: zero, TAKEN: zero}

    def step(self, states: States, x: Reals, raw: Ints, t: int, parts: Parts, change: Change = AS_IT_IS) -> tuple[Reals, States]:
        """(spike value, next states), in real units.

        Args:
            states: as the step before left them. x: what enters, real. raw: the sum of the integers. t: the step.
            parts: which quantisers are on; "weights" is the matter of x. change: what is otherwise besides.
        """
        real = self.real if not change.order else replace(self.real, order=change.order)
        u, entering = states[MEMBRANE], self.entering(x, raw, parts)
        rounding = self.rounding(states, raw, t, parts)
        i = states[CURRENT]
        if real.current is not None:
            i = rounding.current(np.clip(self.decayed(i, parts) + entering + rounding.of_current, *real.current.state_range))
            entering = i
        late = change.late
        if late and real.reset == "value":
            u = np.where(states[TAKEN] != 0, real.reset_value, u)
        h = self.membrane(real, u, entering, parts)
        h = rounding.membrane(h - states[TAKEN] if late and real.reset != "value" else h)
        fires = replace(
            real, coefficients=np.zeros((1, 2)), gain=1.0, order="poly_then_input", current=None, firing=self.firing(t, parts),
            state_range=self.bounds(parts), reset="none" if late else change.reset or real.reset,
            reset_value=self.reset_value(parts),
        )  # fmt: skip
        out, after = self.fired(fires, h, parts)
        # What a late reset takes off a step later: what it would take off now.
        taken = after - neuron_step(replace(fires, reset="subtract"), np.zeros_like(u), h)[1] if late else states[TAKEN]
        return out, {MEMBRANE: after, CURRENT: i, TAKEN: taken}

    def entering(self, x: Reals, raw: Ints, parts: Parts) -> Reals:
        """gain * x. Arguments as `step`."""
        return x if self.real.gain == 1.0 else self.real.gain * x

    def rounding(self, states: States, raw: Ints, t: int, parts: Parts) -> Rounding:
        """What a program rounds in this step. Arguments as `step`."""
        return Rounding()

    def decayed(self, i: Reals, parts: Parts) -> Reals:
        """What is left of the current."""
        assert self.real.current is not None
        kept: Reals = per_channel(self.real.current.decay, i) * i
        return kept

    def membrane(self, real: Neuron, u: Reals, entering: Reals, parts: Parts) -> Reals:
        """h before its clamp.

        Args:
            real: the layer. u: its membrane. entering: what enters it. parts: which quantisers are on.
        """
        if real.order == "poly_then_input":
            return self.polynomial(u, parts) + entering
        return self.polynomial(np.clip(u + entering, *self.bounds(parts)), parts)

    def bounds(self, parts: Parts) -> tuple[float, float]:
        """The range of the state."""
        return self.real.state_range

    def polynomial(self, u: Reals, parts: Parts) -> Reals:
        """P(u)."""
        return polynomial(self.real, u)

    def firing(self, t: int, parts: Parts) -> Single | Circulate | Potential:
        """What fires at step t."""
        firing = self.real.firing
        if not isinstance(firing, Circulate):
            return firing
        return replace(firing, thresholds=firing.rows[min(t, len(firing.rows) - 1)], by_step=())

    def fired(self, fires: Neuron, h: Reals, parts: Parts) -> tuple[Reals, Reals]:
        """(spike value, membrane behind the reset).

        Args:
            fires: a layer whose membrane is what enters it. h: the membrane before it fires. parts: which quantisers are on.
        """
        return neuron_step(fires, np.zeros_like(h), h)

    def reset_value(self, parts: Parts) -> float:
        """What a reset to a value leaves."""
        return self.real.reset_value


@dataclass(frozen=True)
class Rounding:
    """What a program rounds in a step, in real units, and the units of what it gives; no unit: nothing is rounded."""

    of_membrane: Any = 0.0
    of_current: Any = 0.0
    unit: float = 0.0
    current_unit: float = 0.0

    def membrane(self, h: Reals) -> Reals:
        """h with it."""
        return _snapped(h + self.of_membrane, self.unit) if self.unit else h

    def current(self, i: Reals) -> Reals:
        """The current where integers stand, if it is near one."""
        return _snapped(i, self.current_unit) if self.current_unit else i


class Family(FloatNeuron):
    """A layer of the built-in family with switches. `unit`: the real value of one unit of its state."""

    def __init__(self, node: IntNeuron, real: Neuron, roles: Roles) -> None:
        super().__init__(real)
        assert node.meaning is not None
        self.node, self.roles, self.program = node, roles, node.program
        self.entry = 2.0**-self.program.input.format.frac
        self.unit = _unit(self.program.by_name[roles.state])
        held = declared_interval(self.program.by_name[roles.state])
        self.held = held.lo * self.unit, held.hi * self.unit
        factor, meant = _real(self.program, roles.entering, {self.program.input.name: np.array([1.0])}), node.meaning.input_factor
        self.off: Reals = np.atleast_1d(factor) - np.array(meant)
        self.scale: Reals = np.array(meant) * self.entry / (real.gain or 1.0)  # the real value of one unit of the sum
        self.h = self._before_clamp(roles.membrane)
        self.counter = None if roles.firing is None else roles.firing.counter
        self.current = next((s for s in self.program.states if s not in (roles.state, self.counter)), None)

    def _before_clamp(self, name: str) -> str:
        i = self.program.by_name[name]
        return i.args[0] if i.op is Op.CLAMP else name

    @property
    def _now(self) -> Instruction:
        """The current as the step leaves it."""
        return self.program.by_name[self.program.outputs[str(self.current)].args[0]]

    def entering(self, x: Reals, raw: Ints, parts: Parts) -> Reals:
        """gain * x, and what the integers' factor is off by. Arguments as `step`."""
        entering = super().entering(x, raw, parts)
        if HEAD in parts and self.off.any():
            entering = entering + per_channel(self.off, entering) * (raw * self.entry)
        return entering

    def decayed(self, i: Reals, parts: Parts) -> Reals:
        """What is left of the current."""
        if COEFFICIENTS not in parts:
            return super().decayed(i, parts)
        known = {self.current: i, self.roles.entering: np.zeros_like(i)}
        return np.asarray(_real(self.program, self._before_clamp(self._now.name), known))

    def bounds(self, parts: Parts) -> tuple[float, float]:
        """The range of the state."""
        return self.held if BOUNDS in parts else self.real.state_range

    def polynomial(self, u: Reals, parts: Parts) -> Reals:
        """P(u)."""
        if COEFFICIENTS not in parts:
            return super().polynomial(u, parts)
        p = self.roles.polynomial
        found: Reals = np.broadcast_to(_real(self.program, p.value, {p.argument: u}), u.shape)
        return found

    def rounding(self, states: States, raw: Ints, t: int, parts: Parts) -> Rounding:
        """What the program makes of the nearest integers, less what the equation with its numbers does. Arguments as `step`."""
        if STATE not in parts:
            return Rounding()
        before: dict[str, Ints] = {}
        for name, i in self.program.states.items():
            known = states[MEMBRANE] if name == self.roles.state else states[CURRENT]
            held = declared_interval(i)
            whole = np.full(raw.shape, t) if name == self.counter else np.rint(known / _unit(i))
            before[name] = np.clip(whole, held.lo, held.hi).astype(np.int64)
        values, unit = _evaluated(self.program, before, raw), _unit(self.program.by_name[self.h])
        u: Reals = before[self.roles.state] * np.float64(self.unit)
        entering, of_current, current_unit = self.entering(raw * per_channel(self.scale, u), raw, ALL), 0.0, 0.0
        if self.current is not None:
            now, current_unit = self._now, _unit(self._now)
            name = self._before_clamp(now.name)
            current: Reals = before[self.current] * np.float64(_unit(self.program.states[self.current]))
            of_current = values[name] * _unit(self.program.by_name[name]) - self.decayed(current, ALL) - entering
            entering = values[now.name] * current_unit
        of_membrane = values[self.h] * unit - self.membrane(self.real, u, entering, ALL)
        most, most_current = ROUNDED * self.unit, ROUNDED * current_unit  # a current has a binary point of its own
        return Rounding(
            np.clip(of_membrane, -most, most), np.clip(of_current, -most_current, most_current), unit, current_unit
        )  # fmt: skip

    def firing(self, t: int, parts: Parts) -> Single | Circulate | Potential:
        """What fires at step t."""
        firing = super().firing(t, parts)
        if isinstance(firing, Potential) or THRESHOLDS not in parts:
            return firing
        if isinstance(firing, Single):
            return Single(self._threshold(0, t))
        thresholds = tuple(self._threshold(k, t) for k in range(len(firing.amplitudes)))
        return replace(firing, thresholds=thresholds, amplitudes=self._amplitudes(firing.amplitudes))

    def _amplitudes(self, amplitudes: Sequence[float]) -> tuple[float, ...]:
        """As the spike value holds them."""
        unit = 2.0**-self.node.format.frac
        return tuple(float(np.floor(a / unit + 0.5)) * unit for a in amplitudes)

    def fired(self, fires: Neuron, h: Reals, parts: Parts) -> tuple[Reals, Reals]:
        """(spike value, membrane behind the reset). Arguments as in `FloatNeuron`."""
        firing = fires.firing
        if THRESHOLDS not in parts or not isinstance(firing, Circulate) or not firing.own_negative:
            return super().fired(fires, h, parts)
        # A float layer has one factor for all negative amplitudes, the program one integer for each: sum amp_k up_k,
        # less sum negative_k down_k, which is sum negative_k up_k less sum negative_k (up_k - down_k).
        assert isinstance(self.real.firing, Circulate)
        negatives, fired = self._amplitudes(self.real.firing.negatives), list[tuple[Reals, Reals]]()
        for amplitudes, factor in ((firing.amplitudes, 0.0), (negatives, 0.0), (negatives, 1.0)):
            of_these = replace(firing, amplitudes=amplitudes, negative=factor, finest=False)
            fired.append(super().fired(replace(fires, firing=of_these), h, parts))
        (up, after), (up_again, _), (both, _) = fired
        return up + both - up_again, after

    def reset_value(self, parts: Parts) -> float:
        """What a reset to a value leaves."""
        firing = self.roles.firing
        if THRESHOLDS not in parts or firing is None or firing.reset_value is None:
            return super().reset_value(parts)
        return float(np.max(_real(self.program, firing.reset_value, {})))

    def _threshold(self, level: int, t: int) -> float:
        assert self.roles.firing is not None
        own = [h for h in self.roles.firing.thresholds if h.level in (None, level) and h.since <= t]
        return float(np.max(_real(self.program, max(own, key=lambda h: h.since).constant, {})))


class Written:
    """A layer that a user wrote, or one whose integers and floats are of different kinds: the program, or the equation."""

    tied: Parts = frozenset({COEFFICIENTS, THRESHOLDS})  # with its state rounded the program runs, which has these as integers

    def __init__(self, node: IntNeuron, real: Neuron | EquationNeuron) -> None:
        self.node, self.program, self.real = node, node.program, real
        found = equation_of(real) if isinstance(real, Neuron) else real
        self.equation, self.parameters = found.equation, found.parameters
        self.unit = max((_unit(i) for i in self.program.states.values()), default=0.0)
        self.alike = isinstance(real, EquationNeuron) == (node.equation is not None)  # both are of one kind of neuron
        self.integers, self.parts = list(self.parameters), [COEFFICIENTS] * len(self.parameters)
        said = node.equation
        if said is not None and len(said.parameters) == len(self.parameters):
            compared = {a for term in said.equation.terms if term.op in COMPARISONS for a in term.args[1:]}
            for place, (term, name) in enumerate(zip(said.equation.terms, said.values, strict=True)):
                if term.op is Term.PARAMETER:
                    number = int(term.attrs[0])
                    self.parts[number] = THRESHOLDS if place in compared else COEFFICIENTS
                    if name is not None and self.program.by_name[name].op is Op.PARAM:
                        self.integers[number] = np.ravel(_real(self.program, name, {}))

    @property
    def scale(self) -> Reals | None:
        """The real value of one unit of the sum, [1] or per channel; None where the integers do not say."""
        return None if self.node.equation is None else np.array(self.node.equation.input_scale)

    def start(self, shape: tuple[int, ...]) -> States:
        """The states before the first step, of values [N, C, ...]."""
        raw = {name: np.full(shape, initial_value(i), np.int64) for name, i in self.program.states.items()}
        return {"integers": raw, "floats": in_numpy.initial(self.equation, shape)}

    def step(self, states: States, x: Reals, raw: Ints, t: int, parts: Parts, change: Change = AS_IT_IS) -> tuple[Reals, States]:
        """(spike value, next states). Arguments as `Family.step`; of a change nothing is known here."""
        if STATE in parts:
            if WEIGHTS not in parts and self.scale is not None:
                raw = np.rint(x / per_channel(self.scale, x)).astype(np.int64)
                held = declared_interval(self.program.input)
                raw = np.clip(raw, held.lo, held.hi)
            fired, after = integer_step(self.program, raw, states["integers"])
            return fired * np.float64(2.0**-self.node.format.frac), {**states, "integers": after}
        numbers = [n if part in parts else p for p, n, part in zip(self.parameters, self.integers, self.parts, strict=True)]
        out, now, _ = in_numpy.step(self.equation, numbers, states["floats"], x, t)
        return out, {**states, "floats": now}


def _unit(i: Instruction) -> float:
    return float(2.0**-i.format.frac)


def _snapped(values: Reals, unit: float) -> Reals:
    """The values, those that stand for an integer exactly there: floats that were added and taken off again."""
    whole = np.rint(values / unit)
    found: Reals = np.where(np.abs(values / unit - whole) < NEAR, whole * unit, values)
    return found


def _evaluated(program: Program, before: Mapping[str, Ints], raw: Ints) -> dict[str, Any]:
    def sources(i: Instruction) -> Any:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (raw.ndim - 2))
        return before[i.name] if i.op is Op.STATE else raw

    return evaluate(program, sources)


def _real(program: Program, name: str, known: Mapping[Any, Any]) -> Any:
    """The value of this name without rounding; constants per channel along axis 1 of what is known.

    Args:
        program: of the layer. known: real values by name, from which it follows.
    """
    values, ndim = dict(known), max((np.ndim(v) for v in known.values()), default=1)

    def of(each: str) -> Any:
        if each not in values:
            i = program.by_name[each]
            if i.op is Op.PARAM:
                numbers = np.array(values_of(i), np.float64) * _unit(i)
                values[each] = in_numpy.along_channels(numbers, ndim) if ndim > 1 else numbers
            else:
                values[each] = REAL[i.op]([of(a) for a in i.args], i)
        return values[each]

    return of(name)
