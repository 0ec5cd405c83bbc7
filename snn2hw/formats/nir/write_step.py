"""A tangent as a NIR neuron: tau, r, v_leak, v_threshold, so that a step by a stated convention gives v <- a0 + a1*v + x.

    euler        a1 = 1 - dt/tau      tau = dt / (1 - a1)       v_leak = a0 / (1 - a1) = u*
    exponential  a1 = exp(-dt/tau)    tau = -dt / ln(a1)

r makes a step add x as it is: r = tau/dt under Euler. Where the convention's importer does not read r, r = 1; a step adds g*x
then, and v, v_threshold, v_reset and v_leak are g times what they are in the program: the same spikes. a1 = 1 is an IF, or
where the convention has none a LIF with a1 = 1 - 2**-20.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.write_neuron import Tangent
from snn2hw.ir.network import Reals

SLOWEST = 1 - 2.0**-20
FASTEST = math.exp(-50)  # stands for 0 under the exponential step


@dataclass(frozen=True)
class Stepped:
    """A neuron of NIR.

    Args:
        kind: of its node. given: its parameters, each one for the layer [1] or per channel. gain: what a step makes of what
            enters; 1 where the importer reads r. lost: what the node has not, in words; '' for nothing.
    """

    kind: str
    given: Mapping[str, Reals]
    gain: Reals
    lost: str = ""


def stepped(t: Tangent, c: Convention, leaks: bool) -> Stepped:
    """The NIR neuron whose step by the convention is the tangent's: an IF or I where nothing leaks, a CubaLIF or CubaLI where
    there is a current.

    Args:
        t: in real units of the state. c: how its importer steps the neuron.
        leaks: whether v_leak is to make the tangent's offset, which else is in what enters.
    """
    if t.current is not None:
        kind = "CubaLIF" if t.fires else "CubaLI"
        if not c.refusal(kind) and not c.step_is_in_file:
            return _with_current(t, t.current, c, kind, leaks)
        found = _plain(t, c, leaks)
        return replace(found, lost="; ".join(filter(None, [found.lost, "its synaptic current is left out"])))
    return _plain(t, c, leaks)


def _plain(t: Tangent, c: Convention, leaks: bool) -> Stepped:
    whole, leaking = ("IF", "LIF") if t.fires else ("I", "LI")
    is_if = bool((t.decay == 1).all()) and not c.refusal(whole) and not (leaks and t.offset.any())
    kind = whole if is_if else leaking
    decay = _held(t.decay, c)
    tau = np.array([_tau(a, c) for a in decay.tolist()])
    unit = np.array([c.if_gain(1.0)] if is_if else [c.lif_gain(1.0, value) for value in tau.tolist()])
    r = np.ones(1) if "r" in c.unread else 1 / unit
    common = {"r": r, **_levels(t, c.unread, unit * r)}
    lost = f"the importer takes no {kind}: {c.refusal(kind)}" if c.refusal(kind) else ""
    given = common if is_if else {"tau": tau, **common, **_leak(t, decay, c.unread, unit * r, leaks)}
    return Stepped(kind, given, unit * r, lost)


def _with_current(t: Tangent, current: Reals, c: Convention, kind: str, leaks: bool) -> Stepped:
    unread = (*dict(c.cuba.neutral), *(c.unread if c.start != "0" else ()))
    decay, kept = _held(t.decay, c), _held(current, c)
    tau, tau_syn = (np.array([_tau(a, c) for a in values.tolist()]) for values in (decay, kept))
    whole = c.cuba.input != "ode"
    r = np.ones(1) if whole or "r" in unread else np.array([1 / (1 - c.decay(v)) for v in tau.tolist()])
    r = tau / c.dt if c.cuba.r == "tau/dt" else r
    w_in = np.ones(1)
    if "w_in" not in unread and c.cuba.input != "unit":
        w_in = np.array([1 / (c.decay(v) if whole else 1 - c.decay(v)) for v in tau_syn.tolist()])
    fours = zip(*(v.tolist() for v in np.broadcast_arrays(r, w_in, tau, tau_syn)), strict=True)
    gain = np.array([a * b for a, b in (c.cuba_gains(*four) for four in fours)])
    levels = _levels(t, unread, gain)
    given = {"tau_mem": tau, "tau_syn": tau_syn, "r": r, "w_in": w_in, **levels, **_leak(t, decay, unread, gain, leaks)}
    return Stepped(kind, given, gain)


def _held(decay: Reals, c: Convention) -> Reals:
    """A decay that a time constant can say."""
    held: Reals = np.clip(decay, FASTEST if c.method == "exponential" else 0.0, SLOWEST)
    return held


def _levels(t: Tangent, unread: Collection[str], gain: Reals) -> dict[str, Reals]:
    """What v is compared with and set to; nothing where it does not fire."""
    if not t.fires:
        return {}
    reset = np.zeros(1) if "v_reset" in unread else np.array([t.reset])
    return {"v_threshold": t.threshold * gain, "v_reset": reset * gain}


def _leak(t: Tangent, decay: Reals, unread: Collection[str], gain: Reals, leaks: bool) -> dict[str, Reals]:
    leak = t.offset / (1 - decay) if leaks and "v_leak" not in unread else np.zeros(1)
    return {"v_leak": leak * gain if t.fires else leak}


def _tau(decay: float, c: Convention) -> float:
    """A time constant that float32 holds, and not below dt under Euler."""
    tau = np.float32(c.dt / (1 - decay) if c.method == "euler" else -c.dt / math.log(decay))
    if c.method == "euler" and float(tau) < c.dt:
        tau = np.nextafter(tau, np.float32(np.inf))
    return float(tau)
