"""What enters the layers at one step, recomputed on the reference from the spike values of a trace."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.trace import Ints, Trace


def values_at(net: IntegerNetwork, t: int, trace: Trace, payloads: Ints) -> dict[str, Ints]:
    """The value [N, ...] of every node but the readout at step t, by its name.

    Args:
        net: the integer network that ran. trace: of the whole network, with the spikes of every layer.
        payloads: [T, N, ...] that entered.
    """
    values: dict[str, Ints] = {net.input.name: payloads[t]}
    for node in net.nodes[1:-1]:
        if isinstance(node, IntNeuron):
            values[node.name] = trace.spikes[node.name][t]
        elif isinstance(node, IntFeedback):
            earlier = trace.spikes[node.inputs[0]]
            values[node.name] = earlier[t - 1] if t else np.zeros_like(earlier[0])
        else:
            values[node.name] = node.value([values[i] for i in node.inputs])
    return values


def synaptic_sums(net: IntegerNetwork, layer: str, t: int, trace: Trace, payloads: Ints, sample: int) -> Ints:
    """What enters neuron layer `layer` of one sample at step t, shape of the layer. Arguments as `values_at`.

    Args:
        sample: which of the N.
    """
    known = {n.name: n for n in net.nodes}
    one = values_at(net, t, trace.part(sample, sample + 1), payloads[:, sample : sample + 1])
    sums: Ints = one[known[layer].inputs[0]][0]
    return sums
