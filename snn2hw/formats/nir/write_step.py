"""A tangent as a NIR neuron: tau, r, v_leak, v_threshold, so that a step by a stated convention gives v <- a0 + a1*v + x.

    euler        a1 = 1 - dt/tau      tau = dt / (1 - a1)       v_leak = a0 / (1 - a1) = u*
    exponential  a1 = exp(-dt/tau)    tau = -dt / ln(a1)

r makes a step add x as it is: r = tau/dt under Euler. Where the convention's importer does not read r, r = 1; a step adds g*x
then, and v, v_threshold, v_reset and v_leak are g times what they are in the program: the same spikes. a1 = 1 is an IF, or
where the convention has none a LIF with a1 = 1 - 2**-20.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.write_neuron import Tangent
from snn2hw.ir.network import Reals

SLOWEST = 1 - 2.0**-20
FASTEST = math.exp(-50)  # stands for 0 under the exponential step


def stepped(t: Tangent, c: Convention, leaks: bool) -> Mapping[str, Reals]:
    """Parameters of the NIR neuron whose step by the convention is the tangent's, each one for the layer [1] or per channel; an
    IF where there is no tau.

    Args:
        t: in real units of the state. c: how its importer steps the neuron.
        leaks: whether v_leak is to make the tangent's offset, which else is in what enters.
    """
    unread = c.unread
    is_if = bool((t.decay == 1).all()) and not c.refusal("IF") and not (leaks and t.offset.any())
    decay = np.clip(t.decay, FASTEST if c.method == "exponential" else 0.0, SLOWEST)
    tau = np.array([_tau(a, c) for a in decay.tolist()])
    unit = np.array([c.if_gain(1.0)] if is_if else [c.lif_gain(1.0, value) for value in tau.tolist()])
    r = np.ones(1) if "r" in unread else 1 / unit
    gain = unit * r
    reset = np.zeros(1) if "v_reset" in unread else np.array([t.reset])
    common = {"r": r, "v_threshold": t.threshold * gain, "v_reset": reset * gain}
    if is_if:
        return common
    leak = t.offset / (1 - decay) if leaks and "v_leak" not in unread else np.zeros(1)
    return {"tau": tau, "v_leak": leak * gain, **common}


def _tau(decay: float, c: Convention) -> float:
    """A time constant that float32 holds, and not below dt under Euler."""
    tau = np.float32(c.dt / (1 - decay) if c.method == "euler" else -c.dt / math.log(decay))
    if c.method == "euler" and float(tau) < c.dt:
        tau = np.nextafter(tau, np.float32(np.inf))
    return float(tau)
