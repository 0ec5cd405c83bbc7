"""What is certain about one layer of neurons: every claim is made by trying, or by intervals where two variables meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from snn2hw.certificate.engine import Error, Progress, enumerate_slice, wider
from snn2hw.certificate.firing import read_firing, try_firing
from snn2hw.certificate.slices import Slice, slices
from snn2hw.certificate.steps import At, at_step, steps
from snn2hw.certificate.witness import witness
from snn2hw.errors import RuleError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, initial_value, one_channel, values_of
from snn2hw.ir.ranges import Ranges, assume, ranges
from snn2hw.num import Interval

TRIED, INTERVAL = "enumeration", "interval"
MOST_TRIED = 1 << 24  # values of one variable; a wider one is bounded by intervals
DIGITS = 6  # of an error in units of the state


@dataclass(frozen=True)
class Known:
    """A value's range and how it is known."""

    interval: Interval
    method: str


@dataclass(frozen=True)
class Analysis:
    """Everything found about one channel."""

    known: dict[str, Known]
    errors: dict[str, Error]


def analyse(
    program: Program, held: dict[str, Interval], reals: dict[str, tuple[str, list[float], float]], progress: Progress | None
) -> Analysis:
    """Ranges of all values of one channel's program.

    Args:
        held: range of every state and of the input.
        reals: variable -> (value that stands for a polynomial of it, coefficients in units of that value, unit of the variable).
    """
    known: dict[str, Known] = {}
    errors: dict[str, Error] = {}
    chosen = ranges(program)  # knows what a comparison says about the arms that it chooses between
    for part in slices(program):
        variable = part.variable
        if variable.name in held:
            known[variable.name] = Known(held[variable.name], TRIED)
        else:
            known[variable.name] = Known(_within(variable, _bounds(variable, known, program), chosen), INTERVAL)
        _follow(part, known, errors, reals, progress, chosen, program)
    return Analysis(known, errors)


def _follow(
    part: Slice,
    known: dict[str, Known],
    errors: dict[str, Error],
    reals: dict[str, tuple[str, list[float], float]],
    progress: Progress | None,
    chosen: Ranges,
    program: Program,
) -> None:
    interval = known[part.variable.name].interval
    if not any(i.op not in (Op.PARAM, Op.CONST) and i.args for i in part.instructions):
        return
    if interval.hi - interval.lo >= MOST_TRIED:
        constants = set[str]()
        for i in part.instructions:
            constants |= {i.name} if constants.issuperset(i.args) else set()
            if i.name not in known:
                bounds = Interval.of(values_of(i)) if i.op is Op.PARAM else _bounds(i, known, program)
                known[i.name] = Known(_within(i, bounds, chosen), TRIED if i.name in constants else INTERVAL)
        return
    watched, coefficients, unit = reals.get(part.variable.name, ("", [], 1.0))
    if watched == part.variable.name:
        watched = ""
    found = enumerate_slice(part, interval, watched, coefficients, unit, progress)
    known.update({name: Known(r, TRIED) for name, r in found.ranges.items() if name not in known})
    if found.error is not None:
        errors[part.variable.name] = found.error


def _bounds(i: Instruction, known: dict[str, Known], program: Program) -> Interval:
    """A value by the ranges of its arguments. Of a choice by a comparison each arm that is compared is known better."""
    args = [known[a].interval for a in i.args]
    if i.op is not Op.SELECT:
        return OPTABLE[i.op].interval(args, i.attrs, i.format)
    condition = program.by_name[i.args[0]]
    compared = {a: known[a].interval for a in condition.args}
    arms = []
    for outcome, arm in ((1, i.args[1]), (0, i.args[2])):
        assumed = assume(condition, outcome, compared) if outcome in args[0] else None
        if assumed is not None:
            arms.append(assumed.get(arm, known[arm].interval))
    return arms[0].hull(arms[-1])


def _within(i: Instruction, bounds: Interval, chosen: Ranges) -> Interval:
    """The bounds; where they leave the value's format, what is left of them by the comparisons before it."""
    if bounds in i.format.interval:
        return bounds
    both = bounds.meet(chosen[i.name].lo, chosen[i.name].hi)
    assert both is not None  # there is a value, and it is in both
    return both


