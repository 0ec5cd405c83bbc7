"""A delay as a neuron program: what enters waits in states, so that every executor that runs programs runs delays."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.errors import ValueRangeError
from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.ir.program_rules import check_program
from snn2hw.num import Interval

KIND = "Delay"
MOST_DELAY = 62  # of an axon on Loihi


def delay_program(delays: Sequence[int], payloads: Interval, frac: int = 0) -> Program:
    """y[t] = x[t - delay], 0 before anything has arrived; state 'd<k>' is what entered k - 1 steps ago.

    Args:
        delays: steps, one for the layer or one per channel.
        payloads: what can enter. frac: its binary point.

    Raises:
        ValueRangeError: a delay outside 0 to 62.
    """
    lowest, longest = min(delays), max(delays)
    if lowest < 0 or longest > MOST_DELAY:
        raise ValueRangeError(
            "a delay is out of range",
            where="delay",
            got=str(lowest if lowest < 0 else longest),
            expected=f"0 to {MOST_DELAY}",
            do=f"use delays from 0 to {MOST_DELAY} steps",
        )
    b, held = ProgramBuilder(KIND), payloads.hull(Interval(0, 0))
    waiting = [b.emit(Op.STATE, f"d{k}", (), (held.lo, held.hi, 0), frac) for k in range(1, longest + 1)]
    x = b.emit(Op.INPUT, "x", (), (held.lo, held.hi), frac)
    taps = [x, *waiting]
    used = sorted(set(delays))
    value = taps[used[0]]
    for k in used[1:]:
        here = b.param(f"is_{k}", [int(d == k) for d in delays], 0)
        value = b.emit(Op.SELECT, f"tap_{k}", (here, taps[k], value))
    b.emit(Op.OUTPUT, SPIKES, (value,), (SPIKES,))
    for k, entering in enumerate(taps[:-1], 1):
        b.emit(Op.OUTPUT, f"d{k}_next", (entering,), (f"d{k}",))
    program, _ = with_narrowest_formats(b.program())
    check_program(program)
    return program
