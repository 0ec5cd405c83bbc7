"""The dynamics of every neuron layer without input, before and after rounding, and what is wrong with them in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snn2hw.dynamics.attractors import SETTLED, all_states, enumerable, of_integers, of_reals
from snn2hw.dynamics.beside import APART, distances
from snn2hw.dynamics.ends import Attractor
from snn2hw.dynamics.fixed_points import FixedPoint, FixedPoints, fixed_points
from snn2hw.dynamics.maps import Maps, maps_of
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import SPIKES
from snn2hw.ir.ranges import ranges
from snn2hw.num import Interval
from snn2hw.shown import brief

MOST_CHANNELS = 64  # of a layer that are looked at, evenly spread, where they differ
MOST_STATES = 1 << 26  # of all channels of a layer that are tried one by one; of later channels starts are
KEPT = 64  # fixed points and cycles of a channel: those with the largest basins
ALIKE, STRIDE = 4097, 1597  # states that tell channels apart; the order in which those of a further state stand beside them
INPUTS, DRIVEN = 1025, 64  # constant inputs that are tried, and for how many steps
RESTED = 512  # steps that the initial state is given to come to a cycle, and again to go round it or to come to rest
ESCAPES = 0.005  # of the range, above which an escape is worth a word
FAR = 8  # units of the state that a fixed point or a cycle is off, above which it is worth a word
DRIFT = 4  # units of the state, above which a rest that moves is worth a word


@dataclass(frozen=True)
class ChannelDynamics:
    """One channel of a layer without input.

    Args:
        channel: which. integers, reals: where the states end, the largest basin first, at most 64.
        integer_ends, real_ends: how many there are.
        enumerated: whether every integer state was tried; else starts were spread over the ranges.
        tried: how many integer states were tried; all_states: how many there are, of two states pairs.
        fixed_points: of the real map, of a neuron with one or two states.
        escapes, real_escapes: the share of the starts that end where a state is at a bound: at an end of its range other than
            the one at which it begins.
        at_bounds: the states that are at a bound where any of the integers end.
        made_by_rounding: fixed points and cycles of the integers that are more than a unit from any of the real map.
        farthest: of these the one that is farthest from any of the real map, units of the state.
        not_compared: fixed points and cycles of the integers of which that cannot be told, as they or the real map still move.
        rest: how far the initial state moves without input in the end, units of the state: to the farthest state of the cycle
            that it ends in, 0 where it stays. rested: whether it came to an end; else `rest` is how far it was when it was
            given up.
        input_to_bound: the smallest constant input, in units of the integers' sum, that takes the initial state to a bound; None
            where none does. searched: whether fixed points were searched for: not of three states and more.
    """

    channel: int
    integers: tuple[Attractor, ...]
    reals: tuple[Attractor, ...]
    integer_ends: int
    real_ends: int
    enumerated: bool
    tried: int
    all_states: int
    fixed_points: tuple[FixedPoint, ...]
    escapes: float
    real_escapes: float
    at_bounds: tuple[str, ...]
    made_by_rounding: int
    farthest: float
    not_compared: int
    rest: float
    rested: bool
    input_to_bound: int | None
    searched: bool
    more_fixed_points: bool

    __repr__ = brief


@dataclass(frozen=True)
class LayerDynamics:
    """One neuron layer.

    Args:
        source, kind: where it came from, what the neuron is called. total: its channels that differ.
        channels: those that were looked at and differ without input. silent: the proof that it cannot fire; "" where it can.
        findings: what is worth a word, each a sentence.
    """

    source: str
    kind: str
    total: int
    channels: tuple[ChannelDynamics, ...]
    silent: str
    findings: tuple[str, ...]

    __repr__ = brief


def audit(net: IntegerNetwork) -> Mapping[str, LayerDynamics]:
    """The dynamics of every neuron layer that has a state, by its name.

    Args:
        net: of a compiled model; the real map of each neuron is in it.
    """
    return {n.name: _layer(n) for n in net.neurons if n.program.states}


def _layer(node: IntNeuron) -> LayerDynamics:
    total, alike, left = node.program.channels, dict[bytes, ChannelDynamics](), MOST_STATES
    picked = np.unique(np.linspace(0, total - 1, min(total, MOST_CHANNELS)).astype(int)).tolist()
    for c in picked:
        m = maps_of(node, c)
        key = _digest(m)
        if key not in alike:
            alike[key] = _channel(m, left)
            left -= alike[key].tried if alike[key].enumerated else 0
    silent = _silent(node)
    channels = tuple(alike.values())
    return LayerDynamics(node.source, node.program.kind, total, channels, silent, tuple(_findings(channels, silent)))


def _digest(m: Maps) -> bytes:
    """What tells channels apart without input: where some states go, in integers and in real numbers."""
    starts = {}
    for k, s in enumerate(m.states):  # of several states not the diagonal alone, on which a + b tells no a from b
        starts[s] = np.linspace(*m.range(s), ALIKE).astype(np.int64)[np.arange(ALIKE) * pow(STRIDE, k, ALIKE) % ALIKE]
    if not starts:
        return b""
    real = m.reals({s: np.asarray(raw * m.unit(s), np.float64) for s, raw in starts.items()})[1]
    return b"".join(v.tobytes() for found in (m.integers(starts)[1], real) for v in found.values())


def _channel(m: Maps, left: int) -> ChannelDynamics:
    """One channel, of which every state is tried where that is no more than so many."""
    if not m.states:
        return ChannelDynamics(m.channel, (), (), 0, 0, True, 0, 0, (), 0.0, 0.0, (), 0, 0.0, 0, 0.0, True, None, False, False)
    every = enumerable(m, left)
    points = fixed_points(m)
    integers, reals = of_integers(m, every=every), of_reals(m, points)
    apart = distances(m, integers, reals, points)
    made, not_told = int(np.count_nonzero(apart > APART)), int(np.count_nonzero(np.isnan(apart)))
    return ChannelDynamics(
        m.channel, integers.first(KEPT), reals.first(KEPT), len(integers), len(reals), every, integers.tried, all_states(m),
        points.points, integers.escapes, reals.escapes, integers.at_bounds, made, float(np.nanmax(apart, initial=0.0)),
        not_told, *_rest(m), _input_to_bound(m), len(m.states) <= 2, points.more,
    )  # fmt: skip


def _rest(m: Maps) -> tuple[float, bool]:
    """How far the initial state is from itself in the end, in units of the state that moves most; whether it is the end.

    It is at its end where a step leaves it in place. It is on a cycle where the state after so many steps comes again within as
    many.
    """
    start = {s: np.array([m.initial(s)]) for s in m.states}
    states = start
    for _ in range(RESTED):
        _, states = m.integers(states)
    then, farthest = states, 0
    for _ in range(RESTED):
        before = states
        _, states = m.integers(states)
        away = max(abs(int(states[s][0]) - int(start[s][0])) for s in m.states)
        if states == before:
            return float(away), True
        farthest = max(farthest, away)
        if states == then:
            return float(farthest), True
    return float(away), False


def _input_to_bound(m: Maps) -> int | None:
    """Run the initial state on many constant inputs at once; the smallest that takes it to a bound."""
    held = m.program.input.attrs
    inputs = np.unique(np.linspace(int(str(held[0])), int(str(held[1])), INPUTS).astype(np.int64))
    states = {s: np.full(len(inputs), m.initial(s)) for s in m.states}
    for _ in range(DRIVEN):
        _, states = m.integers(states, inputs)
    bound = np.logical_or.reduce([np.isin(states[s], m.bounds(s)) for s in m.states])
    return min(inputs[bound].tolist(), key=abs, default=None)


def _silent(node: IntNeuron) -> str:
    """The proof that nothing is fired, by intervals; "" where there is none."""
    program = node.program
    known = ranges(program)
    if known[program.outputs[SPIKES].name] != Interval(0, 0):
        return ""
    roles = program.roles
    if roles is None or roles.firing is None:
        return "for every state and every input its spike value is 0"
    h = program.by_name[roles.membrane]
    highest = known[roles.membrane].hi * 2.0**-h.format.frac
    lowest = min(known[t.constant].lo * 2.0 ** -program.by_name[t.constant].format.frac for t in roles.firing.thresholds)
    return f"its membrane reaches {highest:g} at most, for every state and input, and its threshold is {lowest:g}"


def _findings(channels: tuple[ChannelDynamics, ...], silent: str) -> Iterator[str]:
    if silent:
        yield f"this layer cannot fire: {silent}"
    worst = max(channels, key=lambda c: c.escapes, default=None)
    if worst is not None and worst.escapes >= ESCAPES:
        where = ", ".join(worst.at_bounds)
        yield (
            f"without input, {100 * worst.escapes:.1f} % of the range ends at a bound of {where} and stays there "
            f"(channel {worst.channel}; of the real map {100 * worst.real_escapes:.1f} %): {_why(worst)}"
        )
    made = max(channels, key=lambda c: c.farthest, default=None)
    if made is not None and made.made_by_rounding and made.farthest > FAR:
        yield (
            f"rounding makes {made.made_by_rounding} more fixed points or cycles than the real map has (channel "
            f"{made.channel}); the farthest is {made.farthest:.0f} units of the state off"
        )
    untold = max(channels, key=lambda c: c.not_compared, default=None)
    if untold is not None and untold.not_compared:
        yield (
            f"{untold.not_compared:,} of the {untold.integer_ends:,} ends of the integers are not compared with the real map: "
            f"starts of one of them still move after {SETTLED:,} steps (channel {untold.channel})"
        )
    sampled = next((c for c in channels if not c.enumerated), None)
    if sampled is not None:
        yield (
            f"cycles of the integers were looked for from {sampled.tried:,} of {sampled.all_states:,} states (channel "
            f"{sampled.channel}): those in which none of these ends are not known"
        )
    moving = next((c for c in channels if not c.rested), None)
    if moving is not None:
        yield (
            f"where the initial state ends without input is not known: it still moves after {2 * RESTED:,} steps, "
            f"{moving.rest:,.0f} units away by then (channel {moving.channel})"
        )
    moved = max((c for c in channels if c.rested), key=lambda c: c.rest, default=None)
    if moved is not None and moved.rest > DRIFT:
        yield f"the initial state is not at rest: without input it ends {moved.rest:,.0f} units away (channel {moved.channel})"


def _why(c: ChannelDynamics) -> str:
    """The fixed points between which the range is shared out."""
    if not c.fixed_points:
        return "its update has no fixed point within the range" if c.searched else "of so many states none is searched for"
    return f"fixed points of the update: {FixedPoints(c.fixed_points, c.more_fixed_points)}"
