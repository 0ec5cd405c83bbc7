"""An equation in integers: every value at a binary point of its own, every rounding a written shift.

States have the binary points of their ranges. A sum is added up at the finest point that the target's
accumulator has room for, and rounded once, to nearest, to the point that whoever takes it asks for:
a next state that of its state, the two sides of a comparison one and the same (`_aims`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.network import EquationNeuron, Reals
from snn2hw.ir.program import SPIKES, Program
from snn2hw.ir.program import Op as Int
from snn2hw.neurons.counter import counted
from snn2hw.neurons.equation import COMPARISONS, Op, flags, varying
from snn2hw.neurons.in_numpy import numbers
from snn2hw.neurons.normal import normal
from snn2hw.num import Interval
from snn2hw.passes.equations.arithmetic import Arithmetic, Origin
from snn2hw.passes.equations.spike_value import spike_value_of
from snn2hw.passes.head import lifted, lifted_bits
from snn2hw.passes.polynomials.horner import Argument
from snn2hw.passes.polynomials.lowered import lower_polynomial
from snn2hw.passes.state import round_half_up, state_format
from snn2hw.target import Lowering

ALIKE = 4  # bits that the largest factor of a channel may be above the least, for one binary point to be precise for all
SUMS = frozenset({Op.ADD, Op.MUL, Op.POLYNOMIAL})


@dataclass(frozen=True)
class Entry:
    """What enters the neuron: raw integers, and what one of them stands for.

    Args:
        interval: of the raw integers.
        frac: their binary point in the program.
        scale: real value of one unit, [1] or per channel [C].
    """

    interval: Interval
    frac: int
    scale: Reals


@dataclass(frozen=True)
class LoweredEquation:
    """An equation's program.

    Args:
        meaning: which of its values stand for which terms.
        origins: of every constant that follows numbers of the equation, of which ones.
    """

    program: Program
    meaning: EquationMeaning
    origins: dict[str, Origin]


def lower_equation(node: EquationNeuron, entry: Entry, limits: Lowering, state_bits: int) -> LoweredEquation:
    """The integer program of a neuron's equation.

    Args:
        node: the equation and the real values of its parameters. entry: what its synaptic input stands for.
        limits: widths, rounding and products of the target's neurons.
        state_bits: widest state allowed; the target's own bound holds besides.

    Raises:
        WidthError: a value does not fit the target. UnsupportedError: an output that is no spike value,
            a product that the target's neurons cannot do.
    """
    lowering = _Lowering(node, entry, limits, min(state_bits, limits.state_bits))
    program = lowering.program()
    return LoweredEquation(program, lowering.meaning(), lowering.arithmetic.origins)


class _Lowering:
    def __init__(self, node: EquationNeuron, entry: Entry, limits: Lowering, bits: int) -> None:
        self.where = node.source or node.name
        without_schedules, self.parameters = counted(node.equation, node.parameters)
        self.eq = normal(without_schedules)
        self.given = numbers(self.eq, self.parameters)
        self.varies, self.flags = varying(self.eq), flags(self.eq)
        self.learned: list[bool] = []  # of every term whether a parameter is in it
        for term in self.eq.terms:
            self.learned.append(term.op is Op.PARAMETER or any(self.learned[a] for a in term.args))
        self.entry, self.limits = entry, limits
        self.b = ProgramBuilder(self.eq.kind)
        self.arithmetic = Arithmetic(self.b, limits, self.where)
        self.held = {s.name: state_format(s.range, bits) for s in self.eq.states}
        self.payload = spike_value_of(node, bits)
        self.finest = max(h.frac for h in self.held.values())
        self.aims = self._aims()
        self.names: dict[int, str] = {}  # of the values of terms

    def program(self) -> Program:
        """Every term that is a value of its own, in order, then what leaves."""
        b = self.b
        for state in self.eq.states:
            held = self.held[state.name]
            initial = min(max(held.raw(state.initial), held.lo), held.hi)
            self.names[self._state_place(state.name)] = b.emit(Int.STATE, state.name, (), (held.lo, held.hi, initial), held.frac)
        self.x, self.unit = self._entering()
        for place, term in enumerate(self.eq.terms):
            if self.varies[place] and ((term.op not in SUMS and term.op is not Op.INPUT) or self._stands_alone(place)):
                self.value(place)
        after = {}
        for state, place in zip(self.eq.states, self.eq.updates, strict=True):
            held = self.held[state.name]
            raw = self.at(place, held.frac)
            after[state.name] = b.emit(Int.CLAMP, f"{state.name}_held", (raw,), (held.lo, held.hi))
        spikes = after[self.payload.state] if self.payload.state else self.at(self.eq.output, self.payload.frac)
        b.emit(Int.OUTPUT, SPIKES, (spikes,), (SPIKES,))
        for name, value in after.items():
            b.emit(Int.OUTPUT, f"{name}_next", (value,), (name,))
        return b.program()

    def meaning(self) -> EquationMeaning:
        """Which values stand for which terms, once the program is written."""
        numbers = tuple(tuple(np.asarray(p, np.float64).ravel().tolist()) for p in self.parameters)
        values = tuple(self.names.get(place) for place in range(len(self.eq.terms)))
        return EquationMeaning(self.eq, numbers, tuple(self.entry.scale.tolist()), values)

    def _entering(self) -> tuple[str, Reals]:
        """The sum, and what it is to be multiplied by; channels of very different scales are aligned first."""
        unit = self.entry.scale * 2.0**self.entry.frac
        x = self.b.emit(Int.INPUT, "x", (), (self.entry.interval.lo, self.entry.interval.hi), self.entry.frac)
        factors = unit.tolist()
        spread = lifted_bits(self.entry.interval, factors) - lifted_bits(self.entry.interval, factors[:1])
        if spread <= ALIKE or lifted_bits(self.entry.interval, factors) > self.limits.accumulator_bits:
            return x, unit
        y, left = lifted(self.b, x, factors, self.limits)
        return y, np.array(left)

    def _state_place(self, name: str) -> int:
        """Of the term of a state; -1 where the equation never reads it."""
        return next((n for n, t in enumerate(self.eq.terms) if t.op is Op.STATE and t.attrs[0] == name), -1)

    def _stands_alone(self, place: int) -> bool:
        """Whether a sum or product is taken by something that is no sum."""
        if place in (self.eq.output, *self.eq.updates):
            return True
        return any(self.eq.terms[n].op not in SUMS for n in self.eq.users(place))

    def _aims(self) -> dict[int, int]:
        """The binary point that whoever takes a value asks for."""
        aims: dict[int, int] = {}
        for state, place in zip(self.eq.states, self.eq.updates, strict=True):
            aims[place] = max(self.held[state.name].frac, aims.get(place, self.held[state.name].frac))
        if not self.payload.state:
            aims[self.eq.output] = self.payload.frac
        for place in range(len(self.eq.terms) - 1, -1, -1):
            term = self.eq.terms[place]
            passed = {Op.SELECT: term.args[1:], Op.CLAMP: term.args, Op.MIN: term.args, Op.MAX: term.args}.get(term.op, ())
            for a in passed:
                if place in aims:
                    aims.setdefault(a, aims[place])
        for term in self.eq.terms:
            if term.op in COMPARISONS:
                points = [aims[a] for a in term.args if a in aims]
                points += [self.held[str(t.attrs[0])].frac for t in map(self.eq.terms.__getitem__, term.args) if t.op is Op.STATE]
                for a in term.args:
                    aims.setdefault(a, max(points, default=self.finest))
        return aims

    def aim(self, place: int) -> int:
        """The binary point of a term's value."""
        return 0 if self.flags[place] else self.aims.get(place, self.finest)

    def at(self, place: int, frac: int) -> str:
        """The value of a term, or a number, at a binary point."""
        if not self.varies[place]:
            return self.arithmetic.number(f"c{place}", self.given[place], frac, self._origin(place))
        name = self.value(place)
        return self.b.rescale(f"{name}_moved", name, frac, self.limits.rounding)

    def _origin(self, place: int, factor: Reals | float = 1.0) -> Origin | None:
        """Of a constant that is a number of the equation; none where no parameter is in it."""
        return Origin.of(place, factor) if self.learned[place] else None

    def value(self, place: int) -> str:
        """The name of a term's value, written where it is not yet."""
        if place not in self.names:
            self.names[place] = _ROWS[self.eq.terms[place].op](self, place)
        return self.names[place]

    def _input(self, place: int) -> str:
        return self._entered(np.ones(1), self.aim(place), None)

    def _entered(self, factor: Reals, frac: int, number: int | None) -> str:
        """factor * x at a binary point: a shift where that is a power of two, else a multiplication."""
        unit = self.unit
        origin = None if number is None else self._origin(number, unit)
        scaled = self.arithmetic.scaled("x_scaled", self.x, unit * factor, origin)
        return self.b.rescale("x_state", scaled, frac, self.limits.rounding)

    def _clamp(self, place: int) -> str:
        term = self.eq.terms[place]
        name = self.at(term.args[0], self.aim(place))
        lo, hi = (round_half_up(float(end) * 2.0 ** self.b.frac(name)) for end in term.attrs)
        return self.b.emit(Int.CLAMP, f"t{place}", (name,), (lo, hi))

    def _compared(self, place: int) -> str:
        term = self.eq.terms[place]
        strict = term.op is Op.GT or (term.op is Op.FIRE and bool(term.attrs[0]))
        frac = max(self.aim(a) for a in term.args if self.varies[a])
        first, second = self._aligned(term.args, frac)
        if term.op is Op.FIRE and not self.varies[term.args[1]]:
            self._require_told(self.given[term.args[1]], self.b.frac(second), term.line)
        return self.b.emit(Int.GT if strict else Int.GE, f"t{place}", (first, second))

    def _require_told(self, thresholds: Reals, frac: int, line: str) -> None:
        """A threshold that rounds to 0 would fire a neuron at rest."""
        if ((np.floor(thresholds * 2.0**frac + 0.5) == 0) & (thresholds != 0)).any():
            raise WidthError(
                "a threshold is finer than the state can tell",
                where=f"{self.where}: {self.eq.kind}.step" + (f", {line}" if line else ""),
                got=f"threshold {float(thresholds[np.abs(thresholds).argmin()]):g}",
                expected=f"at least {2.0**-frac:g}, one unit of a value with {frac} fractional bits",
                do="use more state bits, narrower state ranges or a larger threshold",
            )

    def _not(self, place: int) -> str:
        one = self.b.emit(Int.CONST, "on", (), (1,), 0)
        return self.b.emit(Int.SUB, f"t{place}", (one, self.value(self.eq.terms[place].args[0])))

    def _select(self, place: int) -> str:
        flag, *arms = self.eq.terms[place].args
        return self.b.emit(Int.SELECT, f"t{place}", (self.value(flag), *self._aligned(arms, self.aim(place))))

    def _both(self, place: int) -> str:
        term = self.eq.terms[place]
        op = Int.MIN if term.op is Op.MIN else Int.MAX
        return self.b.emit(op, f"t{place}", self._aligned(term.args, self.aim(place)))

    def _aligned(self, places: Sequence[int], frac: int) -> tuple[str, ...]:
        """Values of terms at one binary point: this one, or the coarser one at which all fit."""
        frac = self.arithmetic.aligned([self.value(p) for p in places if self.varies[p]], frac)
        return tuple(self.at(p, frac) for p in places)

    def _mul(self, place: int) -> str:
        term = self.eq.terms[place]
        if not all(self.varies[a] for a in term.args):
            return self._sum(place)
        for flag, other in (term.args, term.args[::-1]):
            if self.flags[flag]:  # a flag chooses between the value and 0
                value = self.value(other)
                zero = self.b.emit(Int.CONST, "zero", (), (0,), self.b.frac(value))
                return self.b.emit(Int.SELECT, f"t{place}", (self.value(flag), value, zero))
        if not self.limits.state_multiply:
            raise UnsupportedError(
                "a neuron multiplies two values that change, which a neuron of the target cannot do",
                where=f"{self.where}: {self.eq.kind}.step" + (f", {term.line}" if term.line else ""),
                got="a product of two states, or of a state and the input",
                expected="products with numbers only",
                do="choose a target whose neurons can multiply (`snn2hw targets`)",
            )
        first, second = (self.value(a) for a in term.args)
        return self.arithmetic.multiplied(f"t{place}", first, second)

    def _sum(self, place: int) -> str:
        """c + P_1(a_1) + P_2(a_2) + ..., added up finely and rounded once."""
        aim, parts, constant, weights = self.aim(place), list[str](), np.zeros(1), list[tuple[int, tuple[float, ...]]]()
        for part in self._summands(place):
            if self.varies[part]:
                parts.append(self._summand(part, aim))
            else:
                constant = constant + self.given[part]
                if (origin := self._origin(part)) is not None:
                    weights += origin.weights
        return self.arithmetic.summed(f"t{place}", parts, constant, aim, Origin(tuple(weights)) if weights else None)

    def _summands(self, place: int) -> list[int]:
        """The terms of a sum that are no sums themselves."""
        term = self.eq.terms[place]
        if term.op is not Op.ADD or not self.varies[place]:
            return [place]
        return [n for a in term.args for n in ([a] if a in self.names or self._stands_alone(a) else self._summands(a))]

    def _summand(self, place: int, aim: int) -> str:
        """One part of a sum, as fine as it comes."""
        term = self.eq.terms[place]
        if place in self.names or term.op not in (Op.INPUT, Op.MUL) or all(self.varies[a] for a in term.args if term.args):
            return self._entered(np.ones(1), aim, None) if term.op is Op.INPUT else self.value(place)
        variable, number = term.args if self.varies[term.args[0]] else term.args[::-1]
        factors, origin = self.given[number], self._origin(number)
        if self.eq.terms[variable].op is Op.INPUT:
            return self._entered(factors, aim, number)
        if (factors == -1.0).all() and origin is None:
            return self.b.emit(Int.NEG, f"t{place}", (self.value(variable),))
        if self.flags[variable]:  # exact at the point of the sum
            constant = self.arithmetic.number(f"c{number}", factors, aim, origin)
            return self.b.emit(Int.MUL, f"t{place}", (self.value(variable), constant))
        return self.arithmetic.scaled(f"t{place}", self.value(variable), factors, origin)

    def _polynomial(self, place: int) -> str:
        variable, *coefficients = self.eq.terms[place].args
        name = self.value(variable)
        channels = max(len(self.given[c]) for c in coefficients)
        rows = np.stack([np.broadcast_to(self.given[c], (channels,)) for c in coefficients], axis=1)
        held, frac = self.b.interval(name), self.b.frac(name)
        argument = Argument(name, held, frac)
        return lower_polynomial(self.b, rows, held.magnitude * 2.0**-frac, argument, self.limits, self.where).value


_ROWS: dict[Op, Callable[[_Lowering, int], str]] = {
    Op.INPUT: _Lowering._input,
    Op.ADD: _Lowering._sum,
    Op.MUL: _Lowering._mul,
    Op.MIN: _Lowering._both,
    Op.MAX: _Lowering._both,
    Op.CLAMP: _Lowering._clamp,
    Op.GE: _Lowering._compared,
    Op.GT: _Lowering._compared,
    Op.FIRE: _Lowering._compared,
    Op.NOT: _Lowering._not,
    Op.SELECT: _Lowering._select,
    Op.POLYNOMIAL: _Lowering._polynomial,
}
