"""Ranges of all values of one channel: by trying every integer of each variable, by intervals where two variables meet."""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.certificate.engine import Error, Progress
from snn2hw.certificate.slices import Slice, slices
from snn2hw.certificate.tried import Tried
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.ir.ranges import Ranges, assume, ranges
from snn2hw.num import Interval

TRIED, INTERVAL = "enumeration", "interval"
MOST_TRIED = 1 << 24  # values of one variable; a wider one is bounded by intervals


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
    program: Program,
    held: dict[str, Interval],
    reals: dict[str, tuple[str, list[float], float]],
    progress: Progress | None,
    tried: Tried,
) -> Analysis:
    """Ranges of all values of one channel's program.

    Args:
        program: of that channel alone. progress: called with the number of values tried since the last call.
        tried: what other channels of the layer gave.
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
        _follow(part, known, errors, reals, progress, chosen, program, tried)
    return Analysis(known, errors)


def _follow(
    part: Slice,
    known: dict[str, Known],
    errors: dict[str, Error],
    reals: dict[str, tuple[str, list[float], float]],
    progress: Progress | None,
    chosen: Ranges,
    program: Program,
    tried: Tried,
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
    found = tried.found(part, interval, watched, coefficients, unit, progress)
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


def weaker(a: Known, b: Known) -> str:
    """How two ranges that are put together are known."""
    return TRIED if a.method == b.method == TRIED else INTERVAL
