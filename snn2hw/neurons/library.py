"""The built-in family of neurons as equations: polynomial dynamics, firing in rounds, a reset, each a few lines.

    h = clamp(P(u) + x)   or   h = clamp(P(clamp(u + x)))      P(u) = a_0 + a_1 u + ... + a_d u**d
    r = h;  for every level k:  s_k = [r >= theta_k] - signed*[r <= -theta_k],  r = r - theta_k s_k
    output  sum_k amp_k s_k, or h where nothing fires; a negative s_k counts negative times that, where it has an amplitude
    u       r, or h where it did not fire and reset_value where it did, or h

    LIF, IF, PLIF  degree 1, one level                 LNM  any degree, one level
    QIF            degree 2, one level                 CirculateFiring, CirculateLNM  up to 16 levels

What tells two members apart in form is a `Member`; the numbers of the equation (a_k, theta_k) are given beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from snn2hw.neurons.equation import Builder, Equation, Op, State

MEMBRANE, CURRENT = "u", "i"
Range = tuple[float, float]


@dataclass(frozen=True)
class Member:
    """One member of the family.

    Args:
        degree: d of P, at least 1.
        state_range: [lo, hi] of the clamp. input_first: whether x enters before P.
        amplitudes: amp_k, one for each level; none where nothing fires and the output is h.
        signed: whether negative spikes are fired. strict: > in place of >=.
        reset: "subtract", "value" or "none"; reset_value: of "value".
        own_negative: whether negative spikes have an amplitude of their own, negative * amp_k, as a further parameter.
        staircase: whether level k compares h with k theta_k in place of r with theta_k, which is the same where all
            thresholds are equal (in floats up to the rounding of r and of k theta_k). Its surrogate is then a stair of
            soft steps, one for each level.
        scheduled: whether the thresholds depend on the step.
        gain: what x is multiplied with.
        current_range: of the synaptic current that the membrane takes in place of gain*x,
            i = clamp(decay i + gain x); None where there is no current.
        kind: what the neuron is called.
    """

    degree: int
    state_range: Range = (-4.0, 4.0)
    input_first: bool = False
    amplitudes: tuple[float, ...] = (1.0,)
    signed: bool = False
    strict: bool = False
    reset: str = "subtract"
    reset_value: float = 0.0
    own_negative: bool = False
    staircase: bool = False
    scheduled: bool = False
    gain: float = 1.0
    current_range: Range | None = None
    kind: str = "LNM"


@lru_cache(maxsize=256)
def equation(member: Member) -> Equation:
    """Its equation.

    The parameters are, in order, the decay of the current where there is one, a_0 to a_d, theta_1 to theta_K, of which
    each is [S], one for each step, where they are scheduled, and the amplitude of negative spikes where it is their own.
    """
    lo, hi = member.state_range
    # The residual of firing lies between h and 0, so that the membrane stays in this range by itself.
    membrane = State(MEMBRANE, (min(lo, 0.0), max(hi, 0.0)), 0.0, saturates=False)
    held = () if member.current_range is None else (State(CURRENT, member.current_range, 0.0, saturates=False),)
    b = Builder(member.kind, (membrane, *held))
    x = _scaled(b, member.gain, b.emit(Op.INPUT))
    if member.current_range is not None:
        x = _current(b, x, member.current_range)
    h = _membrane(b, member, x)
    thetas = [b.parameter(f"theta{k + 1}", by_step=member.scheduled) for k in range(len(member.amplitudes))]
    output, after = _fired(b, member, h, thetas)
    return b.equation(output, [after] if member.current_range is None else [after, x])


def _current(b: Builder, x: int, within: Range) -> int:
    """i = clamp(decay i + x)."""
    kept = b.emit(Op.MUL, b.parameter("current_decay"), b.emit(Op.STATE, attrs=(CURRENT,)))
    return b.emit(Op.CLAMP, b.emit(Op.ADD, kept, x), attrs=within)


def _membrane(b: Builder, member: Member, x: int) -> int:
    """h."""
    u, within = b.emit(Op.STATE, attrs=(MEMBRANE,)), member.state_range
    coefficients = [b.parameter(f"a{k}") for k in range(member.degree + 1)]
    if member.input_first:
        z = b.emit(Op.CLAMP, b.emit(Op.ADD, u, x), attrs=within)
        return b.emit(Op.CLAMP, b.emit(Op.POLYNOMIAL, z, *coefficients), attrs=within)
    return b.emit(Op.CLAMP, b.emit(Op.ADD, b.emit(Op.POLYNOMIAL, u, *coefficients), x), attrs=within)


def _fired(b: Builder, member: Member, h: int, thetas: Sequence[int]) -> tuple[int, int]:
    """(what leaves, the membrane after the reset)."""
    if not thetas:
        return h, h
    rounds = list(_rounds(b, member, h, thetas))
    negative = b.parameter("negative") if member.own_negative else None
    output, *rest = [_sent(b, amplitude, s, negative) for amplitude, s in zip(member.amplitudes, rounds, strict=True)]
    for part in rest:
        output = b.emit(Op.ADD, output, part)
    if member.reset == "subtract":
        return output, rounds[-1].left
    if member.reset == "none":
        return output, h
    any_level, *flags = [s.fires for s in rounds]  # the output would not do: spikes of opposite sign can cancel
    for flag in flags:
        any_level = b.emit(Op.MAX, any_level, flag)
    return output, b.emit(Op.SELECT, any_level, b.constant(member.reset_value), h)


class _Round(NamedTuple):
    """Places of one level: s_k, the flags it is made of (down: None where unsigned), whether it is not 0, what is left of r."""

    s: int
    up: int
    down: int | None
    fires: int
    left: int


def _rounds(b: Builder, member: Member, h: int, thetas: Sequence[int]) -> Iterator[_Round]:
    r, strict = h, (member.strict,)
    for k, theta in enumerate(thetas, 1):
        compared, level = (h, _scaled(b, float(k), theta)) if member.staircase else (r, theta)
        s = up = fires = b.emit(Op.FIRE, compared, level, attrs=strict)
        down = None
        if member.signed:
            down = b.emit(Op.FIRE, b.emit(Op.NEG, level), compared, attrs=strict)
            s, fires = b.emit(Op.SUB, up, down), b.emit(Op.MAX, up, down)
        r = b.emit(Op.SUB, r, b.emit(Op.MUL, s, theta))
        yield _Round(s, up, down, fires, r)


def _sent(b: Builder, amplitude: float, s: _Round, negative: int | None) -> int:
    """amp_k s_k; of a negative spike with an amplitude of its own that."""
    if negative is None or s.down is None:
        return _scaled(b, amplitude, s.s)
    return b.emit(Op.SUB, _scaled(b, amplitude, s.up), b.emit(Op.MUL, _scaled(b, amplitude, negative), s.down))


def _scaled(b: Builder, factor: float, value: int) -> int:
    return value if factor == 1.0 else b.emit(Op.MUL, b.constant(factor), value)


def membrane(made: Equation) -> int:
    """Place of h in an equation of the family."""
    return max(n for n, t in enumerate(made.terms) if t.op is Op.CLAMP)


def argument(made: Equation) -> int:
    """Place of clamp(u + x) in an equation of the family in which the input enters first."""
    return min(n for n, t in enumerate(made.terms) if t.op is Op.CLAMP)
