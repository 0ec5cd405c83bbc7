"""Verified bounds of one layer of neurons: every claim is made by trying, or by intervals where two variables meet."""

from __future__ import annotations

from typing import Any

from snn2hw.certificate.analysis import TRIED, Known, analyse, weaker
from snn2hw.certificate.engine import Error, Progress, wider
from snn2hw.certificate.equation import EquationClaims
from snn2hw.certificate.firing import read_firing, try_firing
from snn2hw.certificate.groups import groups, hull
from snn2hw.certificate.real_numbers import polynomial_errors, reals
from snn2hw.certificate.steps import At, at_step, steps
from snn2hw.certificate.tried import Tried
from snn2hw.certificate.witness import witness
from snn2hw.errors import RuleError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, initial_value, one_channel
from snn2hw.num import Interval


def claims(node: IntNeuron, channels: list[tuple[int, int]], progress: Progress | None = None) -> dict[str, Any]:
    """The claims about a layer, ready for certificate.json.

    Args:
        node: the layer, all channels. progress: called with the values tried since the last call.
        channels: (lowest, highest) synaptic sum of each channel.
    """
    program = node.program
    entry = program.input.name
    seen: dict[str, Known] = {}
    errors: dict[str, tuple[Error, int]] = {}
    worst: dict[str, dict[int, float]] = {}  # variable -> channel -> its largest error
    payloads: dict[int, Interval] = {}
    firing: list[dict[str, Any]] = []
    witnesses: dict[str, dict[str, int]] = {}
    alike, kept = groups(program, channels, node.meaning), Tried()
    equation = EquationClaims(node, hull(channels), alike)
    singles = [(group, one_channel(program, group.channels[0])) for group in alike]
    for group, single, at in ((g, at_step(p, at), at) for g, p in singles for at in steps(p)):
        held = {entry: group.input, **{name: declared_interval(s) for name, s in single.states.items()}}
        found = analyse(single, held, reals(node, group.channels[0]), progress, kept)
        for name, known in found.known.items():
            before = seen.get(name)
            seen[name] = known if before is None else Known(before.interval.hull(known.interval), weaker(before, known))
        for variable, error in found.errors.items():
            entered = group.entered_by(channels, error.at if variable == entry else None)
            old, channel = errors.get(variable, (error, entered))
            errors[variable] = (wider(old, error), entered if error.error > old.error else channel)
            each = worst.setdefault(variable, {})
            each |= {c: max(error.error, each.get(c, 0.0)) for c in group.channels}
        out = found.known[program.outputs[SPIKES].name].interval
        for c in group.channels:
            payloads[c] = out.hull(payloads.get(c, out))
        firing += _firing(single, found.known, group.channels, at)
        ranges = {name: k.interval for name, k in found.known.items()}
        equation.look_at(group, ranges)
        tried = frozenset(name for name, k in found.known.items() if k.method == TRIED)
        for i in single.of(Op.CLAMP):
            if i.name not in witnesses and ranges[i.args[0]] not in declared_interval(i):
                place = {**witness(single, i, ranges, tried), **at}
                witnesses[i.name] = {"channel": group.entered_by(channels, place.get(entry)), **place}
    _insist(node, seen)
    return {
        "layer": node.name,
        "kind": program.kind,
        "inputs": [list(c) for c in channels],
        "payloads": [_ends(payloads[c]) for c in range(len(channels))],
        "states": {name: _state(program, name, seen) for name in program.states},
        "values": {
            i.name: [*_ends(seen[i.name].interval), seen[i.name].method] for i in program.instructions if i.op is not Op.OUTPUT
        },
        "widest_bits": max(k.interval.bits[0] for k in seen.values()),
        "clamps": {
            i.name: {**_clamp(i.args[0], i.attrs[:2], seen), "witness": witnesses.get(i.name, {})} for i in single.of(Op.CLAMP)
        },
        "errors": polynomial_errors(node, errors, worst),
        "firing": _merged(firing),
        **equation.claims(),
    }


def _ends(interval: Interval) -> list[int]:
    return [interval.lo, interval.hi]


def _state(program: Program, name: str, seen: dict[str, Known]) -> dict[str, Any]:
    state = program.states[name]
    return {
        "interval": _ends(declared_interval(state)),
        "initial": initial_value(state),
        "next": _ends(seen[program.outputs[name].name].interval),
    }


def _clamp(argument: str, bounds: tuple[Any, ...], seen: dict[str, Known]) -> dict[str, Any]:
    interval = seen[argument].interval
    lo, hi = bounds
    return {"bounds": [lo, hi], "before": _ends(interval), "acts": interval not in Interval(lo, hi)}


def _firing(program: Program, known: dict[str, Known], channels: list[int], at: At) -> list[dict[str, Any]]:
    firing = read_firing(program)
    if firing is None or program.roles is None:
        return []
    held = known[program.roles.membrane].interval
    tried = try_firing(program, firing, held)
    if not tried.agrees:
        raise RuleError("the firing of the program is not the one its constants state", where=program.kind, got=f"h in {held}")
    found = {"closed_form": firing.closed, "rounds_that_fire": tried.rounds, "left_over": _ends(tried.left)}
    return [{"channels": channels, **firing.as_claim(), **found, **({"at": at} if at else {})}]


def _merged(firing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Channels that fire alike in one claim."""
    alike: list[dict[str, Any]] = []
    for claim in firing:
        same = next((c for c in alike if {**c, "channels": 0} == {**claim, "channels": 0}), None)
        if same is None:
            alike.append(claim)
        else:
            same["channels"] = sorted([*same["channels"], *claim["channels"]])
    return alike


def _insist(node: IntNeuron, seen: dict[str, Known]) -> None:
    """What would be a mistake of ours: a value outside its format, a state outside what it declares."""
    for i in node.program.instructions:
        if seen[i.name].interval not in i.format.interval:
            raise RuleError(
                "a value leaves its format",
                where=f"{node.source or node.name}: {i.name}",
                got=f"{seen[i.name].interval} in {i.format}",
            )
