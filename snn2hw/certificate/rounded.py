"""What a program of one channel makes of its variables, roundings included, as forms of integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from snn2hw.certificate.forms import ZERO, Ends, Form, Monomial, Space, constant, minus, plus, scaled, times
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, values_of
from snn2hw.num import Interval, Rounding, WrapLaw, wrap_parameters


class Rounded:
    """The values of a program, one after the other.

    A comparison, a choice, a bound is a variable of its own, and so is every value that is `cut`: of those that follow it
    nothing is asked but where it lies.

    Args:
        known: range of every value, as the certificate has it.
    """

    def __init__(self, program: Program, known: Mapping[str, Interval]) -> None:
        self.program, self.known, self.space = program, known, Space()
        self.made: dict[str, Form] = {}  # what its instruction makes of its arguments
        self.forms: dict[str, Form] = {}  # what those that follow see of it
        self._multiples: dict[tuple[tuple[Monomial, Fraction], ...], tuple[int, Fraction]] = {}
        self._waiting = iter(program.instructions)

    def up_to(self, name: str) -> None:
        """Go on in the program as far as this value."""
        while name not in self.made:
            i = next(self._waiting)
            held = self.known[i.name]
            made = constant(held.lo) if held.lo == held.hi else _ROWS.get(i.op, Rounded.opaque)(self, i)
            self.made[i.name] = self.forms[i.name] = made

    def cut(self, name: str) -> Form:
        """Make a value a variable of its own."""
        self.forms[name] = self._variable(name, self.space.divided(self.forms[name]))
        return self.forms[name]

    def _variable(self, name: str, twos: int) -> Form:
        return self.space.variable(name, self.known[name].lo, self.known[name].hi, twos)

    def real(self, name: str) -> Form:
        """What a value stands for, by its binary point."""
        return scaled(self.forms[name], self.unit(name))

    def unit(self, name: str) -> Fraction:
        """The real number that 1 of a value stands for."""
        return unit(self.program.by_name[name].format.frac)

    def args(self, i: Instruction) -> list[Form]:
        """Of an instruction."""
        return [self.forms[a] for a in i.args]

    def shifted(self, i: Instruction) -> Form:
        """a / 2**bits, and what the rounding makes of the bits that fall off; nothing where they are known to be 0."""
        (a,), (bits, rounding) = self.args(i), i.attrs
        assert isinstance(bits, int)
        assert isinstance(rounding, Rounding)
        m, exact = 1 << bits, scaled(a, Fraction(1, 1 << bits))
        zeros = min(self.space.divided(a), bits)  # bits that fall off and are 0
        if zeros == bits or self._is_multiple(a, m):
            return exact
        return plus(exact, self.space.noise(_lost(rounding, Fraction(m - (1 << zeros), m), m, self.known[i.args[0]])))

    def opaque(self, i: Instruction) -> Form:
        """What is no sum of products: a variable."""
        among = self.args(i)[1 if i.op is Op.SELECT else 0 :]
        if i.op is Op.CLAMP:
            bounds = declared_interval(i)
            among += [constant(bounds.lo), constant(bounds.hi)]
        picks = i.op in (Op.SELECT, Op.MIN, Op.MAX, Op.CLAMP)  # one of these
        return self._variable(i.name, min(map(self.space.divided, among)) if picks else 0)

    def wrapped(self, i: Instruction) -> Form:
        """The lowest bits of a, which are anything; a without them is a multiple of what they are taken from."""
        (a,), (law,) = self.args(i), i.attrs
        assert isinstance(law, WrapLaw)
        bits, offset = wrap_parameters(i.format.width, law)
        low = plus(self.space.noise((Fraction(0), Fraction((1 << bits) - 1))), constant(-offset))
        above = dict(minus(a, low))
        rest = above.pop((), Fraction(0))
        self._multiples[tuple(sorted(above.items()))] = (1 << bits, rest)
        return low

    def _is_multiple(self, a: Form, m: int) -> bool:
        above = dict(a)
        rest = above.pop((), Fraction(0))
        known, offset = self._multiples.get(tuple(sorted(above.items())), (1, Fraction(0)))
        return known % m == 0 and (rest - offset) % m == 0


def unit(frac: int) -> Fraction:
    """2**-frac, exactly."""
    return Fraction(1, 1 << frac) if frac >= 0 else Fraction(1 << -frac)


def _lost(rounding: Rounding, most: Fraction, m: int, held: Interval) -> Ends:
    """What rounding a / m adds to it; `most` is the largest part that can fall off."""
    zero = Fraction(0)
    if rounding is Rounding.HALF_UP:
        half = Fraction(m >> 1, m)
        return half - most, half
    if rounding is Rounding.FLOOR or held.lo >= 0:
        return -most, zero
    return (zero, most) if held.hi <= 0 else (-most, most)


def _param(r: Rounded, i: Instruction) -> Form:
    return constant(values_of(i)[0])


def _number(i: Instruction) -> int:
    assert isinstance(i.attrs[0], int)
    return i.attrs[0]


_ROWS: Mapping[Op, Callable[[Rounded, Instruction], Form]] = {
    Op.PARAM: _param,
    Op.CONST: lambda r, i: constant(_number(i)),
    Op.ADD: lambda r, i: plus(*r.args(i)),
    Op.SUB: lambda r, i: minus(*r.args(i)),
    Op.NEG: lambda r, i: minus(ZERO, *r.args(i)),
    Op.MUL: lambda r, i: times(*r.args(i)),
    Op.SHIFT_LEFT: lambda r, i: scaled(r.args(i)[0], 1 << _number(i)),
    Op.SHIFT_RIGHT: Rounded.shifted,
    Op.WRAP: Rounded.wrapped,
    Op.OUTPUT: lambda r, i: r.args(i)[0],
}
