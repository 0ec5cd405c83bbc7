"""Which constants of a neuron program follow learned parameters, how, and how far they may go.

A program is lowered once, with room to learn; from then on only its constants move. With a_t the coefficients that it was
lowered for, m_i its constant at degree i (which holds what roundings lose), f_i its binary point and c the centre of expansion,

    constant_i(a) = m_i + floor(2**f_i * sum_j M_ij (a_j - a_t,j) + 1/2),   M_ij = binom(j, i) c**(j-i)

held to a box within which intervals show that no value of the program leaves the target's widths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from snn2hw.errors import WidthError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, values_of
from snn2hw.ir.ranges import ranges
from snn2hw.native.c_ops import arithmetic_bits
from snn2hw.num import Interval
from snn2hw.passes.polynomials.horner import expanded, horner_bounds
from snn2hw.target import Lowering

GROWTHS = (
    1.0,
    0.5,
    0.25,
    0.125,
    0.0625,
    0.0,
)  # of the polynomial, as a share of its bound; of the synaptic sum, three times that


@dataclass(frozen=True)
class Moving:
    """One constant that follows a learned parameter.

    Args:
        start: its raw integers as lowered, one per row of coefficients.
        box: the raw integers it is held to.
        frac: its binary point.
        degree: i of the coefficient, or level: k of the threshold; the other is None.
    """

    start: tuple[int, ...]
    box: Interval
    frac: int
    degree: int | None = None
    level: int | None = None


@dataclass(frozen=True)
class Constants:
    """The moving constants of a program, and what is certain for all they may become.

    Args:
        moving: by name of the constant.
        lowered_for: a_t, [1 or C, d+1].
        expansion: M, [d+1, d+1].
        sums: the synaptic sums for which the widths are proved.
        dtype: an integer dtype that holds every value of the program.
    """

    moving: Mapping[str, Moving]
    lowered_for: Reals
    expansion: Reals
    sums: Interval
    dtype: torch.dtype

    def raw(self, a: Tensor, thetas: Tensor) -> dict[str, Tensor]:
        """Every moving constant [1 or C], int64, for coefficients a [1 or C, d+1] and thresholds [K]; no gradient."""
        moved = (a.detach().double() - self._like(self.lowered_for, a)) @ self._like(self.expansion, a).T
        levels = thetas.detach().double()
        return {name: _held(m, moved, levels) for name, m in self.moving.items()}

    @staticmethod
    def _like(values: Reals, a: Tensor) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float64, device=a.device)


def _held(m: Moving, moved: Tensor, levels: Tensor) -> Tensor:
    if m.degree is None:
        assert m.level is not None
        raw = (levels[m.level] * 2.0**m.frac + 0.5).floor().reshape(1)
    else:
        raw = torch.tensor(m.start, dtype=torch.float64, device=moved.device) + (moved[:, m.degree] * 2.0**m.frac + 0.5).floor()
    return raw.clamp(m.box.lo, m.box.hi).long()


def moving_constants(node: IntNeuron, coefficients: Reals, learned: bool, thresholds: bool, limits: Lowering) -> Constants:
    """The constants of a lowered layer that learning moves, with the widest box for which the widths can be proved.

    Args:
        coefficients: those it was lowered for. learned, thresholds: whether coefficients and thresholds are learned.

    Raises:
        WidthError: not even the program as it is keeps within the target.
    """
    program = node.program
    held = program.by_name[node.meaning.argument] if node.meaning else program.states["u"]
    centre = values_of(program.by_name["centre"])[0] if "centre" in program.by_name else 0
    unit = 2.0**-held.format.frac
    reach = (declared_interval(held) - Interval(centre, centre)).magnitude * unit
    total = horner_bounds(expanded(coefficients, centre * unit), reach)[0]
    expansion = expanded(np.eye(coefficients.shape[1]), centre * unit).T
    for growth in GROWTHS:
        room = [growth * total / coefficients.shape[1] * reach**-i for i in range(coefficients.shape[1])] if learned else []
        moving = dict(_moving(program, room, len(coefficients), thresholds, growth, limits))
        x = declared_interval(program.input)
        most = min(int(max(x.magnitude, 1) * (1 + 3 * growth)), 2 ** (limits.synapse_bits - 1) - 1)
        sums = x.hull(Interval(-most, most))
        free = _free(program, moving, sums)
        if (widest := max(r.bits[0] for r in ranges(free).values())) <= limits.accumulator_bits:
            dtype = torch.int32 if arithmetic_bits(free) == 32 else torch.int64
            return Constants(moving, coefficients, expansion, sums, dtype)
    raise WidthError(
        "the neuron program leaves no room to learn",
        where=node.source or node.name,
        got=f"a value of {widest} bits",
        expected=f"at most {limits.accumulator_bits} bits",
        do="use fewer state bits, or a target with a wider accumulator",
    )


def _moving(
    program: Program, room: list[float], rows: int, thresholds: bool, growth: float, limits: Lowering
) -> Iterator[tuple[str, Moving]]:
    widest = Interval(-(2 ** (limits.coefficient_bits - 1)), 2 ** (limits.coefficient_bits - 1) - 1)
    for i in program.of(Op.PARAM):
        values, frac = values_of(i), i.format.frac
        own = Interval.of(values)
        if room and i.name[0] == "a" and i.name[1:].isdigit():
            extra = int(room[int(i.name[1:])] * 2.0**frac)
            box = (own + Interval(-extra, extra)).meet(widest.lo, widest.hi)
            start = values if len(values) == rows else values * rows
            yield i.name, Moving(start, own if box is None else box.hull(own), frac, degree=int(i.name[1:]))
        elif thresholds and i.name.startswith("threshold"):
            level = int(i.name[len("threshold") :] or 1) - 1
            yield i.name, Moving(values, Interval(1, max(own.hi, int(own.hi * (1 + growth)))), frac, level=level)


def _free(program: Program, moving: Mapping[str, Moving], sums: Interval) -> Program:
    """The program with every moving constant anything in its box, independently of the others."""

    def anything(i: Instruction) -> Instruction:
        if i.op is Op.INPUT:
            return replace(i, attrs=(sums.lo, sums.hi))
        if i.name in moving:
            box = moving[i.name].box
            return replace(i, op=Op.STATE, attrs=(box.lo, box.hi, box.lo))
        return i

    return replace(program, instructions=tuple(anything(i) for i in program.instructions))


def with_constants(program: Program, constants: Mapping[str, tuple[int, ...]], sums: Interval) -> Program:
    """The program with these constants in place of its own, for synaptic sums in `sums`; formats are left to `narrow`."""

    def changed(i: Instruction) -> Instruction:
        if i.op is Op.INPUT:
            return replace(i, attrs=(sums.lo, sums.hi))
        if i.name not in constants:
            return i
        values = constants[i.name]
        return replace(i, attrs=((values[0],) if len(set(values)) == 1 else values,))

    return replace(program, instructions=tuple(changed(i) for i in program.instructions))