def claims(node: IntNeuron, channels: list[tuple[int, int]], progress: Progress | None = None) -> dict[str, Any]:
    """The claims about a layer, ready for certificate.json.

    Args:
        channels: (lowest, highest) synaptic sum of each channel.
    """
    program = node.program
    entry = program.input.name
    groups = _groups(program, channels)
    seen: dict[str, Known] = {}
    errors: dict[str, tuple[Error, int]] = {}
    worst: dict[str, dict[int, float]] = {}  # variable -> channel -> its largest error
    payloads: dict[int, Interval] = {}
    firing: list[dict[str, Any]] = []
    witnesses: dict[str, dict[str, int]] = {}
    singles = [(group, one_channel(program, group.channels[0])) for group in groups]
    for group, single, at in ((g, at_step(p, at), at) for g, p in singles for at in steps(p)):
        held = {entry: group.input, **{name: declared_interval(s) for name, s in single.states.items()}}
        found = analyse(single, held, _reals(node, group.channels[0]), progress)
        for name, known in found.known.items():
            before = seen.get(name)
            seen[name] = known if before is None else Known(before.interval.hull(known.interval), _weaker(before, known))
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
        "errors": _errors(node, errors, worst),
        "firing": _merged(firing),
    }


@dataclass(frozen=True)
class _Group:
    """Channels with the same constants, and the hull of what enters them."""

    channels: list[int]
    input: Interval

    def entered_by(self, entering: list[tuple[int, int]], x: int | None) -> int:
        """The first of the channels that this input can enter; the first of all where it lies between what enters them."""
        return next((c for c in self.channels if x is not None and entering[c][0] <= x <= entering[c][1]), self.channels[0])


def _groups(program: Program, channels: list[tuple[int, int]]) -> list[_Group]:
    if program.channels == 1:
        return [_Group(list(range(len(channels))), _hull(channels))]
    found: dict[tuple[int, ...], list[int]] = {}
    for c in range(len(channels)):
        key = tuple(values[c if len(values) > 1 else 0] for values in program.params.values())
        found.setdefault(key, []).append(c)
    return [_Group(members, _hull([channels[c] for c in members])) for members in found.values()]


def _hull(pairs: list[tuple[int, int]]) -> Interval:
    return Interval(min(lo for lo, _ in pairs), max(hi for _, hi in pairs))


def _weaker(a: Known, b: Known) -> str:
    return TRIED if a.method == b.method == TRIED else INTERVAL


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


def _reals(node: IntNeuron, channel: int) -> dict[str, tuple[str, list[float], float]]:
    """What two values of the program stand for, in units of the state."""
    meaning, program, roles = node.meaning, node.program, node.program.roles
    if meaning is None or roles is None:
        return {}
    polynomial, entering = roles.polynomial, roles.entering
    row = meaning.coefficients[channel if len(meaning.coefficients) > 1 else 0]
    factor = meaning.input_factor[channel if len(meaning.input_factor) > 1 else 0]
    lsb, raw, head = (2.0 ** -program.by_name[v].format.frac for v in (polynomial.argument, program.input.name, entering))
    return {
        polynomial.argument: (polynomial.value, [a / lsb for a in row], lsb),
        program.input.name: (entering, [0.0, factor / head], raw),
    }


def _errors(node: IntNeuron, errors: dict[str, tuple[Error, int]], worst: dict[str, dict[int, float]]) -> dict[str, Any]:
    """Worst distance from the real numbers, in units of the state, with the place where it occurs, and of every channel."""
    roles = node.program.roles
    if node.meaning is None or roles is None:
        return {}
    named = {"polynomial": roles.polynomial.argument, "input": node.program.input.name}
    return {what: _error_claim(*errors[v], worst[v]) for what, v in named.items() if v in errors}


def _error_claim(error: Error, channel: int, each: dict[int, float]) -> dict[str, Any]:
    signed = [round(error.low, DIGITS), round(error.high, DIGITS)]
    channels = {str(c): round(e, DIGITS) for c, e in each.items()}
    return {"state_lsb": round(error.error, DIGITS), "at": error.at, "channel": channel, "signed": signed, "channels": channels}


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
