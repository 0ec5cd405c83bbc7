"""What an integer of each node stands for in the visible nodes of a NIR file: value = integer * scale.

Input unit; neuron 1 / its first spike value, or of one that does not fire its binary point; delay that of what enters it;
synapse what the neuron behind it wants, through joins, pools and delays, else 2**-frac;
join that of its branches, feedback of its neuron;
MaxPool2d of currents taps * scale before it, which makes the sum of a window its mean
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np

from snn2hw.formats.nir.aligned import alignment
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.write_delay import delays
from snn2hw.formats.nir.write_neuron import Tangent, tangent
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode
from snn2hw.ir.network import Reals
from snn2hw.layers import IntAdd, IntMaxPool2d, IntSumPool2d, IntSynapse


class Scales:
    """Scales of a network's values, each one for all [1] or, between a synapse and its neuron, one per channel [C]."""

    def __init__(self, net: IntegerNetwork, convention: Convention) -> None:
        self.nodes = {n.name: n for n in net.nodes}
        self.convention = convention
        self.readers: dict[str, list[IntNode]] = {n.name: [] for n in net.nodes}
        for node in net.nodes:
            for name in node.inputs:
                self.readers[name].append(node)
        self.tangent, self.factors = cache(self._tangent), cache(self._factors)
        self.of = cache(self._of)

    def _tangent(self, name: str) -> Tangent:
        node = self.nodes[name]
        assert isinstance(node, IntNeuron)
        return tangent(node, self.nodes[node.inputs[0]])

    def _factors(self, name: str) -> Reals | None:
        """Of a layer that only aligns its channels, what it multiplies them by."""
        node = self.nodes[name]
        return alignment(node) if isinstance(node, IntNeuron) else None

    def _of(self, name: str) -> Reals:
        node = self.nodes[name]
        if isinstance(node, IntInput):
            return np.array([node.unit])
        if isinstance(node, IntFeedback) or self.waits(name):
            return self.of(node.inputs[0])
        if isinstance(node, IntSynapse) or (isinstance(node, IntNeuron) and self.factors(name) is not None):
            return self._wanted_or_own(node)
        if isinstance(node, IntNeuron):
            t = self.tangent(name)
            return np.array([1 / t.payload if t.fires else t.unit])
        if isinstance(node, IntAdd):
            fixed = [i for i, source in enumerate(node.inputs) if not self.is_free(source)]
            return self.of(node.inputs[fixed[0]]) / 2.0 ** node.shifts[fixed[0]] if fixed else self._wanted_or_own(node)
        entering = self.of(node.inputs[0])
        return entering * prod(node.window.kernel) if isinstance(node, IntMaxPool2d) and not self.is_spikes(name) else entering

    def _wanted_or_own(self, node: IntNode) -> Reals:
        wanted = self._wanted(node)
        return np.array([2.0**-node.format.frac]) if wanted is None else wanted

    def _wanted(self, node: IntNode) -> Reals | None:
        """The scale that the only reader of a value asks for."""
        if len(self.readers[node.name]) != 1:
            return None
        reader = self.readers[node.name][0]
        if isinstance(reader, IntSumPool2d) or self.waits(reader.name):
            return self._wanted(reader)
        if isinstance(reader, IntNeuron):
            factors = self.factors(reader.name)
            return self.tangent(reader.name).gain if factors is None else self.of(reader.name) * factors
        if isinstance(reader, IntMaxPool2d):
            wanted = self._wanted(reader)
            return None if wanted is None else wanted / prod(reader.window.kernel)
        if isinstance(reader, IntAdd) and self.is_free(node.name):  # of any other, the join's own scale is asked
            return self.of(reader.name) * 2.0 ** reader.shifts[reader.inputs.index(node.name)]
        return None

    def is_free(self, name: str) -> bool:
        """Whether this is a synapse that only a join reads, once: its weights take any scale."""
        return (
            isinstance(self.nodes[name], IntSynapse)
            and len(self.readers[name]) == 1
            and isinstance(self.readers[name][0], IntAdd)
        )

    def is_spikes(self, name: str) -> bool:
        """Whether the visible values of a node are spikes, 0 or 1."""
        node = self.nodes[name]
        if isinstance(node, IntMaxPool2d | IntFeedback) or self.waits(name):
            return self.is_spikes(node.inputs[0])
        return isinstance(node, IntNeuron) and self.convention.levels == 1

    def waits(self, name: str) -> bool:
        """Whether this is a delay."""
        node = self.nodes[name]
        return isinstance(node, IntNeuron) and delays(node.program) is not None

    def pushed(self, neuron: IntNeuron) -> str:
        """The synapse whose bias can take the neuron's offset: read by it alone, or by the join that it alone reads; else ''."""
        if self.factors(neuron.name) is not None or self.waits(neuron.name):
            return ""
        source = self.nodes[neuron.inputs[0]]
        t = self.tangent(neuron.name)
        if len(self.readers[source.name]) != 1 or not t.gain.all():  # times 0 nothing would arrive
            return ""
        if t.current is not None:  # which would add it up
            return ""
        if isinstance(source, IntAdd):
            return next((i for i in source.inputs if self.is_free(i)), "")
        return source.name if isinstance(source, IntSynapse) else ""


def ratio(a: Reals, b: Reals) -> Reals:
    """a / b, 1 where they are equal, 0 and 0 too."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.ones(a.shape), where=a != b)
