"""The synaptic sum of a layer at one step, recomputed on the reference from the payloads of a trace."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.trace import Ints, Trace


def synaptic_sums(net: IntegerNetwork, layer: str, t: int, trace: Trace, payloads: Ints, sample: int) -> Ints:
    """What enters neuron layer `layer` of one sample at step t, shape of the layer.

    Args:
        net: the integer network that ran. trace: of the whole network, with the spikes of every layer.
        payloads: [T, N, ...] that entered. sample: which of the N.
    """
    known = {n.name: n for n in net.nodes}

    def value(name: str, t: int) -> Ints:
        node = known[name]
        if name == net.input.name:
            one: Ints = payloads[t, sample : sample + 1]
            return one
        if isinstance(node, IntNeuron):
            fired: Ints = trace.spikes[name][t, sample : sample + 1]
            return fired
        if isinstance(node, IntFeedback):
            return value(node.inputs[0], t - 1) if t else np.zeros((1, *node.shape), np.int64)
        return node.value([value(i, t) for i in node.inputs])

    sums: Ints = value(known[layer].inputs[0], t)[0]
    return sums
