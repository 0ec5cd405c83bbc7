"""Random polynomials of the size that training gives, and their programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.ir.ranges import ranges
from snn2hw.num import Interval
from snn2hw.passes.polynomials.horner import Argument
from snn2hw.passes.polynomials.search import VALUE, Candidate
from snn2hw.target import Lowering
from tests.random_networks import target_of

LOIHI2, GENERIC = target_of("loihi2").lowering, target_of("generic").lowering


def learned(rng: np.random.Generator, degree: int | None = None, channels: int = 1) -> Reals:
    """[channels, degree + 1]: a_0 near 0, a_1 a decay, higher ones smaller by 4 per degree; degree 1 to 5 where none is given."""
    d = degree or int(rng.integers(1, 6))
    rows = [
        [rng.normal(0, 0.1), rng.uniform(0.2, 1), *(rng.normal(0, 0.5) / 4 ** (i - 1) for i in range(2, d + 1))]
        for _ in range(channels)
    ]
    return np.array(rows)


def state(bits: int) -> Argument:
    """A state of this width with the range -4 to 4."""
    return Argument("u", Interval(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), bits - 3)


def limits_of(rng: np.random.Generator) -> Lowering:
    """Any target: accumulator, coefficients, rounding."""
    rounding = target_of(str(rng.choice(["generic", "half_up", "toward_zero"]))).lowering.rounding
    accumulator = int(rng.choice([24, 28, 32, 40, 48, 62]))
    coefficient = int(rng.integers(6, min(accumulator // 2, 24) + 1))
    return replace(GENERIC, accumulator_bits=accumulator, coefficient_bits=coefficient, rounding=rounding)


def program_of(candidate: Candidate, u: Argument) -> Program:
    """The evaluation by itself, for all channels."""
    b = ProgramBuilder("P")
    b.emit(Op.STATE, u.name, (), (u.interval.lo, u.interval.hi, 0), u.frac)
    b.emit(Op.OUTPUT, VALUE, (candidate.emit(b, u).value,), (VALUE,))
    return b.program()


def assert_fits(program: Program, limits: Lowering) -> None:
    """Every value within the accumulator, every coefficient and one factor of every product within a coefficient's width."""
    known = ranges(program)
    for i in program.instructions:
        assert known[i.name].bits[0] <= limits.accumulator_bits, f"{i.name}: {known[i.name]}"
        if i.op is Op.PARAM and i.name != "centre":  # which is a state, as thresholds are
            assert signed_bits(known[i.name]) <= limits.coefficient_bits, f"{i.name}: {known[i.name]}"
        if i.op is Op.MUL:
            factors = [signed_bits(known[a]) for a in i.args]
            assert min(factors) <= limits.coefficient_bits, f"{i.name}: factors of {factors} bits"


def signed_bits(interval: Interval) -> int:
    """Width as a signed integer."""
    return Interval(min(interval.lo, -1), max(interval.hi, 0)).bits[0]


def shown(program: Program) -> str:
    """For messages."""
    from snn2hw.ir.program_text import program_to_text

    return program_to_text(program)


def sources(channel: int, **values: Any) -> Any:
    """For `evaluate`: states by their names, constants of a channel."""

    def source(i: Instruction) -> Any:
        if i.op is Op.PARAM:
            (constants,) = i.attrs
            return constants[channel if len(constants) > 1 else 0]  # type: ignore[arg-type,index]
        return values[i.name]

    return source
