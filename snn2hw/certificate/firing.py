"""The firing of a layer in closed form, as far as it has one: s = sign(h) * min(K, floor(|h| / theta)).

spike value = sum_k amplitude_k s_k     subtract: r = h - sum_k theta_k s_k     value: reset_value if fired, else h     none: h
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from snn2hw.ir.evaluate import Sources, evaluate
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, values_of
from snn2hw.num import Interval
from snn2hw.trace import Ints

CHUNK = 1 << 18


@dataclass(frozen=True)
class Firing:
    """What a layer does with its membrane h.

    Args:
        thresholds, amplitudes: raw integers, one per spike of a step.
        signed: whether it also fires negative. strict: > rather than >=.
        reset: subtract, value or none. reset_value: raw integer.
        negatives: amplitudes of negative spikes, raw; empty where they are those of positive ones.
    """

    thresholds: tuple[int, ...]
    amplitudes: tuple[int, ...]
    signed: bool
    strict: bool
    reset: str
    reset_value: int
    negatives: tuple[int, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the closed form is it: one threshold and one amplitude, of each sign, for all spikes of a step."""
        return all(len(set(v)) <= 1 for v in (self.thresholds, self.amplitudes, self.negatives))

    def as_claim(self) -> dict[str, Any]:
        """For certificate.json."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if v != ()}


def rounds(firing: Firing, h: Ints) -> tuple[Ints, Ints, Ints]:
    """(spike value, residual, rounds that fired), round by round or in closed form."""
    if firing.closed:
        (theta, amplitude), levels = (firing.thresholds[0], firing.amplitudes[0]), len(firing.thresholds)
        n = np.sign(h) * np.minimum((np.abs(h) - firing.strict) // theta, levels)
        n = np.where(h == 0, 0, n if firing.signed else np.maximum(n, 0))
        negative = firing.negatives[0] if firing.negatives else amplitude
        return np.where(n < 0, negative, amplitude) * n, h - theta * n, np.abs(n)
    payload, r, fired = np.zeros_like(h), h, np.zeros_like(h)
    levels_of = zip(firing.thresholds, firing.amplitudes, firing.negatives or firing.amplitudes, strict=True)
    for theta, amplitude, negative in levels_of:
        up = r > theta if firing.strict else r >= theta
        down = (r < -theta if firing.strict else r <= -theta) & firing.signed
        s = up.astype(np.int64) - down
        payload, r, fired = payload + amplitude * up - negative * down, r - theta * s, fired + np.abs(s)
    return payload, r, fired


def next_state(firing: Firing, h: Ints, residual: Ints, fired: Ints) -> Ints:
    """The state after the reset.

    Args:
        firing: says which reset. h: membranes before firing. residual: what the rounds left of them.
        fired: not 0 where anything fired; all raw, of one shape.
    """
    if firing.reset == "subtract":
        return residual
    return np.where(fired > 0, firing.reset_value, h) if firing.reset == "value" else h


def read_firing(program: Program) -> Firing | None:
    """The firing that the roles of a program of one channel and one step state; None for a program without."""
    firing = program.roles.firing if program.roles else None
    if firing is None:
        return None
    constants = {name: values[0] for name, values in program.params.items()}
    ups = [program.by_name[s.up] for s in firing.spikes]
    return Firing(
        tuple(constants[up.args[1]] for up in ups),
        tuple(constants[s.amplitude] if s.amplitude else 1 for s in firing.spikes),
        firing.spikes[0].down is not None,
        ups[0].op is Op.GT,
        firing.reset,
        constants[firing.reset_value] if firing.reset_value else 0,
        tuple(constants[s.negative] for s in firing.spikes if s.negative),
    )


@dataclass(frozen=True)
class Tried:
    """What trying every h showed: whether program and closed form agree, the most rounds that fire, what is left over."""

    agrees: bool
    rounds: int
    left: Interval


def try_firing(program: Program, firing: Firing, held: Interval) -> Tried:
    """Compare the program of one channel from the membrane h on with the closed form, for every h of the interval.

    Args:
        program: of that channel alone. firing: read from it. held: raw integers of h.
    """
    assert program.roles is not None
    tail, membrane, state = _from_membrane(program, program.roles.membrane), program.roles.membrane, program.roles.state
    agrees, most, left = True, 0, []
    for start in range(held.lo, held.hi + 1, CHUNK):
        h = np.arange(start, min(start + CHUNK, held.hi + 1), dtype=np.int64)
        payload, residual, fired = rounds(firing, h)
        values = evaluate(tail, _with(membrane, h))
        outputs = {to: values[i.name] for to, i in tail.outputs.items()}
        agrees &= bool((outputs[SPIKES] == payload).all() and (outputs[state] == next_state(firing, h, residual, fired)).all())
        most = max(most, int(fired.max()))
        left.append(Interval(int(residual.min()), int(residual.max())))
    return Tried(agrees, most, Interval(min(i.lo for i in left), max(i.hi for i in left)))


def _with(membrane: str, h: Ints) -> Sources:
    return lambda i: h if i.name == membrane else np.int64(values_of(i)[0])


def _from_membrane(program: Program, membrane: str) -> Program:
    """The part of a program behind the membrane, with the membrane as its variable."""
    lines, behind = list[Instruction](), {membrane}
    for i in program.instructions:
        if i.name == membrane:
            lines.append(Instruction(membrane, Op.STATE, (), (0, 0, 0), i.format))
        elif i.op in (Op.PARAM, Op.CONST) or (i.args and set(i.args) <= behind):
            lines.append(i)
            behind.add(i.name)
    return Program(program.kind, tuple(lines))
