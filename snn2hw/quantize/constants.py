"""Which constants of a neuron program follow learned parameters, how, and how far they may go.

A program is lowered once, with room to learn; from then on only its constants move. With a_t the coefficients that it was
lowered for, m_i its constant at degree i (which holds what roundings lose), f_i its binary point and c the centre of expansion,

    constant_i(a) = m_i + floor(2**f_i * sum_j M_ij (a_j - a_t,j) + 1/2),   M_ij = binom(j, i) c**(j-i)

clamped to a box in which intervals show that no value of the program leaves the target's widths. What the constants stand for,
a_t + M**-1 (constant - m) 2**-f, is the polynomial that the backward pass differentiates: the one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn2hw.errors import WidthError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, values_of
from snn2hw.ir.ranges import ranges
from snn2hw.native.c_ops import arithmetic_bits
from snn2hw.num import Interval
from snn2hw.passes.polynomials.horner import expanded, horner_bounds
from snn2hw.target import Lowering

# Of the polynomial, as a share of its bound; of the synaptic sum three times that.
GROWTHS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.0)


@dataclass(frozen=True)
class Moving:
    """One constant that follows a learned parameter.

    Args:
        start: its raw integers as lowered, one per row of coefficients.
        box: the raw integers it is clamped to.
        frac: its binary point.
        degree: i of the coefficient, level: k of the threshold, or amplitude: amp_k whose negative spikes it is the amplitude
            of; the others are None.
        alone: whether a threshold is that of one level only; else it is that of all.
        rows: the steps, of those that have thresholds of their own, for which it is the threshold; it follows that of the first.
    """

    start: tuple[int, ...]
    box: Interval
    frac: int
    degree: int | None = None
    level: int | None = None
    alone: bool = False
    rows: tuple[int, ...] = ()
    amplitude: float | None = None


@dataclass(frozen=True)
class Now:
    """The constants at one moment.

    Args:
        raw: by name, [1] or [C], int64.
        a, thetas: what they stand for, [1 or C, d+1] and [S, K], float64; differentiable.
        negative: the factor of the amplitudes of negative spikes, [1], where it is their own.
    """

    raw: dict[str, Tensor]
    a: Tensor
    thetas: Tensor
    negative: Tensor | None

    @property
    def finite(self) -> Tensor:
        """Whether all are numbers, a flag on their device."""
        known = [self.a, self.thetas, *([] if self.negative is None else [self.negative])]
        return torch.stack([v.isfinite().all() for v in known]).all()


@dataclass(frozen=True)
class Constants:
    """The moving constants of a program, and the bounds that hold for all they may become.

    Args:
        moving: by name of the constant.
        lowered_for: a_t, [1 or C, d+1].
        expansion, inverse: M and its inverse, [d+1, d+1].
        thetas: of every level at every step that has its own [S, K], as lowered, in real units; `moving` has those that move.
        sums: the synaptic sums for which the widths are proved.
        dtype: an integer dtype that holds every value of the program.
    """

    moving: Mapping[str, Moving]
    lowered_for: Reals
    expansion: Reals
    inverse: Reals
    thetas: Reals
    sums: Interval
    dtype: torch.dtype

    def at(self, a: Tensor, thetas: Tensor, negative: Tensor | None = None) -> Now:
        """The constants for these numbers, which are float64.

        Backwards rounding is the identity; a constant beyond an end of its box has the gradient that leads back, and no other.

        Args:
            a: coefficients [1 or C, d+1]. thetas: thresholds [S, K]. negative: the factor of negative amplitudes, [1].
        """
        start, expansion, inverse = (_like(v, a) for v in (self.lowered_for, self.expansion, self.inverse))
        moved = (a - start) @ expansion.T
        held, raw = torch.zeros_like(moved), dict[str, Tensor]()
        deployed, factors = [list(row.unbind()) for row in _like(self.thetas, a)], list[Tensor]()
        for name, m in self.moving.items():
            base = _like(np.array(m.start, np.float64), a)
            if m.amplitude is not None:
                assert negative is not None
                value = _held(negative * m.amplitude, m, torch.zeros_like(base[:1]))
                raw[name] = (value.detach() * 2.0**m.frac).round().long()
                factors.append(value / m.amplitude)
            elif m.degree is None:
                assert m.level is not None
                value = _held(thetas[m.rows[0], m.level : m.level + 1], m, torch.zeros_like(base[:1]))
                for t, k in product(m.rows, [m.level] if m.alone else range(len(deployed[0]))):
                    deployed[t][k] = value[0]
                raw[name] = (value.detach() * 2.0**m.frac).round().long()
            else:
                value = _held(moved[:, m.degree], m, base)
                held = held.index_add(1, torch.tensor([m.degree], device=a.device), value[:, None])
                raw[name] = (base + value.detach() * 2.0**m.frac).round().long()
        learns = any(m.degree is not None for m in self.moving.values())
        # One factor stands for all levels: where rounding moves them apart, their mean.
        factor = torch.stack(factors).mean(0) if factors else negative
        rows = torch.stack([torch.stack(row) for row in deployed])
        return Now(raw, start + held @ inverse.T if learns else a, rows, factor)


def _like(values: Reals, a: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64, device=a.device)


def _held(real: Tensor, m: Moving, base: Tensor) -> Tensor:
    """The real value, rounded to the constant's binary point and clamped to its box about `base` raw integers."""
    step: Callable[..., Tensor] = _Held.apply
    return step(real, 2.0**m.frac, m.box.lo - base, m.box.hi - base)


