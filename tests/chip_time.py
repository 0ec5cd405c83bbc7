"""A network in the chip's time: one step from layer to layer, every layer reset on a schedule of its own."""

from __future__ import annotations

import numpy as np

from snn2hw.backends.reference import initial_states, step
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.trace import Ints


def on_chip(net: IntegerNetwork, payload: Ints, steps: int, period: int, offset: int = 0) -> dict[str, Ints]:
    """Traces [steps, ...] of one sample [...] shown at every step: 'layer' for spikes, 'layer.state' for states.

    Layer k sees at step t what layer k - 1 fired at step t - 1, and is reset before steps k + offset, k + offset + period, ...;
    spikes in flight are kept. Before its first reset a layer runs from rest.
    """
    order = {n.name: k for k, n in enumerate(net.neurons)}
    states = {n.name: initial_states(n, 1) for n in net.neurons}
    before = {n.name: np.zeros((1, *n.shape), np.int64) for n in net.neurons}
    traces: dict[str, list[Ints]] = {}
    for t in range(steps):
        values, fired = {net.input.name: payload[None].astype(np.int64)}, {}
        for node in net.nodes[1:]:
            inputs = [values[i] for i in node.inputs]
            if not isinstance(node, IntNeuron):
                values[node.name] = node.value(inputs)
                continue
            if (t - order[node.name] - offset) % period == 0:
                states[node.name] = initial_states(node, 1)
            fired[node.name], states[node.name] = step(node.program, inputs[0], states[node.name])
            values[node.name] = before[node.name]
            traces.setdefault(node.name, []).append(fired[node.name][0])
            for name, value in states[node.name].items():
                traces.setdefault(f"{node.name}.{name}", []).append(value[0])
        before = fired
    return {name: np.stack(values) for name, values in traces.items()}
