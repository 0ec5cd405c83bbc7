"""Which integers each value of a program can take, for every declared state and input."""

from __future__ import annotations

from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.num import Interval

Ranges = dict[str, Interval]


def ranges(program: Program) -> Ranges:
    """An interval for every value, sound for all channels, all declared states and all declared inputs.

    Constants are exact per channel. Where a select is decided by a comparison, each arm is bounded under the outcome
    that chooses it: in select(r >= t, r - t, r) the first arm sees r >= t, the second r < t, so a reset by subtraction
    is known to stay in range.
    """
    total: Ranges = {}
    for channel in _unlike(program):
        for name, interval in _channel_ranges(program, channel).items():
            total[name] = total[name].hull(interval) if name in total else interval
    return total


def _unlike(program: Program) -> list[int]:
    """The first channel of all that have the same constants: the others' intervals are its own."""
    several = [values for i in program.of(Op.PARAM) if len(values := values_of(i)) > 1]
    if not several:
        return [0]
    first: dict[tuple[int, ...], int] = {}
    for channel, constants in enumerate(zip(*several, strict=True)):
        first.setdefault(constants, channel)
    return list(first.values())


def _channel_ranges(program: Program, channel: int) -> Ranges:
    known: Ranges = {}
    for i in program.instructions:
        known[i.name] = _interval(i, known, program, channel)
    return known


def _interval(i: Instruction, known: Ranges, program: Program, channel: int) -> Interval:
    if i.op is Op.PARAM:
        values = values_of(i)
        value = values[channel if len(values) > 1 else 0]
        return Interval(value, value)
    if i.op is Op.SELECT:
        return _select(i, known, program, channel)
    return OPTABLE[i.op].interval([known[a] for a in i.args], i.attrs, i.format)


def _select(i: Instruction, known: Ranges, program: Program, channel: int) -> Interval:
    condition, if_true, if_false = i.args
    if known[condition] not in Interval(0, 1):  # not legal; the rules say so, with both arms' interval
        return known[if_true].hull(known[if_false])
    arms = []
    for arm, outcome in ((if_true, 1), (if_false, 0)):
        if outcome not in known[condition]:
            continue
        assumed = assume(program.by_name[condition], outcome, known)
        if assumed is not None:
            arms.append(_under(arm, assumed, known, program, channel))
    return arms[0] if len(arms) == 1 else arms[0].hull(arms[1])


def constant_value(i: Instruction, known: Ranges) -> int | None:
    """The value of what is the same for every channel, state and input; None where it is not.

    Args:
        i: an instruction. known: of its program.
    """
    if i.op in (Op.STATE, Op.INPUT, Op.OUTPUT):
        return None
    interval = known[i.name]
    return interval.lo if interval.lo == interval.hi else None


def assume(condition: Instruction, outcome: int, known: Ranges) -> Ranges | None:
    """What is known of the values that a comparison compares, once its outcome (0 or 1) is; None where it cannot be.

    Args:
        condition: GE or GT; of anything else nothing is known. outcome: 0 or 1. known: by name, intervals before it.
    """
    if condition.op not in (Op.GE, Op.GT):
        return {}
    a, b = condition.args
    strict = int((condition.op is Op.GT) == bool(outcome))  # a > b, or (not a >= b) = b > a
    larger, smaller = (a, b) if outcome else (b, a)
    high = known[larger].meet(lo=known[smaller].lo + strict)
    low = known[smaller].meet(hi=known[larger].hi - strict)
    return None if high is None or low is None else {larger: high, smaller: low}


def _under(name: str, assumed: Ranges, known: Ranges, program: Program, channel: int, memo: Ranges | None = None) -> Interval:
    """The interval of a value when some of the values it is made of are known better; follows its cone until then."""
    memo = dict(assumed) if memo is None else memo
    if name not in memo:
        i = program.by_name[name]
        if not assumed or not i.args or i.op is Op.SELECT:
            memo[name] = known[name]
        else:
            local = dict(known)
            local.update({a: _under(a, assumed, known, program, channel, memo) for a in i.args})
            memo[name] = _interval(i, local, program, channel)
    return memo[name]
