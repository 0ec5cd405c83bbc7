"""Which scheme: every candidate is built and run over states; of those with the smallest worst error the cheapest is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.ir.roles import PolynomialRoles
from snn2hw.num import Interval
from snn2hw.passes.polynomials.horner import Argument, NoRoomError, Rows, Scheme, emit_horner
from snn2hw.passes.polynomials.lattice import VISITS
from snn2hw.passes.polynomials.plain import emit_plain
from snn2hw.passes.polynomials.products import cut, most_bits, reach
from snn2hw.passes.polynomials.worst import Worst, worst_error
from snn2hw.target import Lowering

ENOUGH = 1.05  # an error this close to the least is as good; then the fewest multiplications decide
FINALISTS = 4
NEAR = 1.25  # candidates this close to the least on few states are measured on many
WORD = 32  # of a processor: values within it are simulated at twice the speed, so wider ones need a reason
GLANCE = 12  # visits of the lattice search for a first ranking
CHANNELS, FEW, MANY = 4, 1 << 9, 1 << 16  # what candidates are measured on where there is more
KEPT = 64  # searches whose result is kept: layers with equal polynomials, and models that are compiled again, ask for the same

VALUE = "value"
# `rows` are the channels, None for all; the last number is the visits of the lattice search.
Make = Callable[[ProgramBuilder, Argument, "Rows | None", int], PolynomialRoles]


@dataclass(frozen=True)
class Candidate:
    """A way to evaluate P and what it costs.

    Args:
        says: the scheme in words.
        make: appends it to a program, returns what its values are.
        worst: its largest error, in units of the state, and where.
        multiplications, instructions, widest: what it asks of the target; widest value in bits.
        taken: whether it is the one that is taken. measured: whether `worst` is more than an estimate on few states.
    """

    says: str
    make: Make
    worst: Worst
    multiplications: int
    instructions: int
    widest: int
    taken: bool = False
    measured: bool = False

    def emit(self, b: ProgramBuilder, u: Argument) -> PolynomialRoles:
        """Append the evaluation for all channels; returns what its values are."""
        return self.make(b, u, None, VISITS)


def candidates(coefficients: Reals, u: Argument, limits: Lowering, thorough: bool = False) -> list[Candidate]:
    """Every scheme that fits the target, the best first.

    Each is run on up to 4 channels and 512 states, spread evenly, ends included. The four cheapest of those near the best, then
    the best and the one to be taken, or all if `thorough`, get the closest coefficients and are run on 65,536 states, which is
    every state of 16 bits: nothing is taken on an estimate.

    Args:
        coefficients: real, [1 or C, d+1], a_0 first. u: the argument of P.
        limits: widths of the target's multiplier and accumulator.
    """
    values = np.ascontiguousarray(coefficients, np.float64)
    return list(_searched(values.tobytes(), values.shape, u, limits, thorough))


@lru_cache(maxsize=KEPT)
def _searched(data: bytes, shape: tuple[int, ...], u: Argument, limits: Lowering, thorough: bool) -> tuple[Candidate, ...]:
    """`candidates`, of coefficients whose values are `data`."""
    return tuple(_found(np.frombuffer(data, np.float64).reshape(shape), u, limits, thorough))


def _found(coefficients: Reals, u: Argument, limits: Lowering, thorough: bool) -> list[Candidate]:
    rows = np.unique(np.linspace(0, len(coefficients) - 1, CHANNELS).astype(np.intp))
    shown = coefficients[rows]
    found = []
    known = set[tuple[Instruction, ...]]()  # different schemes may come to the same program
    for says, make in _ways(coefficients, u, limits):
        made = _program(make, rows, u, limits, VISITS if thorough else GLANCE)
        if made is not None and made[0].instructions not in known:
            known.add(made[0].instructions)
            found.append(_candidate(says, make, *made, worst_error(made[0], VALUE, shown, u, MANY if thorough else FEW)))
    found.sort(key=_rank)
    if thorough or not found:
        return found
    near = sorted((c for c in found if c.worst.error <= NEAR * found[0].worst.error), key=_cost)[:FINALISTS]
    while near:
        found = sorted((_closer(c, rows, shown, u, limits) if c in near else c for c in found), key=_rank)
        near = [c for c in (found[0], _cheapest(found)) if not c.measured]
    return found


def _rank(c: Candidate) -> tuple[float, int, int]:
    return c.worst.error, c.multiplications, c.instructions


def _closer(c: Candidate, rows: Rows, shown: Reals, u: Argument, limits: Lowering) -> Candidate:
    """A candidate that may be taken: with its coefficients searched for as long as they will be, over many states."""
    made = _program(c.make, rows, u, limits, VISITS)
    closer = c if made is None else _candidate(c.says, c.make, *made, worst_error(made[0], VALUE, shown, u, MANY))
    return replace(closer, measured=True)


def choose(found: list[Candidate]) -> Candidate | None:
    """Of the candidates whose error is within 5 % of the least, the one with the fewest multiplications; then in int32."""
    return _cheapest(found) if found else None


def _cheapest(found: list[Candidate]) -> Candidate:
    good = [c for c in found if c.worst.error <= ENOUGH * found[0].worst.error]
    return min(good, key=_cost)


def _cost(c: Candidate) -> tuple[int, bool, int, float]:
    return c.multiplications, c.widest > WORD, c.instructions, c.worst.error


def _ways(coefficients: Reals, u: Argument, limits: Lowering) -> Iterator[tuple[str, Make]]:
    yield (
        "Horner, rounded coefficients, every product rounded",
        lambda b, v, rows, _: emit_plain(b, coefficients, v, limits, rows),
    )
    for accumulator in sorted({limits.accumulator_bits, min(limits.accumulator_bits, WORD)}):
        within = replace(limits, accumulator_bits=accumulator)
        room = f", within {accumulator} bits" if accumulator < limits.accumulator_bits else ""
        for scheme in _schemes(coefficients.shape[1] - 1, u, within):

            def make(
                b: ProgramBuilder,
                v: Argument,
                rows: Rows | None,
                visits: int,
                scheme: Scheme = scheme,
                within: Lowering = within,
            ) -> PolynomialRoles:
                return emit_horner(b, coefficients, v, scheme, within, rows, visits)

            yield scheme.says + room, make


def _schemes(degree: int, u: Argument, limits: Lowering) -> Iterator[Scheme]:
    """The last k steps with products of several words, the others with as few as there are; about u = 0 and about the middle."""
    middle = (u.interval.lo + u.interval.hi) // 2
    centres = [0] + ([middle] if abs(middle) > u.interval.magnitude // 8 else [])
    for centre in centres:
        v_bits = reach(u.interval - Interval(centre, centre))
        counts = sorted(
            {w.products for bits in range(2, limits.accumulator_bits) if (w := cut(bits, v_bits, limits)) is not None}
        )
        levels = [
            n
            for n in counts
            if most_bits(n, v_bits, limits) > max([most_bits(m, v_bits, limits) for m in counts if m < n], default=1)
        ]
        seen = set()
        for low in levels:
            for high in [n for n in levels if n >= low]:
                for k in range(degree + 1):
                    products = (high,) * k + (low,) * (degree - k)
                    if products not in seen:
                        seen.add(products)
                        yield Scheme(products, centre)
        yield Scheme((levels[-1],) * degree, centre, refined=False)


def _program(make: Make, rows: Rows, u: Argument, limits: Lowering, visits: int) -> tuple[Program, int] | None:
    """The evaluation by itself, for some of the channels, and its widest value in bits; None where the scheme does not fit."""
    b = ProgramBuilder("candidate")
    b.emit(Op.STATE, u.name, (), (u.interval.lo, u.interval.hi, 0), u.frac)
    try:
        b.emit(Op.OUTPUT, VALUE, (make(b, u, rows, visits).value,), (VALUE,))
    except NoRoomError:
        return None
    program = b.program()
    widest = max(b.interval(i.name).bits[0] for i in program.instructions)  # known already; nothing is selected in it
    return (program, widest) if widest <= limits.accumulator_bits else None


def _candidate(says: str, make: Make, program: Program, widest: int, worst: Worst) -> Candidate:
    multiplications, instructions = len(program.of(Op.MUL)), len(program.instructions) - 2
    return Candidate(says, make, worst, multiplications, instructions, widest)
