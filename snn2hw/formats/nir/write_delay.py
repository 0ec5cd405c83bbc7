"""Programs that only make what enters wait: a Delay of NIR."""

from __future__ import annotations

from snn2hw.ir.program import SPIKES, Op, Program, initial_value, values_of


def delays(program: Program) -> tuple[int, ...] | None:
    """After how many steps what enters leaves, for the layer [1] or by channel [C]; None where a program does anything else."""
    found = [_delay(program, channel) for channel in range(program.channels)]
    if not program.states or any(initial_value(s) for s in program.states.values()):
        return None
    whole = tuple(steps for steps in found if steps is not None)
    return whole if len(whole) == len(found) else None


def _delay(program: Program, channel: int) -> int | None:
    """The way back from what leaves to what enters, a step for every state on it."""
    at, steps = program.outputs[SPIKES].args[0], 0
    while steps <= len(program.states):
        found = program.by_name[at]
        if found.op is Op.INPUT:
            return steps
        if found.op is Op.STATE:
            at, steps = program.outputs[found.name].args[0], steps + 1
        elif found.op is Op.SELECT and program.by_name[found.args[0]].op is Op.PARAM:
            flags = values_of(program.by_name[found.args[0]])
            at = found.args[1 if flags[channel if len(flags) > 1 else 0] else 2]
        else:
            return None
    return None
