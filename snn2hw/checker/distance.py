"""How far a function can be from the equation that is stated of it, for every state and input: by intervals, in exact numbers.

A value that stands for a term is off by some error. What follows takes the value as it is, and the error as a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import Any

from snn2hw.checker.forms import Ends, Form, Symbols, multiplied, number, summed, within
from snn2hw.checker.stated import COMPARES, Key, Number, Stated, attributes


class Distance:
    """Function and equation of one channel, worked out side by side; `reals` has of every term what it is."""

    def __init__(self, stated: Stated) -> None:
        self.stated, self.neuron, self.nodes, self.seen = stated, stated.neuron, stated.nodes, stated.seen
        self.symbols, self.forms, self.rounds = Symbols(), dict[str, Form](), dict[tuple[Any, ...], tuple[int, Fraction]]()
        for name in self.neuron.sources.values():
            self.forms[name] = self.symbols.variable(name, self.seen[name].ends, 0)
        self.waiting = iter(n for n in self.neuron.nodes if self.neuron.nodes[n].op not in ("Cast", "Identity"))
        self.reals: list[Form] = []

    # What the function makes of its variables

    def form(self, name: str) -> Form:
        """Of a value that was reached."""
        name = self.stated.root(name)
        return number(int(self.neuron.constants[name])) if name in self.neuron.constants else self.forms[name]

    def real(self, name: str) -> Form:
        """The same as a real number."""
        return summed((Fraction(2) ** -self.stated.frac[name], self.form(name)))

    def up_to(self, name: str) -> None:
        """Go on in the function until a value is reached."""
        while name not in self.forms and name not in self.neuron.constants:
            at = next(self.waiting)
            lo, hi = self.seen[at].ends
            self.forms[at] = number(lo) if lo == hi else self._made(at, *self.nodes[at])

    def _made(self, name: str, op: str, args: Sequence[str]) -> Form:
        if op in ("Div", "Mod"):
            return self._divided(op, *args)
        each = [self.form(a) for a in args]
        if op in ("Add", "Sub", "Neg"):
            return summed((-1 if op == "Neg" else 1, each[0]), *((-1 if op == "Sub" else 1, e) for e in each[1:]))
        if op == "Mul":
            return multiplied(*each)
        among = each[op == "Where" :] if op in ("Where", "Clip", "Max", "Min") else [number(1)]
        return self.symbols.variable(name, self.seen[name].ends, min(map(self.symbols.multiple, among)))

    def _divided(self, op: str, name: str, by: str) -> Form:
        """A division rounds toward zero. A remainder is anything; what is without it can be divided."""
        form, m = self.form(name), int(self.neuron.constants[by])
        rest = {s: c for s, c in form.items() if s}
        if op == "Mod":
            left = self.symbols.loss((Fraction(0), Fraction(m - 1)))
            without = summed((1, form), (-1, left))
            self.rounds[tuple(sorted((s, c) for s, c in without.items() if s))] = m, without.get((), Fraction(0))
            return left
        whole, offset = self.rounds.get(tuple(sorted(rest.items())), (1, Fraction(0)))
        even = gcd(1 << self.symbols.multiple(form), m)
        if even == m or (whole % m == 0 and (form.get((), 0) - offset) % m == 0):
            return summed((Fraction(1, m), form))
        most, ends = Fraction(m - even, m), self.seen[name]
        lost = (-most, Fraction(0)) if ends.lo >= 0 else (Fraction(0), most) if ends.hi <= 0 else (-most, most)
        return summed((Fraction(1, m), form), (1, self.symbols.loss(lost)))

    # What the equation makes of them

    def errors(self) -> dict[Key, Ends]:
        """Function minus equation, in reals, by intervals."""
        wanted, found = self.stated.wanted(), dict[Key, Ends]()
        for place, (t, value) in enumerate(zip(self.stated.terms, self.stated.values, strict=True)):
            if place in self.stated.numbers:
                self.reals.append(number(self.stated.numbers[place]))
            elif value is None or t["op"] in ("state", "input"):
                self.reals.append(self._said(t))
            else:
                self.up_to(self.stated.root(value))
                if t["op"] not in COMPARES:
                    off, even = self._off(t, value), self.symbols.multiple(self.form(value))
                    self.forms[value] = self.symbols.variable(value, self.seen[value].ends, even)
                    self.reals.append(summed((1, self.real(value)), (-1, self.symbols.loss(off))))
                    continue
                of = wanted["comparisons", value]
                found["comparisons", value] = self.symbols.reach(
                    summed((1, self._apart(of.value, of.terms[0])), (-1, self._apart(of.minus, of.terms[1])))
                )
                self.reals.append(self.form(value))
        for key, of in wanted.items():
            if key[0] != "comparisons":
                self.up_to(self.stated.root(of.value))
                found[key] = self._leaves(of)
        return found

    def _said(self, t: Mapping[str, Any]) -> Form:
        """A term by what it says of its arguments."""
        args = [self.reals[a] for a in t["args"]]
        if t["op"] in ("state", "input"):
            name = self.neuron.sources[f"in/{t['name']}" if t["op"] == "state" else "in"]
            return self.real(name) if t["op"] == "state" else summed((self.stated.scale, self.forms[name]))
        if t["op"] == "polynomial":
            total: Form = {}
            for coefficient in args[:0:-1]:
                total = summed((1, multiplied(total, args[0])), (1, coefficient))
            return total
        if t["op"] == "mul":
            return multiplied(*args)
        signs = {"add": (1, 1), "sub": (1, -1), "neg": (-1,), "not": (-1,)}[t["op"]]
        return summed((t["op"] == "not", number(1)), *zip(signs, args, strict=True))

    def _apart(self, value: str, term: int | Form) -> Form:
        real = self.reals[term] if isinstance(term, int) else term
        return summed((1, self.real(value)), (-1, real))

    def _off(self, t: Mapping[str, Any], value: str) -> Ends:
        """The error of a value that stands for a term."""
        op, args = self.nodes[self.stated.root(value)]
        if t["op"] == "select" or (t["op"] == "mul" and op == "Where"):
            flag, *arms = t["args"] if t["op"] == "select" else (*t["args"], None)
            if t["op"] == "mul" and summed((1, self.form(args[0])), (-1, self.reals[flag])):
                flag, arms = arms[0], [flag, None]
            if op != "Where" or summed((1, self.form(args[0])), (-1, self.reals[flag])):
                raise ValueError(f"'{value}' does not choose as its term does")
            ends, each = self.seen[args[0]].ends, zip((1, 0), args[1:], arms, strict=True)
            possible = [(a, {} if arm is None else arm) for outcome, a, arm in each if ends[0] <= outcome <= ends[1]]
            return within(*(self.symbols.reach(self._apart(a, arm)) for a, arm in possible))
        if t["op"] in ("min", "max"):
            node = self.neuron.nodes[value]
            if node.op.lower() != t["op"]:
                raise ValueError(f"'{value}' is no {t['op']}")
            return within(*(self.symbols.reach(self._apart(a, p)) for a, p in zip(node.args, t["args"], strict=True)))
        if t["op"] == "clamp":
            return self._held(value, t["args"][0], *attributes(t))
        return self.symbols.reach(self._apart(value, self._said(t)))

    def _held(self, value: str, term: int, low: float, high: float) -> Ends:
        """The error of a clamp: of what it holds, and of each of its ends if it can come to hold it."""
        (argument, *ends), unit = self.stated.clamps[value], Fraction(2) ** -self.stated.frac[value]
        off, seen = self.symbols.reach(self._apart(argument, term)), self.seen[argument].ends
        found = [off]
        for sign, end, real, reached, wrong in zip((-1, 1), ends, (low, high), seen, off[::-1], strict=True):
            if sign * reached > sign * end or sign * (reached * unit - wrong) > sign * Fraction(real):
                found.append((end * unit - Fraction(real),) * 2)
        return within(*found)

    def _leaves(self, of: Number) -> Ends:
        """The error of what leaves: held to a range, or as it is."""
        (place,) = of.terms
        if of.ends is None:
            return self.symbols.reach(self._apart(of.value, place))
        if place not in self.stated.numbers:
            return self._held(of.value, place, *of.ends)
        lo, hi = self.seen[of.value].ends if of.value in self.seen else (int(self.neuron.constants[of.value]),) * 2
        low, high = (Fraction(n) * Fraction(2) ** -of.frac for n in (lo, hi))
        real = min(max(self.stated.numbers[place], Fraction(of.ends[0])), Fraction(of.ends[1]))
        return low - real, high - real
