"""P(u) in integers, by the scheme with the smallest worst error that the target's widths allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2hw.errors import UsageError, WidthError
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Reals
from snn2hw.ir.program import declared_interval
from snn2hw.ir.roles import PolynomialRoles
from snn2hw.passes.polynomials.horner import Argument, NoRoomError, powers_of
from snn2hw.passes.polynomials.search import Candidate, candidates, choose
from snn2hw.target import Lowering


def lower_polynomial(
    b: ProgramBuilder, coefficients: Reals, reach: float, u: Argument, limits: Lowering, where: str
) -> PolynomialRoles:
    """Append the evaluation of P(u), which is at the binary point of u; returns what its values are.

    Args:
        b: the program that is written. u: the argument of P.
        limits: widths of the target's multiplier and accumulator. where: of the layer, for messages.
        coefficients: [1 or C, d+1], a_0 first. reach: the largest |u|, a real number.

    Raises:
        WidthError: P(u) does not fit the accumulator, or no scheme fits the multiplier.
    """
    coefficients = trimmed(coefficients)
    if is_identity(coefficients):
        return PolynomialRoles(u.name, u.name)
    check_reach(coefficients, reach, u.frac, limits, where)
    found, before = candidates(coefficients, u, limits), b.size
    while (chosen := choose(found)) is not None:
        try:
            return chosen.emit(b, u)
        except NoRoomError:  # it was tried on a few channels, and there is one that does not fit
            b.cut(before)
            found = [c for c in found if c is not chosen]
    raise WidthError(
        "no bits are left for coefficients",
        where=where,
        got=f"a state of {u.interval.bits[0]} bits, accumulator_bits = {limits.accumulator_bits}",
        expected="an accumulator that holds the product of a state and a coefficient",
        do="use fewer state bits, or a target with a wider accumulator",
    )


def weighed(node: IntNeuron, limits: Lowering) -> list[Candidate]:
    """The schemes among which the polynomial of a lowered layer was chosen, all measured on many states, the best first.

    Raises:
        UsageError: the layer has no polynomial, so nothing was chosen.
    """
    meaning, roles = node.meaning, node.program.roles
    if meaning is None or roles is None or not has_polynomial(node):
        raise UsageError(
            "there was nothing to choose for this layer",
            where=node.source or node.name,
            got="P(u) = u, or a program that was integers from the start",
            expected="a layer with a learned polynomial",
            do="name another layer",
        )
    held = node.program.by_name[roles.polynomial.argument]
    argument = Argument(held.name, declared_interval(held), held.format.frac)
    found = candidates(trimmed(np.array(meaning.coefficients)), argument, limits, thorough=True)
    chosen = choose(found)
    return [replace(c, taken=c is chosen) for c in found]


def has_polynomial(node: IntNeuron) -> bool:
    """Whether the layer has a polynomial for which there was something to choose, so one that is not P(u) = u."""
    roles = node.program.roles
    return node.meaning is not None and roles is not None and roles.polynomial.value != roles.polynomial.argument


def trimmed(coefficients: Reals) -> Reals:
    """Without the highest degrees that are zero in every channel; degree 1 at least."""
    degree = max(1, int(np.flatnonzero(coefficients.any(0)).max(initial=0)))
    return coefficients[:, : degree + 1]


def is_identity(coefficients: Reals) -> bool:
    """Whether P(u) = u."""
    return coefficients.shape[1] == 2 and not coefficients[:, 0].any() and bool((coefficients[:, 1] == 1.0).all())


def check_reach(coefficients: Reals, reach: float, frac: int, limits: Lowering, where: str) -> None:
    """The accumulator holds P(u) for every |u| up to `reach`, at so many fractional bits.

    Args:
        coefficients: real, [1 or C, d+1], a_0 first. frac: those fractional bits.
        limits: the accumulator's width. where: of the layer, for messages.

    Raises:
        WidthError: it does not; names the coefficient that is to blame.
    """
    terms = np.abs(coefficients) * powers_of(reach, coefficients.shape[1] - 1)
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
