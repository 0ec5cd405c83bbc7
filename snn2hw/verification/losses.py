"""What samples show to be lost: layers that died, layers at the bounds of their states, predictions that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.passes.findings import SILENT, Finding
from snn2hw.verification.accuracy import Evaluation, LayerEvaluation

LEAST = 10  # spikes that a float layer fires, and values at a bound, before their loss is more than a matter of chance
SATURATED = 0.5  # of a layer's values held at a bound, above which what the layer tells is lost; as in training
ALIKE, CHANGED = 0.9, 3  # share of equal predictions below which agreement is lost, and how many must have changed
READ = "readout"
READOUT = 0.25  # error of a readout, relative to its size, above which it is lost where there is nothing to predict


def losses(found: Evaluation, net: IntegerNetwork, known: Collection[Finding] = ()) -> tuple[Finding, ...]:
    """What is lost by the numbers of an evaluation.

    Args:
        found: on some samples. net: the integers. known: what was found before; no layer is said to be silent twice.
    """
    nodes = {n.name: n for n in net.nodes}
    silent = {f.where for f in known if f.what == SILENT}
    layers = {name: (nodes[name], layer) for name, layer in found.layers.items()}
    dead = [d for d in _dead(layers) if d.where not in silent]
    at_bounds = [(n, e) for n, e in layers.values() if e.saturation > SATURATED and e.saturation * e.values >= LEAST]
    saturated = [_saturated(node, layer) for node, layer in at_bounds]
    return (*dead, *saturated, *_changed(found))


def _place(node: IntNode) -> str:
    return node.source or node.name


def _dead(layers: dict[str, tuple[IntNode, LayerEvaluation]]) -> Iterator[Finding]:
    for name, (node, layer) in layers.items():
        if not layer.died or (layer.float_rate or 0) * layer.values < LEAST:
            continue
        if layer.own_rate:
            still = _percent(layer.own_rate)
            cause = f"given what the integers before it fire, the float layer fires {still}: it is the rounding of this layer"
            if (layer.sum_error or 0) > READOUT:
                cause += f", whose synaptic input is off by {_percent(layer.sum_error or 0)}"
            remedy = 'compile with scales="channel" (--scales channel), or use more weight bits (--weight-bits) or state bits'
        else:
            first = next(n for n, (_, each) in layers.items() if each.own_mismatches or n == name)
            cause = "given what the integers before it fire, the float layer is silent as well" + (
                f": layer {first} is the first that fires otherwise" if first != name else ""
            )
            remedy = "look at the layers and weights before it: they need more weight bits, or a scale for each channel"
        yield Finding(
            "this layer has died: its integers fire nothing on the samples",
            _place(node),
            f"no spike in {layer.values:,} values; the float layer fires {_percent(layer.float_rate or 0)}",
            cause,
            remedy,
        )


def _saturated(node: IntNode, layer: LayerEvaluation) -> Finding:
    by_float = layer.float_saturation
    if by_float is None or by_float > SATURATED:
        also = "" if by_float is None else ", in the float network as well"
        cause = f"its state range is too small for what enters{also}"
    else:
        cause = f"the float equation is held back in {_percent(by_float)}: the rounding of this layer or of one before it"
    return Finding(
        "this layer saturates: its membranes are held at a bound of their range",
        _place(node),
        f"{_percent(layer.saturation)} of {layer.values:,} values; all of them look alike to the layer behind",
        cause,
        "use a larger state_range, smaller weights before it, or train with nn.range_penalty",
    )


def _changed(found: Evaluation) -> Iterator[Finding]:
    worst = max(found.layers, key=lambda n: found.layers[n].own_mismatch or 0.0, default="")
    mismatch = found.layers[worst].own_mismatch if worst else None
    most = f"layer {worst} fires otherwise most, in {_percent(mismatch or 0)} of its values"
    because = {
        "cause": most if mismatch else "the weights of the readout",
        "remedy": "use more weight or state bits, calibrate on samples like these, or train on the integers: "
        "snn2hw.quantize.prepare",
    }
    same, size = found.same_prediction, found.readout_size or 0.0
    if same is not None and same < ALIKE and found.samples * (1 - same) > CHANGED - 0.5:
        what = "the integers often predict something else than the float network"
        yield Finding(what, READ, f"the same prediction for {_percent(same)} of {found.samples} samples", **because)
    elif same is None and found.readout_error is not None and found.readout_error > READOUT * size > 0:
        what = "the readout of the integers is far from that of the float network"
        share = _percent(found.readout_error / size)
        yield Finding(what, READ, f"off by {found.readout_error:.3g} (root mean square), {share} of its size", **because)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
