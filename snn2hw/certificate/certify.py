"""certificate.json: what is certain about a compiled network, for every state and every input within the declared range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snn2hw.certificate.bounds import Bounds, layer_bounds, spread
from snn2hw.certificate.neuron import claims
from snn2hw.claims import FORMAT
from snn2hw.fingerprints import fingerprints
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron

Progress = Callable[[str, int], None]  # layer, values tried since the last call


def certify(net: IntegerNetwork, model: bytes, progress: Progress | None = None) -> dict[str, Any]:
    """The certificate of a network and the bytes of its model.onnx, ready for JSON."""
    bounds: dict[str, Bounds] = {}
    layers = []
    for node in net.nodes:
        if isinstance(node, IntInput):
            bounds[node.name] = spread(node.shape, [(node.interval.lo, node.interval.hi)])
        elif isinstance(node, IntNeuron):
            report = None if progress is None else _named(progress, node.name)
            claimed = claims(node, bounds[node.inputs[0]].by_channel(), report)
            layers.append(claimed)
            bounds[node.name] = spread(node.shape, [(lo, hi) for lo, hi in claimed["payloads"]])
        else:
            bounds[node.name] = layer_bounds(node, [bounds[i] for i in node.inputs])
    logits = bounds[net.readout.name].by_channel()
    lo, hi = min(c[0] for c in logits), max(c[1] for c in logits)
    return {
        "format": FORMAT,
        "model": fingerprints(model),
        "steps": net.steps,
        "layers": layers,
        "readout": {"step": [lo, hi], "sum": [lo * net.steps, hi * net.steps]},
    }


def _named(progress: Progress, name: str) -> Callable[[int], None]:
    return lambda tried: progress(name, tried)
