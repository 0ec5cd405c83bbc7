"""How far the integers of a program are from the equation that it was lowered from, by intervals.

Both run from the same states and the same input, and the equation decides as the program does: every comparison has the outcome
that it has in integers. Each term of the equation for which a value of the program stands is off by some error; what follows
takes the value as it is, and the error as something of which nothing is known but how large it can be. The operands of a
comparison, and so the distance within which it may decide differently, are such values, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from snn2hw.certificate.exact import clip, exact_numbers, real
from snn2hw.certificate.forms import Ends, Form, constant, hull, minus, plus, scaled, times
from snn2hw.certificate.rounded import Rounded
from snn2hw.errors import RuleError
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.program import SPIKES, Instruction, Program, declared_interval
from snn2hw.ir.program import Op as Int
from snn2hw.neurons.equation import COMPARISONS, Op, Term, varying
from snn2hw.num import Interval


@dataclass(frozen=True)
class Distances:
    """Integers minus equation, real units, lowest and highest: of what leaves, of each next state, and of the difference
    of the two operands of each comparison, by its value."""

    output: Ends
    states: dict[str, Ends]
    comparisons: dict[str, Ends]


def distances(program: Program, known: Mapping[str, Interval], meaning: EquationMeaning, channel: int) -> Distances:
    """Of one channel, for every state that the program declares and every input of the range that is known.

    Args:
        program: of that channel alone. known: range of every value.
        meaning: the equation, and which of its terms the values stand for. channel: whose parameters hold.

    Raises:
        RuleError: a value does another thing than the term that it is said to stand for.
    """
    return _Terms(program, known, meaning, channel).distances()


class _Terms:
    def __init__(self, program: Program, known: Mapping[str, Interval], meaning: EquationMeaning, channel: int) -> None:
        self.program, self.known, self.meaning = program, known, meaning
        self.eq = meaning.equation
        self.numbers = exact_numbers(self.eq, [p[channel % len(p)] for p in meaning.parameters])
        self.scale = Fraction(meaning.input_scale[channel % len(meaning.input_scale)])
        self.rounded = Rounded(program, known)
        self.forms: list[Form] = []  # of every term what it is in reals, as a form of the program's integers
        self.comparisons: dict[str, Ends] = {}

    def distances(self) -> Distances:
        """Term by term, then what leaves."""
        for place, (term, varies) in enumerate(zip(self.eq.terms, varying(self.eq), strict=True)):
            value = self.meaning.values[place]
            if not varies:
                self.forms.append(constant(self.numbers[place]))
            elif term.op in (Op.STATE, Op.INPUT) or value is None:
                self.forms.append(self._alone(term))
            else:
                self.forms.append(self._stood_for(term, self.program.by_name[value]))
        ends = self.program.instructions[-1].name
        self.rounded.up_to(ends)
        states = {s.name: self._next(s.name, s.range, p) for s, p in zip(self.eq.states, self.eq.updates, strict=True)}
        leaving = self.program.outputs[SPIKES].args[0]
        same = [
            s.name
            for s, p in zip(self.eq.states, self.eq.updates, strict=True)
            if p == self.eq.output and self.program.outputs[s.name].args[0] == leaving
        ]
        output = states[same[0]] if same else self._error(leaving, self.eq.output)
        return Distances(output, states, self.comparisons)

    def _alone(self, term: Term) -> Form:
        """A term for which no value stands: what it says of its arguments."""
        row = _ALONE.get(term.op)
        if row is None:
            raise RuleError("no value of the program stands for a term", where=self.program.kind, got=term.op.value)
        return row(self, term, [self.forms[a] for a in term.args])

    def source(self, name: str, factor: Fraction | None = None) -> Form:
        """A state, or the input: what enters is exact on both sides."""
        self.rounded.up_to(name)
        return scaled(self.rounded.forms[name], self.rounded.unit(name) if factor is None else factor)

    def _stood_for(self, term: Term, i: Instruction) -> Form:
        """A term for which a value stands: the value, minus what it is off by."""
        self.rounded.up_to(i.name)
        if term.op in COMPARISONS:
            self._require(i, Int.GT if term.op is Op.GT or (term.op is Op.FIRE and term.attrs[0]) else Int.GE)
            lo, hi = (self._off(a, self.forms[p]) for a, p in zip(i.args, term.args, strict=True))
            self.comparisons[i.name] = self.rounded.space.range(minus(lo, hi))
            return self.rounded.cut(i.name)
        error = self._off_by(term, i)
        self.rounded.cut(i.name)
        return minus(self.rounded.real(i.name), self.rounded.space.noise(error))

    def _off_by(self, term: Term, i: Instruction) -> Ends:
        if term.op is Op.SELECT:
            self._require(i, Int.SELECT)
            return self._chosen(i, self.forms[term.args[0]], [self.forms[a] for a in term.args[1:]])
        if term.op is Op.MUL and i.op is Int.SELECT:
            flag, other = term.args if self._is(i.args[0], self.forms[term.args[0]]) else term.args[::-1]
            return self._chosen(i, self.forms[flag], [self.forms[other], constant(0)])
        if term.op in (Op.MIN, Op.MAX):
            self._require(i, Int.MIN if term.op is Op.MIN else Int.MAX)
            return hull(*(self._error(a, p) for a, p in zip(i.args, term.args, strict=True)))
        if term.op is Op.CLAMP:
            return self._held(i, term.args[0], (real(term.attrs[0]), real(term.attrs[1])))
        return self.rounded.space.range(minus(scaled(self.rounded.made[i.name], self.rounded.unit(i.name)), self._alone(term)))

    def _chosen(self, i: Instruction, flag: Form, arms: list[Form]) -> Ends:
        """Of a choice the errors of the arms that can be chosen."""
        if not self._is(i.args[0], flag):
            raise RuleError("a value chooses by another comparison than its term", where=self.program.kind, got=i.name)
        possible = zip((1, 0), i.args[1:], arms, strict=True)
        return hull(*(self._range(a, arm) for outcome, a, arm in possible if outcome in self.known[i.args[0]]))

    def _is(self, value: str, flag: Form) -> bool:
        return not minus(self.rounded.real(value), flag)

    def _held(self, i: Instruction, place: int, ends: Ends) -> Ends:
        """Of a clamp the error of what is clamped, and those of its bounds where it can act."""
        self._require(i, Int.CLAMP)
        (argument,), bounds, one = i.args, declared_interval(i), self.rounded.unit(i.name)
        reached, error = self.known[argument], self._error(argument, place)
        found = [error]
        if reached.lo < bounds.lo or reached.lo * one - error[1] < ends[0]:
            found.append((bounds.lo * one - ends[0],) * 2)
        if reached.hi > bounds.hi or reached.hi * one - error[0] > ends[1]:
            found.append((bounds.hi * one - ends[1],) * 2)
        return hull(*found)

    def _next(self, state: str, ends: tuple[float, float], place: int) -> Ends:
        """A next state, which saturates at its range."""
        (name,), (lo, hi) = self.program.outputs[state].args, map(Fraction, ends)
        if place in self.numbers:
            return (self.known[name].lo * self.rounded.unit(name) - clip(self.numbers[place], lo, hi),) * 2
        return self._held(self.program.by_name[name], place, (lo, hi))

    def _error(self, value: str, place: int) -> Ends:
        return self._range(value, self.forms[place])

    def _range(self, value: str, term: Form) -> Ends:
        return self.rounded.space.range(self._off(value, term))

    def _off(self, value: str, term: Form) -> Form:
        return minus(self.rounded.real(value), term)

    def _require(self, i: Instruction, op: Int) -> None:
        if i.op is not op:
            raise RuleError("a value is no such thing as the term that it stands for", where=self.program.kind, got=i.name)


def _polynomial(t: _Terms, term: Term, a: list[Form]) -> Form:
    variable, *coefficients = a
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = plus(times(total, variable), coefficient)
    return total


_ALONE: Mapping[Op, Callable[[_Terms, Term, list[Form]], Form]] = {
    Op.INPUT: lambda t, term, a: t.source(t.program.input.name, t.scale),
    Op.STATE: lambda t, term, a: t.source(str(term.attrs[0])),
    Op.ADD: lambda t, term, a: plus(a[0], a[1]),
    Op.SUB: lambda t, term, a: minus(a[0], a[1]),
    Op.NEG: lambda t, term, a: scaled(a[0], -1),
    Op.NOT: lambda t, term, a: minus(constant(1), a[0]),
    Op.MUL: lambda t, term, a: times(a[0], a[1]),
    Op.POLYNOMIAL: _polynomial,
}
