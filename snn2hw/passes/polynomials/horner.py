"""Horner's scheme in integers: acc_i = acc_{i+1} * v + a_i, formats chosen by how far each part can reach.

acc_i keeps as many bits as the multiplications it is given can use, and a_i is added before the product is rounded. What a
shift loses on average, half a unit where it floors, is put into the a_i beforehand: rounding to nearest then costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Op
from snn2hw.ir.roles import PolynomialRoles
from snn2hw.num import Interval, Rounding
from snn2hw.passes.polynomials.lattice import VISITS, closest, rounded
from snn2hw.passes.polynomials.products import Piece, cut, most_bits, multiply, reach, split
from snn2hw.target import Lowering

Rows: TypeAlias = npt.NDArray[np.intp]

NOTHING = 2.0**-40  # a part of P beside its unit: constants of it would only ask for absurd shifts
SLACK = 1.0 + 2.0**-9  # by how much intervals of words add up to more than the product they make


@dataclass(frozen=True)
class Argument:
    """What the polynomial is a function of.

    Args:
        name: of the value in the program.
        interval: the raw integers it takes.
        frac: its binary point, which is also that of the result.
    """

    name: str
    interval: Interval
    frac: int


@dataclass(frozen=True)
class Scheme:
    """One way to evaluate P.

    Args:
        products: multiplications per step, the last step first, so products[0] gives acc_0.
        centre: raw integer c; the polynomial is expanded in v = u - c.
        refined: coefficients are the closest together, else each is rounded by itself.
    """

    products: tuple[int, ...]
    centre: int = 0
    refined: bool = True

    @property
    def says(self) -> str:
        """The scheme in words."""
        argument = f" in u - {self.centre}" if self.centre > 0 else f" in u + {-self.centre}" if self.centre else ""
        kind = "closest coefficients" if self.refined else "rounded coefficients"
        return f"Horner{argument}, {kind}, products of {'+'.join(str(n) for n in reversed(self.products))}"


class NoRoomError(Exception):
    """The scheme does not fit the target; another one may. Never reaches a user."""


@dataclass(frozen=True)
class Points:
    """Binary points of a scheme: `acc[i]` of acc_i when it becomes a factor, `sum[i]` where a_i is added, `coefficient[i]`."""

    acc: tuple[int, ...]
    sum: tuple[int, ...]
    coefficient: tuple[int, ...]


def expanded(coefficients: Reals, centre: float) -> Reals:
    """Coefficients in v of P(v + centre), [C, d+1]."""
    degree = coefficients.shape[1] - 1
    moved, powers = np.zeros_like(coefficients), powers_of(centre, degree)
    for i in range(degree + 1):
        moved[:, i] = sum(comb(j, i) * coefficients[:, j] * powers[j - i] for j in range(i, degree + 1))
    return moved


def powers_of(x: float, degree: int) -> Reals:
    """x**0 .. x**degree as products: `pow` rounds by the exponent of x, too, and so changes with the unit of a state."""
    found: Reals = np.vander([x], degree + 1, increasing=True)[0]
    return found


def horner_bounds(coefficients: Reals, reach: float) -> list[float]:
    """B_i = max over channels of sum_{j>=i} |a_j| reach**(j-i), which bounds |acc_i|."""
    powers = powers_of(reach, coefficients.shape[1] - 1)
    magnitudes = np.abs(coefficients)
    return [float((magnitudes[:, i:] * powers[: coefficients.shape[1] - i]).sum(1).max()) for i in range(coefficients.shape[1])]


def emit_horner(
    b: ProgramBuilder,
    coefficients: Reals,
    u: Argument,
    scheme: Scheme,
    limits: Lowering,
    rows: Rows | None = None,
    visits: int = VISITS,
) -> PolynomialRoles:
    """Append the evaluation of P; returns what its values are. P(u) is at the binary point of the argument.

    Args:
        b: the program that is written. coefficients: real, [1 or C, d+1], a_0 first.
        u: the argument of P. scheme: centre of expansion and products per step.
        limits: widths of the target's multiplier and accumulator.
        rows: which channels the program is for; binary points are chosen for all of them either way.
        visits: how long the closest coefficients are searched for.

    Raises:
        NoRoomError: some value does not fit the target's widths.
    """
    held = u.interval - Interval(scheme.centre, scheme.centre)
    unit = 2.0**-u.frac
    a = expanded(coefficients, scheme.centre * unit)
    points = _points(a, held, u.frac, scheme, limits)
    mantissas = _mantissas(a if rows is None else a[rows], held, points, u.frac, scheme, limits, visits)
    v, centre = u.name, b.param("centre", [scheme.centre], u.frac) if scheme.centre else None
    if centre:
        v = b.emit(Op.SUB, "v", (v, centre))
    degree = a.shape[1] - 1
    argument_words: dict[int, list[Piece]] = {}
    names: list[str | None] = [None] * (degree + 1)
    acc = names[degree] = _constant(b, degree, mantissas, points.coefficient[degree], limits)
    for i in range(degree - 1, -1, -1):
        words = cut(reach(b.interval(acc)), reach(held), limits)
        if words is None or words.products > scheme.products[i]:
            raise NoRoomError
        if words.second not in argument_words:
            argument_words[words.second] = split(b, v, words.second, limits)
        acc = multiply(b, f"product{i}", split(b, acc, words.first, limits), argument_words[words.second], points.sum[i], limits)
        if any(m[i] for m in mantissas):
            names[i] = constant = _constant(b, i, mantissas, points.coefficient[i], limits)
            acc = b.emit(Op.ADD, f"sum{i}", (acc, b.rescale(f"a{i}_moved", constant, b.frac(acc), limits.rounding)))
        if i:
            acc = b.rescale(f"acc{i}", acc, min(points.acc[i], b.frac(acc)), limits.rounding)
    return PolynomialRoles(u.name, nearest(b, acc, u.frac, limits), tuple(names), centre)


def _points(a: Reals, held: Interval, frac: int, scheme: Scheme, limits: Lowering) -> Points:
    degree, v_bits = a.shape[1] - 1, reach(held)
    bounds = horner_bounds(a, held.magnitude * 2.0**-frac)
    units = units_of(held, frac, degree)
    room = limits.accumulator_bits - 1
    reserve = 1 if limits.rounding is Rounding.TOWARD_ZERO else 0  # for the offset that makes the last sum non-negative
    acc, total = [0] * (degree + 1), [0] * (degree + 1)
    for i in range(degree, -1, -1):
        if i < degree:
            held_bits = limits.accumulator_bits - (0 if i else reserve)
            total[i] = min(finest(bounds[i] * SLACK, held_bits, units[i]), acc[i + 1] + frac)
        if i:
            bits = min(most_bits(scheme.products[i - 1], v_bits, limits), room)
            most = finest(bounds[i], bits if i < degree else min(bits, limits.coefficient_bits), units[i])
            acc[i] = min(most, total[i]) if i < degree else most
    if total[0] < frac:
        raise NoRoomError
    lost = _lost(Points(tuple(acc), tuple(total), ()), frac, limits.rounding)  # is added to a_i, and must fit with it
    largest = np.abs(a).max(0)[:degree] + lost
    fracs = [finest(m, limits.coefficient_bits, unit) for m, unit in zip(largest.tolist(), units, strict=False)]
    coefficient = [min(own, f) for own, f in zip(fracs, total, strict=False)]
    return Points(tuple(acc), tuple(total), (*coefficient, acc[degree]))


def units_of(held: Interval, frac: int, degree: int) -> list[float]:
    """r**(1-i), the unit of a_i where the argument reaches about r, a power of two: all of it moves with the state's range.

    Args:
        held: raw integers of the argument. frac: its binary point. degree: d of P; the result has d + 1
            entries.
    """
    r = held.magnitude.bit_length() - frac
    return [2.0 ** (r * (1 - i)) for i in range(degree + 1)]


def finest(bound: float, bits: int, unit: float = 1.0) -> int:
    """The most fractional bits with which |x| <= bound fits `bits`, sign included, two units of rounding on top.

    Args:
        unit: a power of two, beside which a bound can be nothing; x is then given the bits that the unit would have.
    """
    if bits < 2:
        raise NoRoomError
    room = 2.0 ** (bits - 1) - (3 if bits > 4 else 1)
    return int(np.floor(np.log2(room / bound))) if bound > NOTHING * unit else bits - int(np.log2(unit))


def _lost(points: Points, frac: int, rounding: Rounding) -> list[float]:
    """What the shift after a_i is added loses on average, real units: half of the unit it rounds to, if it floors."""
    after = [frac, *points.acc[1:-1]]
    drops = [max(s - f, 0) for s, f in zip(points.sum, after, strict=False)]
    floors = [rounding is Rounding.FLOOR or (rounding is Rounding.TOWARD_ZERO and i == 0) for i in range(len(drops))]
    return [
        (2.0**-f - 2.0**-s) / 2 if d and floor else 0.0 for f, s, d, floor in zip(after, points.sum, drops, floors, strict=False)
    ]


def _mantissas(
    a: Reals, held: Interval, points: Points, frac: int, scheme: Scheme, limits: Lowering, visits: int
) -> list[tuple[int, ...]]:
    lost = np.array([*_lost(points, frac, limits.rounding), 0.0])
    free = [i == 0 or bool(a[:, i].any()) for i in range(a.shape[1])]
    interval = (held.lo * 2.0**-frac, held.hi * 2.0**-frac)
    found: dict[bytes, tuple[int, ...]] = {}
    for row in a:
        key = row.tobytes()
        if key not in found:
            target = row + np.where(free, lost, 0.0)
            if scheme.refined:
                found[key] = _closest(tuple(target), points.coefficient, tuple(free), interval, limits.coefficient_bits, visits)
            else:
                found[key] = rounded(target, points.coefficient)
    return [found[row.tobytes()] for row in a]


@lru_cache(maxsize=256)
def _closest(
    target: tuple[float, ...],
    fracs: tuple[int, ...],
    free: tuple[bool, ...],
    interval: tuple[float, float],
    bits: int,
    visits: int,
) -> tuple[int, ...]:
    """Kept, as three of four schemes ask for what another one had: they differ in products, not in binary points."""
    return closest(np.array(target), fracs, free, interval, bits, visits).integers


def _constant(b: ProgramBuilder, i: int, mantissas: Sequence[tuple[int, ...]], frac: int, limits: Lowering) -> str:
    limit = 2 ** (limits.coefficient_bits - 1)
    values = [m[i] for m in mantissas]
    if not all(-limit <= value < limit for value in values):
        raise NoRoomError
    return b.param(f"a{i}", values, frac)


def nearest(b: ProgramBuilder, total: str, frac: int, limits: Lowering, name: str = "poly") -> str:
    """The sum at the state's binary point; a shift toward zero is made to floor by lifting the sum above zero.

    Args:
        b: the program that is written. total: name of the sum in it. frac: binary point of the state.
        limits: the target's rounding. name: of the value to write.
    """
    drop, lowest = b.frac(total) - frac, b.interval(total).lo
    if drop <= 0 or limits.rounding is not Rounding.TOWARD_ZERO or lowest >= 0:
        return b.rescale(name, total, frac, limits.rounding)
    exponent = max((-lowest - 1).bit_length(), drop)
    one = b.param("one", [1], b.frac(total) - exponent)
    lift = b.emit(Op.SHIFT_LEFT, "lift", (one,), (exponent,))
    lifted = b.emit(Op.ADD, "lifted", (total, lift))
    floored = b.rescale("floored", lifted, frac, limits.rounding)
    down = b.emit(Op.SHIFT_LEFT, "lift_down", (one,), (exponent - drop,)) if exponent > drop else one
    return b.emit(Op.SUB, name, (floored, down))
