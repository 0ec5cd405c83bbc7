"""Neurons of a NIR file as neurons of the float network, under a convention; thresholds and gains that differ by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snn2hw.errors import UnsupportedError, ValueRangeError
from snn2hw.formats.nir.convention import MOST_LEVELS, NEURONS, Convention
from snn2hw.formats.nir.file import FIRING, NirNode
from snn2hw.formats.nir.late_reset import late_neuron
from snn2hw.formats.nir.parameters import LEAST_MAGNITUDE, per_channel
from snn2hw.ir.network import (
    Circulate,
    Current,
    Neuron,
    Node,
    Potential,
    Reals,
    Single,
)
from snn2hw.ir.shapes import Shape
from snn2hw.layers import BatchNorm

NEUTRAL = {"r": 1.0, "v_leak": 0.0, "v_reset": 0.0, "w_in": 1.0}
POSITIVE = ("tau", "tau_mem", "tau_syn", "v_threshold", "threshold")


@dataclass(frozen=True)
class Equation:
    """A neuron's numbers, each one for the layer [1] or one per channel [C]; `leak` is a_0, `decay` a_1, `current` b_1."""

    leak: Reals
    decay: Reals
    gain: Reals
    threshold: Reals
    reset: Reals
    current: Reals | None = None


def neuron_nodes(
    node: NirNode, names: tuple[str, str], shape: Shape, factor: Reals, entering: str, convention: Convention
) -> tuple[Node, ...]:
    """The nodes that a NIR neuron becomes: a Neuron, behind a BatchNorm where its gain or threshold differs by channel.

    Such a layer, and one whose reset comes a step late, is divided by its threshold, channel by channel: its states are in units
    of v_threshold then. The current of one is in units of what it adds to the membrane. v is counted from where it starts.

    Args:
        node: as the file has it. shape: [C, ...] of what enters and leaves.
        names: that the Neuron and the BatchNorm are to have. factor: [1] or [C], what `entering` is still to be multiplied by.
        entering: name of the node that it reads. convention: how it is stepped.

    Raises:
        UnsupportedError, ShapeError, ValueRangeError: parameters that the convention or the float network cannot take.
    """
    e = _equation(node, shape, convention)
    e = replace(e, gain=e.gain * factor)
    at = (names[0], (entering,), shape)
    norm: tuple[Node, ...] = ()
    late = convention.late and node.kind in FIRING and node.kind != "Threshold"
    if late or max(e.gain.size, e.threshold.size, e.reset.size) > 1:
        scale = np.broadcast_to(e.gain / e.threshold, shape[:1]).copy()
        norm = (BatchNorm(names[1], (entering,), shape, scale, np.zeros(shape[0]), source=node.where),)
        at = (names[0], (names[1],), shape)
        one = np.ones(1)
        e = Equation(e.leak / e.threshold, e.decay, one, one, _ratio(e.reset / e.threshold, node.where), e.current)
    channels = max(e.leak.size, e.decay.size)
    columns = [np.broadcast_to(c, channels) for c in (e.leak, e.decay)]
    floor = -float(e.threshold[0]) if convention.if_floor and node.kind == "IF" else -np.inf
    if late:
        value = float(e.reset[0]) if convention.reset == "value" else None
        return *norm, late_neuron(at, node, (columns[0], columns[1], e.current), floor, convention.threshold == "strict", value)
    return *norm, Neuron(
        *at,
        kind=node.kind,
        coefficients=np.stack(columns, axis=1),
        gain=float(e.gain[0]),
        order="poly_then_input",
        state_range=(floor, np.inf),
        firing=_firing(node.kind, float(e.threshold[0]), convention),
        reset="none" if node.kind == "Threshold" or node.kind not in FIRING else convention.reset,
        reset_value=float(e.reset[0]),
        strict=convention.threshold == "strict" or node.kind == "Threshold",
        current=None if e.current is None else Current(e.current, (-np.inf, np.inf)),
        source=node.where,
    )


def _firing(kind: str, theta: float, convention: Convention) -> Single | Circulate | Potential:
    if kind not in FIRING:
        return Potential()
    levels = 1 if kind == "Threshold" else convention.levels or MOST_LEVELS
    return Single(theta) if levels == 1 else Circulate((theta,) * levels, (1.0,) * levels, signed=False)


def _ratio(ratios: Reals, where: str) -> Reals:
    """The reset value in units of the threshold; ratios of float32 numbers are one ratio where they round to it."""
    if np.ptp(ratios) > 1e-6 * np.abs(ratios).max():
        raise UnsupportedError(
            "'v_reset' is not the same part of 'v_threshold' in every channel",
            where=where,
            got=f"{np.unique(ratios).size} different ratios",
            expected="one ratio for the layer",
            do="train with shared parameters",
        )
    return ratios[:1]


