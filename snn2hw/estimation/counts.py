"""What a network does on samples, counted from its integers: synaptic operations, spikes, updates of neurons.

The rules are NeuroBench's (github.com/NeuroBench/neurobench, 2.3), so that the numbers stand beside those of other
papers:

    a synaptic operation       a value other than 0 meets a weight other than 0; biases, pools and joins are not counted
    accumulate (AC) or MAC     of a layer at a step: AC where all values that enter are -1, 0 or 1, else all are MACs
    Dense                      every weight meets a value, whether they are 0 or not; padding is no value
    a membrane update          of a neuron at a step that leaves another membrane than the step before; all at step 0

What NeuroBench has no word for is counted beside it: values of -1 and 1 apart from all others, value by value; the
spikes that a graded value is made of; additions if each of them is sent by itself; and the instructions of the neuron.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.estimation.values import Values
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode
from snn2hw.ir.program import Op, initial_value
from snn2hw.layers import IntAdd, IntMatMul, IntMultiply, IntSumPool2d, IntSynapse
from snn2hw.shown import brief
from snn2hw.simplification import simplified
from snn2hw.trace import Ints, Trace

FREE = (Op.CONST, Op.PARAM, Op.STATE, Op.INPUT, Op.OUTPUT)  # they name a value, and compute nothing


@dataclass
class SynapseCounts:
    """One layer with weights, or one product of two streams; sums over all samples, one number for each step.

    Args:
        source: where it came from, for tables. weights, zeros: its weights, and those that are 0; none of a product.
        dense: synaptic operations of one sample at one step if nothing were 0.
        single: operations whose value is -1 or 1. graded: those with any other value.
        by_spike: additions if a graded value were sent as the spikes that it is made of.
        multiplies: whether any value that entered, at this step, was not -1, 0 or 1: then NeuroBench counts MACs.
    """

    source: str
    dense: int
    single: Ints
    graded: Ints
    by_spike: Ints
    multiplies: npt.NDArray[np.bool_]
    weights: int = 0
    zeros: int = 0

    __repr__ = brief

    @property
    def operations(self) -> Ints:
        """Of any kind, at each step."""
        return self.single + self.graded

    @property
    def accumulates(self) -> int:
        """NeuroBench's effective ACs, of all samples."""
        return int(self.operations[~self.multiplies].sum())

    @property
    def macs(self) -> int:
        """NeuroBench's effective MACs, of all samples."""
        return int(self.operations[self.multiplies].sum())


@dataclass
class NeuronCounts:
    """One layer of neurons; sums over all samples, one number for each step.

    Args:
        source: where it came from. kind: what the neuron is called. neurons: how many.
        instructions: of its program, by operation, without those that only name a value.
        states, state_bits: of one neuron: how many, and their width together.
        sent: values other than 0. spikes: the spikes that they are made of.
        updates: neurons whose membrane is another one than after the step before, all at step 0.
        changed: neurons of which any state is another one than before the step.
    """

    source: str
    kind: str
    neurons: int
    instructions: Mapping[str, int]
    states: int
    state_bits: int
    sent: Ints
    spikes: Ints
    updates: Ints
    changed: Ints

    __repr__ = brief


