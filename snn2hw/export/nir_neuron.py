"""What a neuron program is as a leaky integrate-and-fire neuron: the tangent of its equation at the rest point.

    h = P(u) + x  ~  a0 + a1*u + x    a1 = P'(u*), a0 = u* - a1*u*    P(u*) = u*, nearest to 0 of those with 0 <= P'(u*) <= 1

Where the state's range has no such u*, the tangent at 0, where every state starts: a1 = P'(0), held to [0, 1], a0 = P(0).
A program that was integers from the start has no P: its secants from the initial state take its place.
It fires where h reaches the first threshold; v_reset is what is left of an h that just does; its first payload is one spike.
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
    """

    offset: Reals
    decay: Reals
    gain: Reals
    threshold: Reals
    reset: float
    payload: int
    lost: str


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
    firing = _firing(program)
    if firing is None or not program.states:
        raise UnsupportedError(
            "this layer is no neuron that NIR has",
            where=node.source or node.name,
            got=f"a program '{program.kind}' without a state or a positive threshold",
            expected="a membrane that fires at a threshold",
            do="export to C, or use model.onnx",
        )
    h, raw = firing.args[0], _constants(program.by_name[firing.args[1]])
    unit = 2.0 ** -program.by_name[h].format.frac
    fired = _values(program, 0, forced={h: raw[0] + (firing.op is Op.GT)})
    membrane = _membrane(program, firing.name)
    if node.meaning is not None:
        offset, decay, gain, lost = _of_equation(program, node.meaning, source)
    else:
        offset, decay, gain, lost = _of_integers(program, h, membrane, unit)
    payload = fired[program.outputs[SPIKES].name] or 1
    if node.interval.magnitude > abs(payload) or node.interval.lo < 0 < node.interval.hi:
        lost = f"{lost}; payloads from {node.interval.lo} to {node.interval.hi} are spikes of {payload}".removeprefix("; ")
    reset = fired[program.outputs[membrane].name] * unit
    return Tangent(offset, decay, gain, np.array(raw) * unit, reset, payload, lost)


def _constants(i: Instruction) -> tuple[int, ...]:
    return values_of(i) if i.op is Op.PARAM else (int(str(i.attrs[0])),)


def _firing(program: Program) -> Instruction | None:
    """The first comparison of a membrane with a positive constant."""
    constants = {i.name: i for i in program.instructions if i.op in (Op.PARAM, Op.CONST)}
    for i in program.instructions:
        compares = i.op in (Op.GE, Op.GT) and i.args[1] in constants and program.by_name[i.args[0]].op is not Op.STATE
        if compares and min(_constants(constants[i.args[1]])) > 0:
            return i
    return None


def _membrane(program: Program, fires: str) -> str:
    """The first state whose next value depends on whether it fired; else the last."""
    depends: dict[str, set[str]] = {}
    for i in program.instructions:
        depends[i.name] = {i.name}.union(*(depends[a] for a in i.args))
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