def _equation(node: NirNode, shape: Shape, convention: Convention) -> Equation:
    names = (*POSITIVE, *NEUTRAL)
    given = {n: per_channel(n, v, shape, node.where) for n, v in vars(node.content).items() if n in names}
    zero, one = np.zeros(1), np.ones(1)
    if node.kind == "Threshold":
        _require_positive(node, given)
        return Equation(zero, zero, one, given["threshold"], zero)
    if why := convention.refusal(node.kind):
        raise UnsupportedError(
            f"{'a' if node.kind[0] in 'CL' and node.kind != 'LI' else 'an'} {node.kind} has no meaning in the convention "
            f"'{convention.name}'",
            where=node.where,
            got=why,
            expected=", ".join(n for n in NEURONS if not convention.refusal(n)),
            do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        )
    _require_neutral(node, given, convention)
    _require_positive(node, given)
    given = _from_start(node, given, convention)
    threshold = given.get("v_threshold", one)
    reset = given["v_reset"] if convention.reset == "value" and "v_reset" in given else zero
    if node.kind in ("I", "IF"):
        return Equation(zero, one, np.array([convention.if_gain(r) for r in given["r"]]), threshold, reset)
    tau = given["tau_mem" if "tau_syn" in given else "tau"]
    if "tau_syn" in given:
        convention = _stepped(node, convention, tau, given["r"])
    decays = {n: np.array([convention.decay(t) for t in given[n]]) for n in ("tau", "tau_mem", "tau_syn") if n in given}
    for name, decay in decays.items():
        if (decay < 0).any():
            raise ValueRangeError(
                "a step is longer than the time constant",
                where=node.where,
                got=f"{name} = {given[name].min():g}, dt = {convention.dt:g}",
                expected=f"dt <= {name}",
                do="give the dt that the network was trained with (--dt)",
            )
    decay = decays["tau_mem" if "tau_syn" in given else "tau"]
    leak = (1.0 - decay) * given["v_leak"]
    if "tau_syn" not in given:
        pairs = np.broadcast_arrays(given["r"], tau)
        gain = np.array([convention.lif_gain(*p) for p in zip(*(p.tolist() for p in pairs), strict=True)])
        return Equation(leak, decay, gain, threshold, reset)
    fours = np.broadcast_arrays(given["r"], given["w_in"], tau, given["tau_syn"])
    gains = [convention.cuba_gains(*p) for p in zip(*(p.tolist() for p in fours), strict=True)]
    return Equation(leak, decay, np.array([a * b for a, b in gains]), threshold, reset, decays["tau_syn"])


def _from_start(node: NirNode, given: dict[str, Reals], convention: Convention) -> dict[str, Reals]:
    """The same numbers where v is counted from what it starts at."""
    start = given.get(convention.start, np.zeros(1))
    if not start.any():
        return given
    moved: dict[str, Reals] = {n: given[n] - start for n in ("v_leak", "v_reset", "v_threshold") if n in given}
    if "v_threshold" in moved and (moved["v_threshold"] <= 0).any():
        raise ValueRangeError(
            f"the membrane starts at or above its threshold, at {convention.start}",
            where=node.where,
            got=f"{convention.start} = {start.max():g}, v_threshold = {given['v_threshold'].min():g}",
            expected=f"v_threshold above {convention.start}",
            do="repair the file, or state where membranes start: start='0' (--start 0)",
        )
    return {**given, **moved}


def _stepped(node: NirNode, convention: Convention, tau: Reals, r: Reals) -> Convention:
    """The convention with the step that a neuron with a current states by its r, where it does."""
    if convention.step_is_in_file:
        decayed = convention.cuba.r == "decayed"
        meant = "r > 0, as r is tau_mem/dt * exp(-dt/tau_mem)" if decayed else "r > -1, as the step is tau_mem / (1 + r)"
        if (r <= (0 if decayed else -1)).any():
            raise ValueRangeError(
                "'r' states no step",
                where=node.where,
                got=f"r = {r.min():g}",
                expected=meant,
                do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            )
        steps = _steps_of_decay(r) if decayed else 1.0 + r  # of a time constant
        return replace(convention, dt=float((tau / steps).min()))
    neutral = tau / convention.dt
    if convention.cuba.r == "tau/dt" and not np.allclose(r, neutral):
        raise UnsupportedError(
            f"'r' has no meaning in the convention '{convention.name}'",
            where=node.where,
            got=f"r = {r.ravel()[0]:g}; its importer requires r = tau_mem/dt",
            expected=f"r = {neutral.ravel()[0]:g}",
            do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        )
    return convention


def _steps_of_decay(r: Reals) -> Reals:
    """z with z * exp(-1/z) = r, which rises with z: by Newton's method from above, where it is concave no more than a line."""
    z: Reals = r + 1.0
    for _ in range(64):
        z = z - (z * np.exp(-1.0 / z) - r) / (np.exp(-1.0 / z) * (1.0 + 1.0 / z))
    return z


def _require_neutral(node: NirNode, given: dict[str, Reals], convention: Convention) -> None:
    for name, why in convention.cuba.neutral if "tau_syn" in given else convention.neutral:
        if name in given and (given[name] != NEUTRAL[name]).any():
            raise UnsupportedError(
                f"'{name}' has no meaning in the convention '{convention.name}'",
                where=node.where,
                got=f"{name} = {float(given[name][given[name] != NEUTRAL[name]][0]):g}; {why}",
                expected=f"{name} = {NEUTRAL[name]:g}",
                do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
            )


def _require_positive(node: NirNode, given: dict[str, Reals]) -> None:
    for name in POSITIVE:
        if name not in given or (given[name] >= LEAST_MAGNITUDE).all():
            continue
        if (given[name] <= 0).any():
            raise ValueRangeError(
                f"'{name}' is not positive",
                where=node.where,
                got=f"{given[name].min():g}",
                expected=f"{name} > 0",
                do=f"write {name} above 0 for every neuron",
            )
        raise ValueRangeError(
            f"'{name}' is below all numbers that networks have",
            where=node.where,
            got=f"{given[name].min():g}",
            expected=f"at least {LEAST_MAGNITUDE:g}, the smallest float32",
            do="scale the network up, or repair the file",
        )
