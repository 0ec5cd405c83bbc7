"""What a float network computes, in float64: the trained model's equations, step by step, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from snn2hw.ir.family import equation_of
from snn2hw.ir.network import Delay, EquationNeuron, Feedback, Input, Network, Neuron, Node, Readout, Reals
from snn2hw.neurons import in_numpy
from snn2hw.neurons.library import CURRENT, MEMBRANE

Observer = Callable[[Node, Sequence[Reals], Reals], None]
After = Callable[[Neuron | EquationNeuron, Mapping[str, Reals]], None]


def run_real(
    net: Network,
    x: Reals,
    observe: Observer | None = None,
    held: Mapping[str, Reals] | None = None,
    *,
    after: After | None = None,
) -> Reals:
    """The readout [N, classes] of samples x: the sum over T, or the last step, as the network says; no mean is taken.

    Args:
        net: the float network.
        x: [N, ...] where the input is static, else [T, N, ...].
        observe: called with (node, its inputs, its value [N, ...]) for every node at every step; the input of a neuron that has
            a current is the current.
        held: by name of a node, values [T, N, ...] that the nodes behind it are given in the place of its own; `observe` is
            called with its own all the same.
        after: called with (neuron, its states by name [N, ...]) behind every step of a neuron.
    """
    held = held or {}
    neurons = {n.name: equation_of(n) if isinstance(n, Neuron) else n for n in net.neurons}
    states: dict[str, dict[str, Reals]] = {}
    waiting: dict[str, list[Reals]] = {}
    samples = len(x) if net.input.static else len(x[0])
    total: Reals = np.zeros(())
    values: dict[str, Reals] = {}
    fed_back = {i for n in net.nodes if isinstance(n, Feedback) for i in n.inputs}
    for t in range(net.steps):
        before, values = {i: v for i, v in values.items() if i in fed_back}, {}
        for node in net.nodes:
            if isinstance(node, Feedback):
                inputs = [before[i] if t else np.zeros((samples, *node.shape)) for i in node.inputs]
            else:
                inputs = [values[i] for i in node.inputs]
            if isinstance(node, Input):
                values[node.name] = x if node.static else x[t]
            elif isinstance(node, Delay):
                values[node.name] = delayed(node, waiting.setdefault(node.name, []), inputs[0])
            elif isinstance(node, Neuron | EquationNeuron):
                neuron = neurons[node.name]
                start = states.get(node.name) or in_numpy.initial(neuron.equation, inputs[0].shape)
                values[node.name], kept, _ = in_numpy.step(neuron.equation, neuron.parameters, start, inputs[0], t)
                states[node.name] = kept
                inputs = [kept.get(CURRENT, inputs[0])] if isinstance(node, Neuron) else inputs
                if after is not None:
                    after(node, kept)
            elif isinstance(node, Feedback | Readout):
                values[node.name] = inputs[0]
            else:
                values[node.name] = node.real(inputs)
            if observe is not None:
                observe(node, inputs, values[node.name])
            if node.name in held:
                values[node.name] = held[node.name][t]
        last = net.nodes[-1]
        adds = not isinstance(last, Readout) or last.kind == "sum"
        total = total + values[last.name] if adds else values[last.name]
    return total


def delayed(node: Delay, waiting: list[Reals], x: Reals) -> Reals:
    """What leaves while x enters; `waiting` holds all that entered before, and is given x.

    Args:
        node: says after how many steps, one number for all channels or one per channel.
    """
    waiting.append(x)
    taps = [waiting[-1 - k] if k < len(waiting) else np.zeros_like(x) for k in node.steps]
    return taps[0] if len(taps) == 1 else np.stack([tap[:, c] for c, tap in enumerate(taps)], axis=1)


def neuron_step(node: Neuron, u: Reals, x: Reals, t: int = 0) -> tuple[Reals, Reals]:
    """(spike value, next u) of the equation in `Neuron` at step t; u and x [N, C, ...], x the current where the neuron has one.

    Args:
        node: the layer, whose constants are per layer or per channel.
    """
    found = equation_of(node if node.current is None else replace(node, gain=1.0, current=None))
    payload, after, _ = in_numpy.step(found.equation, found.parameters, {MEMBRANE: u}, x, t)
    return payload, after[MEMBRANE]


def polynomial(node: Neuron, u: Reals) -> Reals:
    """P(u) = a_0 + a_1 u + ... by Horner; coefficients [1 or C, d+1] along axis 1 of u."""
    return in_numpy.horner(u, [in_numpy.along_channels(a, u.ndim) for a in node.coefficients.T])
