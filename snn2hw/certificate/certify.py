"""certificate.json: bounds of a compiled network, verified for every state and every input within the declared range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snn2hw.certificate.bounds import Bounds, layer_bounds, spread
from snn2hw.certificate.neuron import claims
from snn2hw.claims import FORMAT
from snn2hw.fingerprints import fingerprints
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron
from snn2hw.num import Interval

Progress = Callable[[str, int], None]  # layer, values tried since the last call


def certify(net: IntegerNetwork, model: bytes, progress: Progress | None = None) -> dict[str, Any]:
    """The certificate of a network and the bytes of its model.onnx, ready for JSON.

    Args:
        net: with every interval found. progress: called with (layer, values tried since the last call).
    """
    bounds: dict[str, Bounds] = {}
    layers = []
    for node in net.nodes:
        if isinstance(node, IntInput | IntFeedback):
            bounds[node.name] = spread(node.shape, [(node.interval.lo, node.interval.hi)])
        elif isinstance(node, IntNeuron):
            report = None if progress is None else _named(progress, node.name)
            claimed = claims(node, bounds[node.inputs[0]].by_channel(), report)
            layers.append(claimed)
            bounds[node.name] = spread(node.shape, [(lo, hi) for lo, hi in claimed["payloads"]])
        else:
            bounds[node.name] = layer_bounds(node, [bounds[i] for i in node.inputs])
    feedbacks = {}
    for node in net.feedbacks:  # what was taken for granted of them above is what the neurons behind them keep
        fired = bounds[node.inputs[0]].by_channel()
        reached = Interval(min(lo for lo, _ in fired), max(hi for _, hi in fired))
        assert reached in node.interval
        interval = [node.interval.lo, node.interval.hi]
        feedbacks[node.name] = {"interval": interval, "initial": 0, "next": [reached.lo, reached.hi]}
    logits = bounds[net.readout.name].by_channel()
    lo, hi = min(c[0] for c in logits), max(c[1] for c in logits)
    summed = net.steps if net.readout.kind == "sum" else 1
    return {
        "format": FORMAT,
        "model": fingerprints(model),
        "steps": net.steps,
        "layers": layers,
        "readout": {"step": [lo, hi], "sum": [lo * summed, hi * summed]},
        **({"feedbacks": feedbacks} if feedbacks else {}),
    }


def _named(progress: Progress, name: str) -> Callable[[int], None]:
    return lambda tried: progress(name, tried)
