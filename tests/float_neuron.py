"""The built-in neuron written out by hand in NumPy: what `ir.network.Neuron` says, for tests to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.ir.network import Circulate, Neuron, Potential, Reals, Single


def current_step(node: Neuron, i: Reals, x: Reals) -> Reals:
    """The next i of the equation in `Current`; i and x [N, C, ...]."""
    assert node.current is not None
    return np.clip(along(node.current.decay, i) * i + node.gain * x, *node.current.state_range)


def neuron_step(node: Neuron, u: Reals, x: Reals, t: int = 0) -> tuple[Reals, Reals]:
    """(payload, next u) at step t; u and x [N, C, ...], x the current where the neuron has one."""
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
    columns: list[Reals] = [along(c, u) for c in node.coefficients.T]
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
        payload = payload + np.where(s < 0, amplitude * firing.negative, amplitude) * s
        fired |= up | down
    return payload, r, fired


def along(values: Reals, x: Reals) -> Reals:
    """[1] or [C] along axis 1 of x."""
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))
