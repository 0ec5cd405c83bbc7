"""Circulate firing of K equal levels in one go: what the rounds count is a quotient.

    s = sign(h) * min(K, floor(|h| / theta))                            h >= theta fires
    s = sign(h) * min(K, floor((|h| - 1) / theta))                      h > theta fires
    spike value = amplitude * s, or amplitude * max(s, 0) + negative * min(s, 0) where negative spikes have their own amplitude
    subtract: r = h - theta * s      value: s = 0 ? h : reset_value      none: h

The quotient is a multiplication and a shift toward zero, clamp(h * M >> S, -K, K), with the smallest S for which some M is right
for every h. Unsigned firing never counts below 0, so its shift floors. Thresholds or amplitudes that differ, and such as change
over the steps, keep their rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from snn2hw.ir.program import SPIKES, Instruction, Op, Program
from snn2hw.ir.roles import FiringRoles
from snn2hw.num import Interval, Rounding
from snn2hw.simplification.facts import Expression, Facts, constant, with_formats
from snn2hw.simplification.proof import proved
from snn2hw.simplification.rules import value

WIDEST = 31  # bits of h * M, so that a program stays in int32 that was in int32


@dataclass(frozen=True)
class Equal:
    """Rounds that are all alike.

    Args:
        levels: K. threshold: its constant, amplitude: its, None for 1. theta, factor: their values.
        negative: the amplitude of negative spikes, where it is their own.
    """

    levels: int
    signed: bool
    strict: bool
    threshold: str
    theta: int
    amplitude: str | None
    factor: int
    negative: int | None


def closed_firing(program: Program) -> Program:
    """The program with its rounds in closed form; the program itself where they have none, or where it cannot be proved."""
    firing = program.roles.firing if program.roles else None
    facts = Facts(program)
    equal = _equal(firing, facts) if firing is not None else None
    if equal is None or firing is None or program.roles is None:
        return program
    membrane, state = program.roles.membrane, program.roles.state
    payload, after = (program.outputs[to].args[0] for to in (SPIKES, state))
    for multiplier, bits in _quotients(facts.known[membrane], equal):
        count = _count(facts, membrane, equal, multiplier, bits, payload)
        made = {payload: (*count, *_scaled(count[-1].name, payload, equal, facts))}
        if firing.reset == "subtract":
            made[after] = (*count, *_subtracted(count[-1].name, membrane, after, equal, facts))
        elif firing.reset == "value" and firing.reset_value:
            made[after] = (*count, *_set(count[-1].name, membrane, after, firing.reset_value, facts))
        entering = {program.input.name, *(i.name for i in program.states.values()), membrane}
        if not entering & set(made) and all(proved(facts, name, lines) for name, lines in made.items()):
            return _replaced(program, made, facts) or program
    return program


def _equal(firing: FiringRoles, facts: Facts) -> Equal | None:
    ups = [facts.by_name[s.up] for s in firing.spikes]
    amplitudes = [1 if s.amplitude is None else facts.constant(s.amplitude) for s in firing.spikes]
    thetas = {facts.constant(t.constant) for t in firing.thresholds}
    negatives = [None if s.negative is None else facts.constant(s.negative) for s in firing.spikes]
    alike = all(len(set(of)) == 1 for of in (amplitudes, negatives, thetas))
    if len(ups) < 2 or not alike or firing.counter is not None:
        return None
    theta, factor, spike = thetas.pop(), amplitudes[0], firing.spikes[0]
    if theta is None or theta < 1 or factor is None or (spike.negative is not None and negatives[0] is None):
        return None
    signed, strict, threshold = spike.down is not None, ups[0].op is Op.GT, firing.thresholds[0].constant
    return Equal(len(ups), signed, strict, threshold, theta, spike.amplitude, factor, negatives[0])


def _quotients(held: Interval, e: Equal) -> list[tuple[int, int]]:
    """(M, S) that may do: M * theta is 2**S or a little more; where a membrane of theta does not fire, a little less."""
    found = list[tuple[int, int]]()
    for bits in range(WIDEST):
        whole, rest = divmod(1 << bits, e.theta)
        multiplier = (whole if rest else whole - 1) if e.strict else whole + bool(rest)
        right = _counts(e.theta, multiplier, bits, e)
        if multiplier > 0 and right and (held.magnitude * multiplier).bit_length() < WIDEST:
            found.append((multiplier, bits))
    return found[:2]


def _counts(theta: int, multiplier: int, bits: int, e: Equal) -> bool:
    """Whether the count changes at the thresholds of every level: the largest h below one and the least above it."""
    for n in range(1, e.levels + 1):
        fires = n * theta + e.strict
        if (fires * multiplier) >> bits < n or ((fires - 1) * multiplier) >> bits >= n:
            return False
    return True


def _count(facts: Facts, membrane: str, e: Equal, multiplier: int, bits: int, like: str) -> Expression:
    factor, product, quotient, count = (facts.fresh(like) for _ in range(4))
    lines = list[Instruction]()
    if multiplier > 1:
        lines += [constant(factor, multiplier, 0), value(product, Op.MUL, (membrane, factor), (), 0)]
    rounding = Rounding.TOWARD_ZERO if e.signed else Rounding.FLOOR
    lines.append(value(quotient, Op.SHIFT_RIGHT, (product if multiplier > 1 else membrane,), (bits, rounding), 0))
    lines.append(value(count, Op.CLAMP, (quotient,), (-e.levels if e.signed else 0, e.levels), 0))
    return tuple(lines)


def _scaled(count: str, payload: str, e: Equal, facts: Facts) -> Expression:
    factor, frac = facts.fresh(payload), facts.by_name[payload].format.frac
    if e.negative is None:
        return constant(factor, e.factor, frac), value(payload, Op.MUL, (count, factor), (), frac)
    up, down, below, sent, taken = (facts.fresh(payload) for _ in range(5))
    above = value(up, Op.CLAMP, (count,), (0, e.levels), 0), constant(factor, e.factor, frac)
    if e.negative == 0:
        return *above, value(payload, Op.MUL, (up, factor), (), frac)
    return (
        *above,
        value(sent, Op.MUL, (up, factor), (), frac),
        value(down, Op.SUB, (count, up), (), 0),
        constant(below, e.negative, frac),
        value(taken, Op.MUL, (down, below), (), frac),
        value(payload, Op.ADD, (sent, taken), (), frac),
    )


def _subtracted(count: str, membrane: str, after: str, e: Equal, facts: Facts) -> Expression:
    taken, frac = facts.fresh(after), facts.by_name[after].format.frac
    return value(taken, Op.MUL, (count, e.threshold), (), frac), value(after, Op.SUB, (membrane, taken), (), frac)


def _set(count: str, membrane: str, after: str, reset_value: str, facts: Facts) -> Expression:
    zero, silent, frac = facts.fresh(after), facts.fresh(after), facts.by_name[after].format.frac
    return (
        constant(zero, 0, 0),
        value(silent, Op.EQ, (count, zero), (), 0),
        value(after, Op.SELECT, (silent, membrane, reset_value), (), frac),
    )


def _replaced(program: Program, made: dict[str, Expression], facts: Facts) -> Program | None:
    """The new values, each once, in front of the outputs, where all that they are made of has been computed.

    None where something else reads them or comes later, as it may in a file whose roles somebody else stated.
    """
    lines = [i for i in program.instructions if i.name not in made]
    new = {i.name: i for expression in made.values() for i in expression}
    first = next(n for n, i in enumerate(lines) if i.op is Op.OUTPUT or set(i.args) & set(made))
    if any(i.op is not Op.OUTPUT for i in lines[first:]):
        return None
    formed = with_formats(list(new.values()), facts)
    return replace(program, instructions=(*lines[:first], *formed, *lines[first:]))
