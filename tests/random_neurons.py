"""Random neurons of the float stage: polynomials, thresholds, resets, and thresholds that depend on the step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.ir.network import Circulate, Network, Neuron, Single


def neuron_fields(rng: np.random.Generator, channels: int) -> dict[str, Any]:
    lo, hi = [(-4.0, 4.0), (-2.0, 2.0), (-1.0, 3.0), (-8.0, 8.0), (-3.3, 5.1), (0.0, 4.0)][rng.integers(6)]
    gain = float(rng.choice([1.0, 1.0, 1.0, 1.0, 2.0, 0.5, 1.7, -0.8]))
    kind = str(rng.choice(["LNM", "LNM", "LNM", "CirculateFiring", "CirculateFiring", "LIF", "IF"]))
    rows = channels if bool(rng.random() < 0.4) else 1
    degree = int(rng.integers(1, 6)) if kind in ("LNM", "CirculateFiring") else 1
    coefficients = rng.normal(0, 0.12, (rows, degree + 1)) / max(-lo, hi) ** np.maximum(np.arange(degree + 1) - 1, 0)
    coefficients[:, 1] = rng.uniform(0.2, 1.0, rows)
    if degree == 1 or bool(rng.random() < 0.2):
        coefficients[:, 0] = 0
    if degree > 1 and bool(rng.random() < 0.1):
        coefficients[:, int(rng.integers(2, degree + 1))] = 0
    if kind == "LIF":
        coefficients[:, 1] = rng.choice([0.5, 0.25, 0.9, 0.75])
    if kind == "IF":
        coefficients = np.array([[0.0, 1.0]])
    return {
        "kind": kind,
        "coefficients": coefficients,
        "gain": gain,
        "order": str(rng.choice(["poly_then_input", "input_then_poly"])),
        "state_range": (lo, hi),
        "firing": _firing(rng, kind, hi),
        "reset": str(rng.choice(["subtract", "subtract", "value", "none"])),
        "reset_value": float(rng.choice([0.0, 0.1, max(lo, -0.3)])),
        "strict": bool(rng.random() < 0.3),
    }


def _firing(rng: np.random.Generator, kind: str, hi: float) -> Single | Circulate:
    threshold = float(rng.choice([0.3, 0.5, 0.75, 1.0, 1.0]))
    if kind != "CirculateFiring" and not bool(rng.random() < 0.15):
        return Single(threshold)
    levels = int(rng.integers(1, 5))
    halving = tuple(0.5**k for k in range(levels))
    random = tuple(float(v) for v in rng.uniform(0.1, 1.0, levels).round(3))
    ones = (1.0,) * levels
    thresholds = [ones, halving, random][rng.integers(3)]
    amplitudes = [ones, ones, halving, random, tuple(0.37 * (k + 1) for k in range(levels))][rng.integers(5)]
    signed = bool(rng.random() < 0.6)
    # Drawn from a generator of its own, so that all else is what it was.
    own = np.random.default_rng(int(threshold * 1000) + 7 * levels + int(1e6 * sum(amplitudes)) + int(1e6 * sum(thresholds)))
    negative = float(own.choice([1.0, 1.0, 1.0, 0.0, 0.5, 0.25, 0.75, 2.0, 0.3])) if signed else 1.0
    return Circulate(tuple(threshold * t for t in thresholds), amplitudes, signed, negative=negative)


def with_schedules(net: Network, rng: np.random.Generator) -> Network:
    """The first neuron, and most others, with thresholds that depend on the step: fewer factors than steps, as many, or more."""
    first = net.neurons[0].name
    nodes = [_scheduled(n, rng) if isinstance(n, Neuron) and (n.name == first or rng.random() < 0.7) else n for n in net.nodes]
    return replace(net, nodes=tuple(nodes), steps=max(net.steps, 2))


def _scheduled(node: Neuron, rng: np.random.Generator) -> Neuron:
    firing = node.firing
    if isinstance(firing, Single):
        firing = Circulate((firing.threshold,), (1.0,), signed=False)
    assert isinstance(firing, Circulate)
    factors = rng.choice([0.25, 0.5, 0.75, 1.0, 1.0, 1.3, 2.0, 6.0], int(rng.integers(2, 7)))
    factors[0] = rng.choice([0.4, 0.6])  # a change there is, and something fires
    return replace(node, firing=replace(firing, by_step=tuple(factors.tolist())))
