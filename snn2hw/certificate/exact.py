"""The numbers of an equation as exact rationals: what a float parameter is, and what is computed from such before any step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from snn2hw.neurons.equation import Attr, Equation, Op, varying

Numbers = Sequence[Fraction]


def _polynomial(a: Numbers) -> Fraction:
    total = a[-1]
    for coefficient in a[-2:0:-1]:
        total = total * a[0] + coefficient
    return total


def clip(a: Fraction, lo: Fraction, hi: Fraction) -> Fraction:
    """The number nearest to a in [lo, hi]. `a`, lo and hi are exact, lo <= hi."""
    return min(max(a, lo), hi)


def real(attr: Attr) -> Fraction:
    """A float of an equation, exactly."""
    assert isinstance(attr, int | float)
    return Fraction(attr)


_ROWS: Mapping[Op, Callable[[Numbers, Sequence[Attr]], Fraction]] = {
    Op.CONSTANT: lambda a, t: real(t[0]),
    Op.ADD: lambda a, t: a[0] + a[1],
    Op.SUB: lambda a, t: a[0] - a[1],
    Op.NEG: lambda a, t: -a[0],
    Op.MUL: lambda a, t: a[0] * a[1],
    Op.MIN: lambda a, t: min(a[0], a[1]),
    Op.MAX: lambda a, t: max(a[0], a[1]),
    Op.CLAMP: lambda a, t: clip(a[0], real(t[0]), real(t[1])),
    Op.GE: lambda a, t: Fraction(a[0] >= a[1]),
    Op.GT: lambda a, t: Fraction(a[0] > a[1]),
    Op.FIRE: lambda a, t: Fraction(a[0] > a[1] if t[0] else a[0] >= a[1]),
    Op.NOT: lambda a, t: 1 - a[0],
    Op.SELECT: lambda a, t: a[1] if a[0] else a[2],
    Op.POLYNOMIAL: lambda a, t: _polynomial(a),
}


def exact_numbers(equation: Equation, parameters: Sequence[float]) -> dict[int, Fraction]:
    """By place the value of every term that depends on no state and no input.

    Args:
        parameters: of one channel.
    """
    found: dict[int, Fraction] = {}
    for place, (term, varies) in enumerate(zip(equation.terms, varying(equation), strict=True)):
        if term.op is Op.PARAMETER:
            found[place] = Fraction(parameters[int(term.attrs[0])])
        elif not varies:
            found[place] = _ROWS[term.op]([found[a] for a in term.args], term.attrs)
    return found
