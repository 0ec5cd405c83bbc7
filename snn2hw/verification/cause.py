"""Why a neuron differs: it is replayed on the reference with everything that entered it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn2hw.backends.reference import step as law_step
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import SPIKES, Program, declared_interval, initial_value, one_channel
from snn2hw.ir.program_text import instruction_to_text
from snn2hw.trace import Ints, Trace
from snn2hw.verification.inputs import synaptic_sums

SEARCHED = 1 << 22  # synaptic sums tried; wider inputs are searched around the right one


def explain(net: IntegerNetwork, layer: str, at: Sequence[int], got: Trace, expected: Trace, payloads: Ints | None) -> str:
    """What the first difference can come from, with the neuron's program replayed line by line.

    Since it is the first difference, all that enters the layer and its state before the step are equal. If some synaptic
    sum would make the reference give what was got, the synapse is suspected, and that sum is named; if none would, the neuron
    program itself was executed differently.

    Args:
        net: the network that both ran. layer: where the first difference is. at: its (step, sample, *place in the
            layer).
        got, expected: the traces of the executor and of the reference.
        payloads: [T, N, ...] that entered; None: unknown, and nothing is replayed.
    """
    node = next(n for n in net.neurons if n.name == layer)
    t, sample, *index = at
    before = {s: _before(node, expected, s, at) for s in node.program.states}
    seen = {
        SPIKES: int(got.spikes[layer][tuple(at)]),
        **{s: int(got.states[f"{layer}.{s}"][tuple(at)]) for s in node.program.states},
    }
    start = f"all that enters '{layer}' at step {t} is equal, so the fault is in its synapse or its neuron program"
    if payloads is None:
        return start
    x = int(synaptic_sums(net, layer, t, expected, payloads, sample)[tuple(index)])
    channel = index[0]
    others = _sums_that_give(node.program, before, seen, x, channel)
    if others is None:
        verdict = "no synaptic sum gives these values: the neuron program was executed differently"
    elif others == x:
        verdict = "the reference gives these values too: the trace was changed afterwards"
    else:
        verdict = f"a synaptic sum of {others} instead of {x} gives these values: the synapse is suspected"
    return f"{start}; {verdict}\n{_replay(node, x, before, channel)}"


def _before(node: IntNeuron, trace: Trace, state: str, at: Sequence[int]) -> int:
    if at[0] == 0:
        return initial_value(node.program.states[state])
    earlier = (at[0] - 1, *at[1:])
    return int(trace.states[f"{node.name}.{state}"][earlier])


def _sums_that_give(program: Program, before: dict[str, int], seen: dict[str, int], x: int, channel: int) -> int | None:
    """The synaptic sum nearest to x for which the reference gives what was seen, or None."""
    # A wrong weight can push the sum beyond what was proved for the right ones, so more than the declared is tried.
    declared = declared_interval(program.input)
    spread = declared.hi - declared.lo
    lo, hi = max(declared.lo - spread, x - SEARCHED // 2), min(declared.hi + spread, x + SEARCHED // 2)
    tried = np.arange(lo, hi + 1, dtype=np.int64)[None, None]
    states = {k: np.full(tried.shape, v, np.int64) for k, v in before.items()}
    payload, after = law_step(one_channel(program, channel), tried, states)
    fits = payload == seen[SPIKES]
    for name, values in after.items():
        fits = fits & (values == seen[name])
    if not fits.any():
        return None
    matching = tried[fits]
    return int(matching[np.argmin(np.abs(matching - x))])


def _replay(node: IntNeuron, x: int, before: dict[str, int], channel: int) -> str:
    values = evaluate_scalar(node.program, x, before, channel)
    lines = [f"    {values[i.name]:>12}  {instruction_to_text(i, lambda n, v: '...')}" for i in node.program.instructions]
    return "\n".join([f"  the reference, line by line (channel {channel}):", *lines])
