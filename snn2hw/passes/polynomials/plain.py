"""Horner with every coefficient and every product rounded by itself: the scheme that others are measured against."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Op
from snn2hw.ir.roles import PolynomialRoles
from snn2hw.num import Format
from snn2hw.passes.polynomials.horner import Argument, Rows, finest, horner_bounds, units_of
from snn2hw.passes.state import round_half_up
from snn2hw.target import Lowering


def emit_plain(
    b: ProgramBuilder, coefficients: Reals, u: Argument, limits: Lowering, rows: Rows | None = None
) -> PolynomialRoles:
    """Append acc_i = round(acc_{i+1} * u) + a_i for i = d-1 .. 0; the last has the binary point of u.

    acc_i is given the most fractional bits with which its bound fits one factor, so that every product fits the accumulator.

    Args:
        b: the program that is written. coefficients: real, [1 or C, d+1], a_0 first. u: the argument of P.
        limits: widths of the target's multiplier and accumulator.
        rows: which channels the program is for, None: all; binary points are chosen for all of them either
            way.
    """
    bits = min(limits.coefficient_bits, limits.accumulator_bits - Format.holding(u.interval, 0).width)
    bounds = horner_bounds(coefficients, u.interval.magnitude * 2.0**-u.frac)
    degree = coefficients.shape[1] - 1
    units = units_of(u.interval, u.frac, degree)
    fracs = [u.frac, *(finest(bound, bits, unit) for bound, unit in zip(bounds[1:], units[1:], strict=True))]
    largest = zip(fracs, np.abs(coefficients).max(0).tolist(), units, strict=True)
    own = [min(f, finest(m, limits.coefficient_bits, unit)) for f, m, unit in largest]
    coefficients = coefficients if rows is None else coefficients[rows]
    names: list[str | None] = [None] * (degree + 1)
    acc = names[degree] = _coefficient(b, degree, coefficients, fracs[degree])
    for i in range(degree - 1, -1, -1):
        acc = b.rescale(f"rounded{i}", b.emit(Op.MUL, f"product{i}", (acc, u.name)), fracs[i], limits.rounding)
        if coefficients[:, i].any():
            names[i] = constant = _coefficient(b, i, coefficients, own[i])
            acc = b.emit(Op.ADD, f"acc{i}", (acc, b.rescale(f"a{i}_moved", constant, fracs[i], limits.rounding)))
    return PolynomialRoles(u.name, acc, tuple(names))


def _coefficient(b: ProgramBuilder, i: int, coefficients: Reals, frac: int) -> str:
    return b.param(f"a{i}", [round_half_up(a * 2.0**frac) for a in coefficients[:, i].tolist()], frac)
