"""The counts under NeuroBench's own names, and those that it has no name for."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.estimation.counts import Counts
from snn2hw.ir.delay import KIND as DELAY
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.layers import IntSynapse
from snn2hw.passes.head import ALIGN

DIGITS = 4  # to which NeuroBench rounds the share of connections


def neurobench_keys(net: IntegerNetwork, counts: Counts) -> dict[str, Any]:
    """Of a sample, on average; every key of NeuroBench 2.3 has its meaning and its unit.

        ParameterCount      weights, biases of layers that have any, and constants of neurons
        Footprint           bytes: weights of 8 bits, biases and constants of 32 bits, constants of the neurons wider than
                            that of 64, as `IntegerModel` holds them
        ConnectionSparsity  share of the weights that are 0
        ActivationSparsity  share of the neurons' values that are 0
        MembraneUpdates, SynapticOperations: see `snn2hw.estimation.counts`

    Besides: PackedBits, what the numbers take where each has as many bits as it needs; StateBits; SpikesPerValue of neurons
    that fire more than once; AdditionsBySpike; NeuronInstructions; JoinAdditions of joins and of pools that sum.

    Args:
        net: the network. counts: of samples.
    """
    synapses = [n for n in net.nodes if isinstance(n, IntSynapse)]
    weights, biases = sum(n.weight.size for n in synapses), sum(n.bias.size for n in synapses if n.bias.any())
    constants = [values for n in net.neurons for values in n.program.params.values()]
    wide = sum(len(v) for v in constants if max(map(abs, v)) >= 1 << 31)
    number = sum(map(len, constants))
    zeros = sum(s.zeros for s in counts.synapses.values())
    weighted = [counts.synapses[n.name] for n in synapses]
    neurons = [counts.neurons[n.name] for n in net.neurons if is_neuron(n)]
    values = sum(n.neurons for n in neurons) * counts.steps * counts.samples
    sent, spikes = sum(int(n.sent.sum()) for n in neurons), sum(int(n.spikes.sum()) for n in neurons)
    every = sum(sum(n.instructions.values()) * n.neurons for n in neurons) * counts.steps
    return {
        "ParameterCount": weights + biases + number,
        "Footprint": weights + 4 * (biases + number + wide),
        "ConnectionSparsity": round(zeros / weights, DIGITS) if weights else 0.0,
        "ActivationSparsity": (values - sent) / values if values else 0.0,
        "MembraneUpdates": sum(int(n.updates.sum()) for n in neurons) / counts.samples,
        "SynapticOperations": {
            "Effective_MACs": sum(s.macs for s in weighted) / counts.samples,
            "Effective_ACs": sum(s.accumulates for s in weighted) / counts.samples,
            "Dense": float(sum(s.dense for s in weighted) * counts.steps),
        },
        "PackedBits": sum(_packed(n.weight) + (_packed(n.bias) if n.bias.any() else 0) for n in synapses)
        + sum(_packed(np.array(v, dtype=object)) for v in constants),
        "StateBits": sum(n.neurons * n.state_bits for n in counts.neurons.values()),
        "SpikesPerValue": spikes / sent if sent else 0.0,
        "AdditionsBySpike": sum(int(s.by_spike.sum()) for s in weighted) / counts.samples,
        "NeuronInstructions": every,
        "JoinAdditions": sum(counts.sums.values()) * counts.steps,
    }


def is_neuron(node: IntNeuron) -> bool:
    """Whether a layer with a program is one of neurons; not a delay, nor what brings the sums of a readout to one scale."""
    return node.program.kind not in (ALIGN, DELAY)


def _packed(values: Any) -> int:
    """Bits of the numbers, all as wide as the widest of them."""
    low, high = int(values.min()), int(values.max())
    width = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
    return int(values.size) * max(width, 1)