class _Held(torch.autograd.Function):
    """y = clamp(floor(x * scale + 1/2), lo, hi) / scale;  dy/dx := 1, beyond an end only for gradients that lead inside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float, lo: Tensor, hi: Tensor) -> Tensor:
        """Hold the real values x to the integers from lo to hi at `scale` units to one, as tensors that broadcast over x."""
        raw = (x * scale + 0.5).floor()
        ctx.save_for_backward(raw < lo, raw > hi)
        return raw.clamp(lo, hi) / scale

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        below, above = ctx.saved_tensors
        outwards = (below & (grads[0] > 0)) | (above & (grads[0] < 0))
        return grads[0].masked_fill(outwards, 0.0), None, None, None


def moving_constants(
    node: IntNeuron,
    lowered_for: Reals,
    now: Reals,
    columns: tuple[int, ...],
    shape: tuple[int, int],
    thresholds: bool,
    amplitudes: tuple[float, ...],
    limits: Lowering,
) -> Constants:
    """The constants of a lowered layer that learning moves, with the widest box for which the widths can be proved.

    Args:
        node: the layer as it was lowered. limits: widths of the target.
        lowered_for: the coefficients it was lowered for; now: those it has, about which the boxes lie.
        columns: the degrees whose coefficients are learned.
        shape: of the thresholds, [S, K]. thresholds: whether they are learned.
        amplitudes: amp_k, where the amplitude of negative spikes is learned, else none.

    Raises:
        WidthError: not even the program as it is keeps within the target.
    """
    program, roles = node.program, node.program.roles
    assert roles is not None
    held = program.by_name[roles.polynomial.argument]
    centre = program.params[roles.polynomial.centre][0] if roles.polynomial.centre else 0
    unit = 2.0**-held.format.frac
    reach = (declared_interval(held) - Interval(centre, centre)).magnitude * unit
    total = horner_bounds(expanded(lowered_for, centre * unit), reach)[0]
    identity = np.eye(lowered_for.shape[1])
    expansion, inverse = (expanded(identity, c * unit).T for c in (centre, -centre))
    away = (now - lowered_for) @ expansion.T
    follow = range(max(columns, default=-1) + 1) if centre else columns  # an expansion moves what is below, too
    levels = _levels(program, shape[0])
    for growth in GROWTHS:
        room = {i: growth * total / len(columns) * reach**-i for i in follow}
        moving = dict(_moving(program, room, away, levels if thresholds else {}, growth, limits))
        moving |= _negatives(program, amplitudes)
        x = declared_interval(program.input)
        most = min(int(max(x.magnitude, 1) * (1 + 3 * growth)), 2 ** (limits.synapse_bits - 1) - 1)
        sums = x.hull(Interval(-most, most))
        free = _free(program, moving, sums)
        if (widest := max(r.bits[0] for r in ranges(free).values())) <= limits.accumulator_bits:
            dtype = torch.int32 if arithmetic_bits(free) == 32 else torch.int64
            return Constants(moving, lowered_for, expansion, inverse, _thetas(program, levels, shape), sums, dtype)
    raise WidthError(
        "the neuron program leaves no room to learn",
        where=node.source or node.name,
        got=f"a value of {widest} bits",
        expected=f"at most {limits.accumulator_bits} bits",
        do="use fewer state bits, or a target with a wider accumulator",
    )


Levels = Mapping[str, "tuple[int | None, tuple[int, ...]]"]  # threshold -> its level, None for all; the steps that it is for


def _levels(program: Program, steps: int) -> Levels:
    """The thresholds of a program, of which `steps` steps have their own."""
    firing = program.roles.firing if program.roles else None
    found = {t.constant: (t.level, t.since) for t in (firing.thresholds if firing else ())}
    ends = {
        name: min((t for k, t in found.values() if k == level and t > first), default=steps)
        for name, (level, first) in found.items()
    }
    return {name: (level, tuple(range(first, ends[name]))) for name, (level, first) in found.items()}


def _thetas(program: Program, levels: Levels, shape: tuple[int, int]) -> Reals:
    """Of every step and level, in real units."""
    thetas = np.zeros(shape)
    for name, (level, rows) in levels.items():
        i = program.by_name[name]
        thetas[rows, slice(None) if level is None else level] = values_of(i)[0] * 2.0**-i.format.frac
    return thetas


def _moving(
    program: Program, room: Mapping[int, float], away: Reals, levels: Levels, growth: float, limits: Lowering
) -> Iterator[tuple[str, Moving]]:
    widest = Interval(-(2 ** (limits.coefficient_bits - 1)), 2 ** (limits.coefficient_bits - 1) - 1)
    assert program.roles is not None
    degrees = {name: degree for degree, name in enumerate(program.roles.polynomial.coefficients)}
    for i in program.of(Op.PARAM):
        values, frac, degree = values_of(i), i.format.frac, degrees.get(i.name, -1)
        if degree in room:
            start = values if len(values) == len(away) else values * len(away)
            own = Interval.of([v + int(np.floor(d * 2.0**frac + 0.5)) for v, d in zip(start, away[:, degree], strict=True)])
            extra = int(room[degree] * 2.0**frac)
            box = (own + Interval(-extra, extra)).meet(widest.lo, widest.hi)
            yield i.name, Moving(start, own if box is None else box.hull(own), frac, degree=degree)
        elif i.name in levels:
            level, rows = levels[i.name]
            box = Interval(1, max(values[0], int(values[0] * (1 + growth))))
            yield i.name, Moving(values, box, frac, level=level or 0, alone=level is not None, rows=rows)


def _negatives(program: Program, amplitudes: tuple[float, ...]) -> dict[str, Moving]:
    """The amplitudes of negative spikes, which lie between 0 and those of positive ones; nothing where none is learned."""
    firing = program.roles.firing if program.roles else None
    found = dict[str, Moving]()
    for spike, amplitude in zip(firing.spikes if firing and amplitudes else (), amplitudes, strict=True):
        if spike.negative is not None and amplitude != 0:
            i = program.by_name[spike.negative]
            end = int(np.floor(amplitude * 2.0**i.format.frac + 0.5))
            found[spike.negative] = Moving(values_of(i), Interval(min(end, 0), max(end, 0)), i.format.frac, amplitude=amplitude)
    return found


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
