"""reference: the law. The op table over int64 arrays, layer by layer, step by step, nothing clever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.base import gated
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.heads import multiplied
from snn2hw.ir.integer import (
    IntAdd,
    IntConv2d,
    IntegerNetwork,
    IntFeedback,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntNeuron,
    IntNode,
    IntReadout,
    IntSumPool2d,
)
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, initial_value, values_of
from snn2hw.ir.windows import convolve, windows
from snn2hw.trace import Ints, Trace

INT64_MIN = int(np.iinfo(np.int64).min)


class Reference:
    """The interpreter every other executor is compared with."""

    name = "reference"
    says = "the law: the op table over NumPy int64"

    def unavailable(self) -> str:
        """It always runs."""
        return ""

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...]."""
        return interpret(artefact.network, payloads, traces)


def interpret(net: IntegerNetwork, payloads: Ints, traces: bool = True) -> Trace:
    """Evaluate the graph once per step, states starting at their initial values."""
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
                values[node.name] = layer_value(node, inputs)
        readout = readout + values[net.readout.name]
        fired = {name: values[name] for name in fired}
    if not traces:
        return Trace(readout)
    return Trace(readout, {k: np.stack(v) for k, v in spikes.items()}, {k: np.stack(v) for k, v in history.items()})


def layer_value(node: IntNode, inputs: Sequence[Ints]) -> Ints:
    """The value [N, ...] of a node other than input and neuron; what enters a feedback is of the step before."""
    return _ROWS[type(node)](node, inputs)


def initial_states(node: IntNeuron, samples: int) -> dict[str, Ints]:
    """Every state of the layer before the first step."""
    shape = (samples, *node.shape)
    return {name: np.full(shape, initial_value(s), np.int64) for name, s in node.program.states.items()}


def step(program: Program, x: Ints, states: Mapping[str, Ints]) -> tuple[Ints, dict[str, Ints]]:
    """(payload, next states) of a layer; x and states [N, C, ...], constants per channel along axis 1."""

    def sources(i: Instruction) -> Ints:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (x.ndim - 2))
        return states[i.name] if i.op is Op.STATE else x

    values = evaluate(program, sources)
    outputs = {to: np.broadcast_to(values[i.name], x.shape) for to, i in program.outputs.items()}
    return outputs.pop(SPIKES), outputs


def _exact_float(x: Any) -> Any:
    # float64 adds and multiplies these integers exactly: rules keep every partial sum below 2**31, far below 2**53;
    # and NumPy has a fast matrix product for floats only.
    return x.astype(np.float64)


def _conv2d(node: IntConv2d, inputs: Sequence[Ints]) -> Ints:
    x, weight, bias = map(_exact_float, (inputs[0], node.weight, node.bias))
    return convolve(x, weight, bias, node.window, node.groups).astype(np.int64)


def _linear(node: IntLinear, inputs: Sequence[Ints]) -> Ints:
    x, weight, bias = map(_exact_float, (inputs[0], node.weight, node.bias))
    result: Ints = (x @ weight.T + bias).astype(np.int64)
    return result


def _matmul(node: IntMatMul, inputs: Sequence[Ints]) -> Ints:
    product: Ints = multiplied(node, list(map(_exact_float, inputs)), np.matmul).astype(np.int64)
    return product


_ROWS: Mapping[type[IntNode], Callable[[Any, Sequence[Ints]], Ints]] = {
    IntConv2d: _conv2d,
    IntLinear: _linear,
    IntSumPool2d: lambda n, x: windows(x[0], n.window).sum((4, 5)),
    IntMaxPool2d: lambda n, x: windows(x[0], n.window, fill=INT64_MIN).max((4, 5)),
    IntFlatten: lambda n, x: x[0].reshape(len(x[0]), -1),
    IntAdd: lambda n, x: (x[0] << n.shifts[0]) + (x[1] << n.shifts[1]),
    IntMatMul: _matmul,
    IntFeedback: lambda n, x: x[0],
    IntReadout: lambda n, x: x[0],
}
