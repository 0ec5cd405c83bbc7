"""reference: it decides. The op table over int64 arrays, layer by layer, step by step, nothing clever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.base import HoldsAll, gated
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, initial_value, values_of
from snn2hw.trace import Ints, Trace


class Reference(HoldsAll):
    """The interpreter every other executor is compared with."""

    name = "reference"
    description = "the interpreter that decides: the op table over NumPy int64"

    def unavailable(self) -> str:
        """It always runs."""
        return ""

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]. Arguments as `Executor.run`."""
        return interpret(artefact.network, payloads, traces)


def interpret(net: IntegerNetwork, payloads: Ints, traces: bool = True) -> Trace:
    """Evaluate the graph once per step, states starting at their initial values.

    Args:
        net: in order of evaluation. payloads: int64 [T, N, ...]. traces: whether spikes and states are kept.
    """
    samples = payloads.shape[1]
    states = {n.name: initial_states(n, samples) for n in net.neurons}
    spikes: dict[str, list[Ints]] = {n.name: [] for n in net.neurons}
    history: dict[str, list[Ints]] = {f"{n.name}.{s}": [] for n in net.neurons for s in n.program.states}
    readout: Any = 0
    fired = {n.inputs[0]: np.zeros((samples, *n.shape), np.int64) for n in net.feedbacks}  # at the step before
    for x in payloads:
        values: dict[str, Ints] = {net.input.name: x.astype(np.int64)}
        for node in net.nodes[1:]:
            inputs = [(fired if isinstance(node, IntFeedback) else values)[i] for i in node.inputs]
            if isinstance(node, IntNeuron):
                values[node.name], states[node.name] = step(node.program, inputs[0], states[node.name])
                if traces:
                    spikes[node.name].append(values[node.name])
                    for state, value in states[node.name].items():
                        history[f"{node.name}.{state}"].append(value)
            else:
                values[node.name] = node.value(inputs)
        readout = net.readout.joined(readout, values[net.readout.name])
        fired = {name: values[name] for name in fired}
    if not traces:
        return Trace(readout)
    return Trace(readout, {k: np.stack(v) for k, v in spikes.items()}, {k: np.stack(v) for k, v in history.items()})


def initial_states(node: IntNeuron, samples: int) -> dict[str, Ints]:
    """Every state of the layer before the first step."""
    shape = (samples, *node.shape)
    return {name: np.full(shape, initial_value(s), np.int64) for name, s in node.program.states.items()}


def step(program: Program, x: Ints, states: Mapping[str, Ints]) -> tuple[Ints, dict[str, Ints]]:
    """(spike value, next states) of a layer; x and states [N, C, ...], constants per channel along axis 1.

    Args:
        program: of the layer's neuron.
    """

    def sources(i: Instruction) -> Ints:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (x.ndim - 2))
        return states[i.name] if i.op is Op.STATE else x

    values = evaluate(program, sources)
    outputs = {to: np.broadcast_to(values[i.name], x.shape) for to, i in program.outputs.items()}
    return outputs.pop(SPIKES), outputs
