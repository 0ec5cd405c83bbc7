"""Every state that a neuron of few bits ever reaches, so that two programs can be compared for good."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Op, Program, initial_value, one_channel, values_of
from snn2hw.trace import Ints

CHUNK = 1 << 18


def always_equal(layer: IntNeuron, mutant: Program, sums: Ints) -> bool:
    """Whether both give the same outputs from every state that the layer's program reaches, whatever the sums are at each step.

    Args:
        sums: [K, C], the K values that the synaptic sum of each channel can have.
    """
    for c in range(sums.shape[1]):
        program, other = one_channel(layer.program, c), one_channel(mutant, c)
        reached, given = reachable(program, sums[:, c]), np.unique(sums[:, c])
        for start in range(0, len(reached), CHUNK):
            part = reached[start : start + CHUNK]
            for x in given:
                ours, theirs = outputs(program, part, int(x)), outputs(other, part, int(x))
                if any(not np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)):
                    return False
    return True


def reachable(program: Program, sums: Ints) -> Ints:
    """[R, states]: all that follow from the initial states under any sequence of the sums."""
    states = list(program.states.values())
    start = np.array([[initial_value(s) for s in states]])
    seen, new = pack(start), start
    while len(new):
        after = np.concatenate([np.stack(outputs(program, new, int(x))[1:], axis=1) for x in np.unique(sums)])
        keys, first = np.unique(pack(after), return_index=True)
        fresh = ~np.isin(keys, seen)
        new, seen = after[first[fresh]], np.concatenate([seen, keys[fresh]])
    return unpack(np.sort(seen), len(states))


def outputs(program: Program, states: Ints, x: int) -> list[Ints]:
    """Spikes and next states, each [R], of states [R, S] and one sum."""
    place = {name: n for n, name in enumerate(program.states)}
    values = evaluate(
        program, lambda i: values_of(i)[0] if i.op is Op.PARAM else np.int64(x) if i.op is Op.INPUT else states[:, place[i.name]]
    )
    order = ["spikes", *program.states]
    flat = np.zeros(len(states), np.int64)
    return [flat + values[program.outputs[name].name] for name in order]


BITS = 16  # of a packed state


def pack(states: Ints) -> Ints:
    """[R, S] as one number each."""
    key = np.zeros(len(states), np.int64)
    for column in states.T:
        assert column.size == 0 or np.abs(column).max() < 1 << (BITS - 1)
        key = (key << BITS) | (column & ((1 << BITS) - 1))
    return key


def unpack(keys: Ints, states: int) -> Ints:
    """Inverse of `pack`."""
    columns = [(keys >> (BITS * n)) & ((1 << BITS) - 1) for n in reversed(range(states))]
    return np.stack([c - ((c >> (BITS - 1)) << BITS) for c in columns], axis=1)
