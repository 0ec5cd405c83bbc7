"""What a neuron program is as a leaky integrate-and-fire neuron: the tangent of its equation at the rest point.

    h = P(u) + x  ~  a0 + a1*u + x    a1 = P'(u*), a0 = u* - a1*u*    P(u*) = u*, nearest to 0 of those with 0 <= P'(u*) <= 1

Where the state's range has no such u*, the tangent at 0, where every state starts: a1 = P'(0), clamped to [0, 1], a0 = P(0).
A program that was integers from the start has no P: its secants from the initial state take its place.
It fires where h reaches the first threshold; v_reset is what is left of an h that just does; its first spike value is one spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntNeuron, IntNode, Meaning
from snn2hw.ir.network import Reals
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, initial_value, values_of

ENOUGH = 1 << 10  # raw units of h that a secant is taken over, against the rounding of the program


@dataclass(frozen=True)
class Tangent:
    """v <- offset + decay*v + gain*x in real units of the state; fires at `threshold`. Each one for the layer [1] or per channel.

    Args:
        gain: of the raw synaptic sum. payload: raw, of the first firing level. lost: what the tangent has not of the program.
        current: of a synaptic current, what is left of it after a step; the membrane takes it in place of what enters. None:
            there is none.
        fires: False where the membrane itself leaves, whose raw 1 is `unit` in real units.
    """

    offset: Reals
    decay: Reals
    gain: Reals
    threshold: Reals
    reset: float
    payload: int
    lost: str
    current: Reals | None = None
    fires: bool = True
    unit: float = 1.0


def tangent(node: IntNeuron, source: IntNode) -> Tangent:
    """The tangent of a neuron layer; `source` gives its synaptic sum.

    Raises:
        UnsupportedError: a program that compares no membrane with a positive constant, or whose threshold changes over the steps,
            which no neuron of NIR is.
    """
    program, roles = node.program, node.program.roles
    if roles and roles.firing and roles.firing.counter:
        raise UnsupportedError(
            "no neuron of NIR has a threshold that changes over the steps",
            where=node.source or node.name,
            got=f"thresholds for {1 + max(t.since for t in roles.firing.thresholds)} steps in program '{program.kind}'",
            expected="one threshold for all steps",
            do="export to C, use model.onnx, or train without threshold_by_step",
        )
    if roles and roles.firing is None and node.meaning is not None:
        return _of_membrane(node, source)
    firing = _firing(program)
    if firing is None or not program.states:
        raise UnsupportedError(
            "this layer is no neuron that NIR has",
            where=node.source or node.name,
            got=f"a program '{program.kind}' without a state or a positive threshold",
            expected="a membrane that fires at a threshold",
            do="export to C, or use model.onnx",
        )
    h, (raw, moves) = firing.args[0], _threshold(program, firing)
    unit = 2.0 ** -program.by_name[h].format.frac
    fired = _values(program, 0, forced={h: raw[0] + (firing.op is Op.GT)})
    membrane = _membrane(program, firing.name)
    if node.meaning is not None:
        offset, decay, gain, lost = _of_equation(program, node.meaning, source)
    else:
        offset, decay, gain, lost = _of_integers(program, h, membrane, unit)
    if moves:
        lost = f"{lost}; the threshold is that of the first step"
    payload = fired[program.outputs[SPIKES].name] or 1
    if node.interval.magnitude > abs(payload) or node.interval.lo < 0 < node.interval.hi:
        lost = f"{lost}; spike values from {node.interval.lo} to {node.interval.hi} are spikes of {payload}".removeprefix("; ")
    reset = fired[program.outputs[membrane].name] * unit
    return Tangent(offset, decay, gain, np.array(raw) * unit, reset, payload, lost, _current(node))


def _of_membrane(node: IntNeuron, source: IntNode) -> Tangent:
    """Of a neuron that does not fire: its membrane is what leaves."""
    assert node.meaning is not None
    offset, decay, gain, lost = _of_equation(node.program, node.meaning, source)
    unit = 2.0**-node.format.frac
    return Tangent(offset, decay, gain, np.ones(1), 0.0, 1, lost, _current(node), fires=False, unit=unit)


def _current(node: IntNeuron) -> Reals | None:
    """b_1 of a neuron of the family that has a second state: the constant that this state is multiplied by."""
    program, roles = node.program, node.program.roles
    if roles is None or node.meaning is None:
        return None
    counter = roles.firing.counter if roles.firing else None
    for name in (s for s in program.states if s not in (roles.state, counter)):
        for product in program.of(Op.MUL):
            factors = [program.by_name[a] for a in product.args if program.by_name[a].op is Op.PARAM]
            if name in product.args and factors:
                return np.array(values_of(factors[0]), np.float64) * 2.0 ** -factors[0].format.frac
        return np.array([float(roles.entering != program.outputs[name].args[0])])  # kept whole, or not at all
    return None


def _threshold(program: Program, firing: Instruction) -> tuple[list[int], bool]:
    """What the membrane is compared with in the first step, of each channel or one for all; whether it moves with the states."""
    raw = [_values(program, channel)[firing.args[1]] for channel in range(program.channels)]
    moves = bool(_depends(program)[firing.args[1]] & {program.input.name, *program.states})
    return raw[:1] if len(set(raw)) == 1 else raw, moves


def _firing(program: Program) -> Instruction | None:
    """The first comparison of what enters with a positive threshold: with a constant where there is one, else one that moves."""
    depends, entry = _depends(program), program.input.name
    compared = [
        i for i in program.of(Op.GE) + program.of(Op.GT) if entry in depends[i.args[0]] and entry not in depends[i.args[1]]
    ]
    order = {name: n for n, name in enumerate(program.by_name)}
    found = [(moves, order[i.name], i) for i in compared for raw, moves in [_threshold(program, i)] if min(raw) > 0]
    return min(found)[2] if found else None


def _depends(program: Program) -> dict[str, set[str]]:
    """By value all that it follows from, itself included."""
    depends: dict[str, set[str]] = {}
    for i in program.instructions:
        depends[i.name] = {i.name}.union(*(depends[a] for a in i.args))
    return depends


def _membrane(program: Program, fires: str) -> str:
    """The first state whose next value depends on whether it fired; else the last."""
    depends = _depends(program)
    reset = [s for s in program.states if fires in depends[program.outputs[s].name]]
    return (reset or list(program.states))[0]


def _of_equation(program: Program, meaning: Meaning, source: IntNode) -> tuple[Reals, Reals, Reals, str]:
    assert program.roles is not None
    held = program.by_name[program.roles.polynomial.argument]
    bounds, unit = declared_interval(held), 2.0**-held.format.frac
    lines = [_line(np.array(row), bounds.lo * unit, bounds.hi * unit) for row in meaning.coefficients]
    offset, decay = (np.array([line[i] for line in lines]) for i in (0, 1))
    gain = np.array(meaning.input_factor) * 2.0**-source.format.frac
    if held.op is not Op.STATE:  # P is of u + x
        gain = gain * decay
    return offset, decay, gain, max((line[2] for line in lines), key=len)


def _line(coefficients: Reals, lo: float, hi: float) -> tuple[float, float, str]:
    """(a0, a1, what is lost)."""
    p = np.polynomial.Polynomial(coefficients)
    slope = p.deriv()
    if p.trim().degree() <= 1 and 0 <= slope(0.0) <= 1:
        return float(p(0.0)), float(slope(0.0)), ""
    roots = (p - np.polynomial.Polynomial([0.0, 1.0])).trim().roots()
    rests = [float(r.real) for r in roots if abs(r.imag) < 1e-9 and lo <= r.real <= hi and 0 <= slope(r.real) <= 1]
    rest = min(rests, key=abs, default=0.0)
    decay = float(np.clip(slope(rest), 0.0, 1.0))
    return float(p(rest)) - decay * rest, decay, "P(u) is its tangent at " + ("rest" if rests else "0, for want of a stable rest")


def _of_integers(program: Program, h: str, membrane: str, unit: float) -> tuple[Reals, Reals, Reals, str]:
    state, entry = program.states[membrane], program.input
    rows = []
    for channel in range(program.channels):
        start = _values(program, channel)[h]
        decay = _secant(program, channel, h, start, membrane, declared_interval(state).hi - initial_value(state))
        bounds = declared_interval(entry)
        gain = _secant(program, channel, h, start, entry.name, bounds.hi if bounds.hi > 0 else bounds.lo)
        decay = min(max(decay, 0.0), 1.0)
        rows.append((start * unit - decay * initial_value(state) * unit, decay, gain * unit))
    offset, decay_, gain_ = (np.array(column) for column in zip(*rows, strict=True))
    return offset, decay_, gain_, "the program is its secants from the initial state"


def _secant(program: Program, channel: int, h: str, start: int, moved: str, most: int) -> float:
    """Of h over the smallest power of two, up to `most`, by which it rises ENOUGH."""
    base = initial_value(program.states[moved]) if moved in program.states else 0
    slope = 0.0
    for bits in range(max(abs(most).bit_length(), 1)):
        step = (1 << bits) * (1 if most >= 0 else -1)
        rise = _values(program, channel, forced={moved: base + step})[h] - start
        slope = rise / step
        if abs(rise) >= ENOUGH:
            break
    return slope


def _values(program: Program, channel: int, forced: Mapping[str, int] | None = None) -> dict[str, int]:
    """Every value of the first step without input, where some are held to a value of ours."""
    values: dict[str, int] = {}
    for i in program.instructions:
        if i.name in (forced or {}):
            values[i.name] = (forced or {})[i.name]
        elif i.op is Op.PARAM:
            constants = values_of(i)
            values[i.name] = constants[channel if len(constants) > 1 else 0]
        elif i.op in (Op.STATE, Op.INPUT):
            values[i.name] = initial_value(i) if i.op is Op.STATE else 0
        else:
            values[i.name] = int(OPTABLE[i.op].evaluate([values[a] for a in i.args], i.attrs, i.format))
    return values