@dataclass
class Counts:
    """What was counted on `samples` samples of `steps` steps each.

    Args:
        synapses, neurons: by the name of the layer, in order. sums: additions of one sample at one step that joins and
            pools make, by the name of the layer.
    """

    net: IntegerNetwork
    samples: int = 0
    synapses: dict[str, SynapseCounts] = field(default_factory=dict)
    neurons: dict[str, NeuronCounts] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)

    __repr__ = brief

    def __post_init__(self) -> None:
        self._known = {n.name: n for n in self.net.nodes}
        self._by_value = {n.name: np.zeros(n.shape, np.int64) for n in (self.net.input, *self.net.neurons)}
        self._fans: dict[str, Ints] = {}
        for node in self.net.nodes:
            if isinstance(node, IntSynapse | IntMatMul | IntMultiply):
                self.synapses[node.name] = self._synapse(node)
            elif isinstance(node, IntNeuron):
                self.neurons[node.name] = self._neuron(node)
            elif additions := _additions(node, self._known):
                self.sums[node.name] = additions

    @property
    def steps(self) -> int:
        """T."""
        return self.net.steps

    def add(self, payloads: Ints, trace: Trace) -> None:
        """One batch.

        Args:
            payloads: [T, N, ...] that entered. trace: of the whole network on them, with spikes and states.
        """
        self.samples += payloads.shape[1]
        self._by_value[self.net.input.name] += np.count_nonzero(payloads, axis=(0, 1))
        for neuron in self.net.neurons:
            self._by_value[neuron.name] += np.count_nonzero(trace.spikes[neuron.name], axis=(0, 1))
        values = Values(self.net, payloads, trace)
        for node in self.net.nodes:
            if isinstance(node, IntSynapse):
                self._add_synapse(node, values)
            elif isinstance(node, IntMatMul | IntMultiply):
                self._add_product(node, values)
            elif isinstance(node, IntNeuron):
                self._add_neuron(node, trace, values)

    def spikes_by_value(self) -> dict[str, npt.NDArray[np.float64]]:
        """How often each value of the input and of each neuron was other than 0 in a sample, on average; by name of the layer."""
        return {name: sent / self.samples for name, sent in self._by_value.items()}

    def _synapse(self, node: IntSynapse | IntMatMul | IntMultiply) -> SynapseCounts:
        single, graded, by_spike = np.zeros((3, self.steps), np.int64)
        flags = np.zeros(self.steps, np.bool_)
        if not isinstance(node, IntSynapse):
            ones = [np.ones((1, *self._known[i].shape), np.int64) for i in node.inputs]
            return SynapseCounts(node.source, int(node.value(ones).sum()), single, graded, by_spike, flags)
        entering = self._known[node.inputs[0]].shape
        self._fans[node.name] = node.fan_out(entering)
        zeros = node.weight.size - int(np.count_nonzero(node.weight))
        return SynapseCounts(node.source, node.macs(entering), single, graded, by_spike, flags, node.weight.size, zeros)

    def _neuron(self, node: IntNeuron) -> NeuronCounts:
        program, nothing = simplified(node.program), np.zeros((4, self.steps), np.int64)  # as back ends run it
        computed = Counter(i.op.value for i in program.instructions if i.op not in FREE)
        bits = sum(s.format.width for s in program.states.values())
        return NeuronCounts(
            node.source, program.kind, int(np.prod(node.shape)), dict(computed), len(program.states), bits, *nothing
        )

    def _add_synapse(self, node: IntSynapse, values: Values) -> None:
        found, fan, entering = self.synapses[node.name], self._fans[node.name], node.inputs[0]
        for t in range(self.steps):
            size = np.abs(values.at(entering, t))
            single, graded = (size == 1).sum(0), (size > 1).sum(0)
            found.single[t] += (single * fan).sum()
            found.graded[t] += (graded * fan).sum()
            found.multiplies[t] |= bool(graded.any())
            found.by_spike[t] += (values.spikes(entering, t).sum(0) * fan).sum()

    def _add_product(self, node: IntMatMul | IntMultiply, values: Values) -> None:
        found = self.synapses[node.name]
        for t in range(self.steps):
            entering = [np.abs(values.at(i, t)) for i in node.inputs]
            every = int(node.value([(x != 0).astype(np.int64) for x in entering]).sum())
            single = int(node.value([(x == 1).astype(np.int64) for x in entering]).sum())
            found.single[t] += single
            found.graded[t] += every - single
            found.by_spike[t] += int(node.value([values.spikes(i, t) for i in node.inputs]).sum())
            found.multiplies[t] |= every != single

    def _add_neuron(self, node: IntNeuron, trace: Trace, values: Values) -> None:
        found, program = self.neurons[node.name], node.program
        membrane = program.roles.state if program.roles is not None else next(iter(program.states), "")
        fired = trace.spikes[node.name]
        for t in range(self.steps):
            found.sent[t] += np.count_nonzero(fired[t])
            found.spikes[t] += values.spikes(node.name, t).sum()
            moved = {s: self._moved(node, s, trace, t) for s in program.states}
            changed = np.zeros(fired[t].shape, np.bool_)
            for flags in moved.values():
                changed |= flags
            found.changed[t] += np.count_nonzero(changed)
            found.updates[t] += fired[t].size if t == 0 else np.count_nonzero(moved[membrane]) if membrane else 0

    def _moved(self, node: IntNeuron, state: str, trace: Trace, t: int) -> npt.NDArray[np.bool_]:
        history = trace.states[f"{node.name}.{state}"]
        before: Any = history[t - 1] if t else initial_value(node.program.states[state])
        moved: npt.NDArray[np.bool_] = history[t] != before
        return moved


def _additions(node: IntNode, known: Mapping[str, IntNode]) -> int:
    """Additions of a join or of a pool that sums, of one sample at one step."""
    if isinstance(node, IntAdd):
        return (len(node.inputs) - 1) * int(np.prod(node.shape))
    if isinstance(node, IntSumPool2d):
        ones = np.ones((1, *known[node.inputs[0]].shape), np.int64)
        return int(np.maximum(node.value([ones]) - 1, 0).sum())
    return 0
