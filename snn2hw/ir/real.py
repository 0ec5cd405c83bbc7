"""What a network of the real stage computes, in float64: the trained model's equations, step by step, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from snn2hw.ir.network import (
    Circulate,
    Current,
    Delay,
    EquationNeuron,
    Feedback,
    Input,
    Network,
    Neuron,
    Node,
    Potential,
    Readout,
    Reals,
    Single,
)
from snn2hw.neurons import in_numpy

Observer = Callable[[Node, Sequence[Reals], Reals], None]


def run_real(net: Network, x: Reals, observe: Observer | None = None) -> Reals:
    """The readout [N, classes] of samples x, summed over T.

    Args:
        x: [N, ...] where the input is static, else [T, N, ...].
        observe: called with (node, its inputs, its value [N, ...]) for every node at every step; the input of a neuron that has
            a current is the current.
    """
    membrane: dict[str, Reals] = {}
    current: dict[str, Reals] = {}
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
            elif isinstance(node, Neuron):
                if node.current is not None:
                    i = current.get(node.name, np.zeros_like(inputs[0]))
                    current[node.name] = current_step(node, node.current, i, inputs[0])
                    inputs = [current[node.name]]
                u = membrane.get(node.name, np.zeros_like(inputs[0]))
                values[node.name], membrane[node.name] = neuron_step(node, u, inputs[0], t)
            elif isinstance(node, EquationNeuron):
                start = states.get(node.name) or in_numpy.initial(node.equation, inputs[0].shape)
                after = in_numpy.step(node.equation, node.parameters, start, inputs[0])
                values[node.name], states[node.name] = after[0], after[1]
            elif isinstance(node, Feedback | Readout):
                values[node.name] = inputs[0]
            else:
                values[node.name] = node.real(inputs)
            if observe is not None:
                observe(node, inputs, values[node.name])
        total = total + values[net.nodes[-1].name]
    return total


def delayed(node: Delay, waiting: list[Reals], x: Reals) -> Reals:
    """What leaves while x enters; `waiting` holds all that entered before, and is given x."""
    waiting.append(x)
    taps = [waiting[-1 - k] if k < len(waiting) else np.zeros_like(x) for k in node.steps]
    return taps[0] if len(taps) == 1 else np.stack([tap[:, c] for c, tap in enumerate(taps)], axis=1)


def current_step(node: Neuron, current: Current, i: Reals, x: Reals) -> Reals:
    """The next i of the equation in `Current`; i and x [N, C, ...]."""
    return np.clip(_per_channel(current.decay, i) * i + node.gain * x, *current.state_range)


def neuron_step(node: Neuron, u: Reals, x: Reals, t: int = 0) -> tuple[Reals, Reals]:
    """(payload, next u) of the equation in `Neuron` at step t; u and x [N, C, ...], x the current where the neuron has one."""
    lo, hi = node.state_range
    x = node.gain * x if node.current is None else x
    if node.order == "input_then_poly":
        h = np.clip(polynomial(node, np.clip(u + x, lo, hi)), lo, hi)
    else:
        h = np.clip(polynomial(node, u) + x, lo, hi)
    payload, residual, fired = fire(node, h, t)
    if node.reset == "subtract":
        return payload, residual
    return payload, np.where(fired, node.reset_value, h) if node.reset == "value" else h


def polynomial(node: Neuron, u: Reals) -> Reals:
    """P(u) = a_0 + a_1 u + ... by Horner; coefficients [1 or C, d+1] along axis 1 of u."""
    columns: list[Reals] = [c.reshape((1, -1) + (1,) * (u.ndim - 2)) for c in node.coefficients.T]
    y: Reals = np.zeros_like(u) + columns[-1]
    for a in columns[-2::-1]:
        y = y * u + a
    return y


def fire(node: Neuron, h: Reals, t: int = 0) -> tuple[Reals, Reals, Any]:
    """(payload, what is left of h, whether it fired) at step t."""
    firing = node.firing
    if isinstance(firing, Potential):
        return h, h, np.zeros(h.shape, bool)
    if isinstance(firing, Single):
        firing = Circulate((firing.threshold,), (1.0,), signed=False)
    payload, r, fired = np.zeros_like(h), h, np.zeros(h.shape, bool)
    for theta, amplitude in zip(firing.rows[: t + 1][-1], firing.amplitudes, strict=True):
        up = r > theta if node.strict else r >= theta
        down = (r < -theta if node.strict else r <= -theta) & firing.signed
        s = up.astype(np.float64) - down
        r = r - theta * s
        payload = payload + amplitude * s
        fired |= up | down
    return payload, r, fired


def _per_channel(values: Reals, x: Reals) -> Reals:
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))
