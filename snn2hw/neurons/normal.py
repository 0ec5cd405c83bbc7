"""The normal form of an equation: sums of polynomials in one variable each, and what cannot be one.

A user writes `v + k * (v + 0.65) * (v + 0.4) - w + x`; integers are closest to it, and cheapest, as
P(v) - w + x with the coefficients of P multiplied out. So every value that something other than +, -
and * takes (a comparison, a choice, a bound, the next state) becomes a sum

    c + P_1(a_1) + P_2(a_2) + ...        each a_i a variable: the input, a state, a flag, a bounded or
                                         chosen value, a product of two different variables

of terms POLYNOMIAL, MUL by a number and ADD. A value that is taken so is itself a variable for all
that follows: it is rounded to its register once, and everybody sees the same register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from snn2hw.neurons.equation import Builder, Equation, Op, Term, flags, live, varying

MAX_DEGREE = 5
LINEAR = frozenset({Op.ADD, Op.SUB, Op.NEG, Op.MUL})
QUIET = LINEAR | {Op.DIV}


@dataclass(frozen=True)
class Sum:
    """c + sum of P_a(a), before it is written.

    Args:
        polynomials: for each variable a the places of the coefficients of degree 1, 2, ...
        constant: place of c; None where it is 0.
    """

    polynomials: Mapping[int, tuple[int | None, ...]]
    constant: int | None


def normal(equation: Equation) -> Equation:
    """The equation in normal form; it means the same, up to the rounding of floats."""
    return _Normal(equation).run()


class _Normal:
    def __init__(self, equation: Equation) -> None:
        self.old = equation
        self.varies = varying(equation)
        # Whatever kept a state in its range, integers hold every state there.
        self.new = Builder(equation.kind, [replace(s, saturates=True) for s in equation.states])
        self.new.parameters = list(equation.parameters)
        self.sums: list[Sum] = []  # of every old term that varies; of a number only its constant counts
        self.written: dict[int, int] = {}  # old place -> new place of its value, where it has one
        self.line = ""

    def run(self) -> Equation:
        taken = self._taken()
        for place, term in enumerate(self.old.terms):
            self.line = term.line
            if not self.varies[place]:
                self.sums.append(Sum({}, self._again(term)))
            elif term.op is Op.DETACH:
                self.sums.append(self.sums[term.args[0]])
            elif term.op is Op.DIV:
                self.sums.append(self._scaled(self.sums[term.args[0]], self._value(term.args[2])))
            elif term.op in LINEAR:
                self.sums.append(self._linear(term))
            else:
                self.sums.append(self._variable(self._again(term)))
            if place in taken and self.varies[place]:
                self.written[place] = self._write(self.sums[place])
                self.sums[place] = self._variable(self.written[place])
        places = [self._value(p) for p in (self.old.output, *self.old.updates)]
        return live(self.new.equation(places[0], places[1:]))

    def _taken(self) -> set[int]:
        """Terms that something other than a sum, a product or a division takes."""
        found = {self.old.output, *self.old.updates}
        for term in self.old.terms:
            if term.op not in QUIET:
                found |= set(term.args)
        return found

    def _again(self, term: Term) -> int:
        """The same operation on the values of its arguments."""
        return self.new.emit(term.op, *(self._value(a) for a in term.args), attrs=term.attrs, line=term.line)

    def _value(self, place: int) -> int:
        """New place of the value of an old term."""
        if place not in self.written:
            self.written[place] = self._write(self.sums[place])
        return self.written[place]

    def _linear(self, term: Term) -> Sum:
        first = self.sums[term.args[0]]
        if term.op is Op.NEG:
            return self._scaled(first, self._constant(-1.0))
        second = self.sums[term.args[1]]
        if term.op is Op.ADD:
            return self._added(first, second)
        if term.op is Op.SUB:
            return self._added(first, self._scaled(second, self._constant(-1.0)))
        if not second.polynomials and second.constant is not None:
            return self._scaled(first, second.constant)
        if not first.polynomials and first.constant is not None:
            return self._scaled(second, first.constant)
        return self._product(term, first, second)

    def _product(self, term: Term, first: Sum, second: Sum) -> Sum:
        """P(a) Q(a) multiplied out; the product of different variables is a variable of its own."""
        variables = {*first.polynomials, *second.polynomials}
        if len(variables) == 1:
            (a,) = variables
            p = (first.constant, *first.polynomials[a])
            q = (second.constant, *second.polynomials[a])
            if len(p) + len(q) - 2 <= MAX_DEGREE:
                product = self._convolved(p, q)
                return Sum({a: product[1:]}, product[0])
        return self._variable(self.new.emit(Op.MUL, *(self._value(a) for a in term.args), line=term.line))

    def _convolved(self, p: tuple[int | None, ...], q: tuple[int | None, ...]) -> tuple[int | None, ...]:
        found: list[int | None] = [None] * (len(p) + len(q) - 1)
        for i, a in enumerate(p):
            for j, b in enumerate(q):
                if a is not None and b is not None:
                    found[i + j] = self._plus(found[i + j], self._times(a, b))
        return tuple(found)

    def _added(self, first: Sum, second: Sum) -> Sum:
        polynomials = dict(first.polynomials)
        for a, q in second.polynomials.items():
            p = polynomials.get(a, ())
            size = max(len(p), len(q))
            wide = [(*c, *(None,) * (size - len(c))) for c in (p, q)]
            polynomials[a] = tuple(self._plus(x, y) for x, y in zip(*wide, strict=True))
        return Sum(polynomials, self._plus(first.constant, second.constant))

    def _scaled(self, given: Sum, factor: int) -> Sum:
        def times(c: int | None) -> int | None:
            return None if c is None else self._times(c, factor)

        polynomials = {a: tuple(map(times, p)) for a, p in given.polynomials.items()}
        return Sum(polynomials, times(given.constant))

    def _times(self, a: int, b: int) -> int:
        """The product of two numbers; a factor of 1 is not written."""
        if self._is(a, 1.0):
            return b
        return a if self._is(b, 1.0) else self.new.emit(Op.MUL, a, b, line=self.line)

    def _plus(self, a: int | None, b: int | None) -> int | None:
        """The sum of two numbers; one that is not there is 0."""
        if a is None or b is None:
            return b if a is None else a
        return self.new.emit(Op.ADD, a, b, line=self.line)

    def _constant(self, value: float) -> int:
        return self.new.emit(Op.CONSTANT, attrs=(value,), line=self.line)

    def _is(self, place: int, value: float) -> bool:
        term = self.new.terms[place]
        return term.op is Op.CONSTANT and term.attrs[0] == value

    def _variable(self, place: int) -> Sum:
        """The sum that is one variable, by itself."""
        return Sum({place: (self._constant(1.0),)}, None)

    def _negated(self, given: Sum) -> int | None:
        """The flag f of a sum that is 1 - f."""
        if given.constant is None or not self._is(given.constant, 1.0) or len(given.polynomials) != 1:
            return None
        ((variable, (factor, *higher)),) = given.polynomials.items()
        whole = factor is not None and self._is(factor, -1.0) and not higher
        return variable if whole and self.flags(variable) else None

    def flags(self, place: int) -> bool:
        """Whether a new term is 0 or 1."""
        made = Equation(self.new.kind, self.new.states, tuple(self.new.terms), place, ())
        return flags(made)[place]

    def _write(self, given: Sum) -> int:
        """Append the value of a sum; returns its place.

        The constant joins the first polynomial of a degree above 1 or, where there is none, stands
        by itself: integers then round it together with everything else.
        """
        parts, constant = list[int](), given.constant
        if (flag := self._negated(given)) is not None:
            return self.new.emit(Op.NOT, flag, line=self.line)
        for a, coefficients in sorted(given.polynomials.items(), key=lambda entry: -len(entry[1])):
            if all(c is None for c in coefficients):
                continue
            if len(coefficients) > 1:
                zero = self._constant(0.0)
                rest = [zero if c is None else c for c in coefficients]
                parts.append(self.new.emit(Op.POLYNOMIAL, a, zero if constant is None else constant, *rest, line=self.line))
                constant = None
            else:
                (factor,) = coefficients
                assert factor is not None
                parts.append(a if self._is(factor, 1.0) else self.new.emit(Op.MUL, a, factor, line=self.line))
        if constant is not None or not parts:
            parts.append(self._constant(0.0) if constant is None else constant)
        total = parts[0]
        for part in parts[1:]:
            total = self.new.emit(Op.ADD, total, part, line=self.line)
        return total
