"""P(u) in integers: Horner, one multiplication and one rounding per degree, formats chosen by how far each part reaches."""

from __future__ import annotations

import numpy as np

from snn2hw.errors import WidthError
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Neuron, Reals
from snn2hw.ir.program import Op
from snn2hw.passes.quantise import round_half_up
from snn2hw.target import Lowering

SLACK = 2  # units by which roundings before it can push a Horner value past its real bound


def lower_polynomial(
    b: ProgramBuilder, equation: Neuron, u: str, frac: int, factor_bits: int, limits: Lowering, where: str
) -> str:
    """Append acc_i = round(acc_{i+1} * u) + a_i for i = d-1 .. 0; the last has the state's binary point `frac`.

    acc_i is given the most fractional bits with which its bound B_i = sum_{j>=i} |a_j| R**(j-i), R = max|u|, fits
    `factor_bits`, so that every product fits the accumulator.

    Raises:
        WidthError: P(u) at the state's binary point does not fit the accumulator.
    """
    reach = max(abs(v) for v in equation.state_range)
    degree = max(1, int(np.flatnonzero(equation.coefficients.any(0)).max(initial=0)))
    coefficients = equation.coefficients[:, : degree + 1]
    if _is_identity(coefficients):
        return u
    _check_reach(coefficients, reach, frac, limits, where)
    if factor_bits < 2:
        raise WidthError(
            "no bits are left for coefficients",
            where=where,
            got=f"accumulator_bits = {limits.accumulator_bits}",
            expected="state bits + 2 at least",
            do="use fewer state bits",
        )
    bounds = horner_bounds(coefficients, reach)
    fracs = [frac, *(_most_frac(bound, factor_bits) for bound in bounds[1:])]
    acc = _coefficient(b, degree, coefficients, fracs[degree])
    for i in range(degree - 1, -1, -1):
        product = b.emit(Op.MUL, f"product{i}", (acc, u))
        acc = b.rescale(f"rounded{i}", product, fracs[i], limits.rounding)
        if coefficients[:, i].any():
            acc = b.emit(Op.ADD, f"acc{i}", (acc, _coefficient(b, i, coefficients, fracs[i])))
    return acc


def horner_bounds(coefficients: Reals, reach: float) -> list[float]:
    """B_i = max over channels of sum_{j>=i} |a_j| reach**(j-i)."""
    powers = reach ** np.arange(coefficients.shape[1])
    magnitudes = np.abs(coefficients)
    return [float((magnitudes[:, i:] * powers[: coefficients.shape[1] - i]).sum(1).max()) for i in range(coefficients.shape[1])]


def _is_identity(coefficients: Reals) -> bool:
    return coefficients.shape[1] == 2 and not coefficients[:, 0].any() and bool((coefficients[:, 1] == 1.0).all())


def _most_frac(bound: float, bits: int) -> int:
    room = 2 ** (bits - 1) - 1 - SLACK if bits > 4 else 2 ** (bits - 1) - 1
    return int(np.floor(np.log2(room / bound))) if bound > 2.0**-24 else bits


def _coefficient(b: ProgramBuilder, i: int, coefficients: Reals, frac: int) -> str:
    return b.param(f"a{i}", [round_half_up(a * 2.0**frac) for a in coefficients[:, i].tolist()], frac)


def _check_reach(coefficients: Reals, reach: float, frac: int, limits: Lowering, where: str) -> None:
    terms = np.abs(coefficients) * reach ** np.arange(coefficients.shape[1])
    total = float(terms.sum(1).max())
    needed = 2 + int(np.ceil(np.log2(total * 2.0**frac + 1)))  # a sign, and room for the synaptic input
    if needed <= limits.accumulator_bits:
        return
    channel, i = (int(n) for n in np.unravel_index(int(np.argmax(terms)), terms.shape))
    named = f"a_{i} = {coefficients[channel, i]:g}" + (f" (channel {channel})" if len(coefficients) > 1 else "")
    raise WidthError(
        "the polynomial does not fit the target's accumulator",
        where=where,
        got=f"{named} lets |P(u)| reach {total:g}, which needs {needed} bits at {frac} fractional bits",
        expected=f"at most {limits.accumulator_bits} bits",
        do=f"train with a coefficient penalty or a smaller state_range (now {reach:g}), use fewer state bits or a wider target",
    )
