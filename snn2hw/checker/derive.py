"""Every claim of certificate.json, derived again from model.onnx alone.

What a neuron computes is read from the ONNX functions, what reaches it from the graph. Only what ONNX has no place for is taken
from the file's metadata: binary points, the real polynomial, the range of the input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx

from snn2hw.checker.layers import layer_bounds
from snn2hw.checker.neuron import Pair, integers
from snn2hw.checker.neuron_layer import NeuronLayer
from snn2hw.claims import FORMAT
from snn2hw.fingerprints import fingerprints


class Derived(NamedTuple):
    """What model.onnx says.

    Args:
        certificate: every claim, as certificate.json should have it.
        where: claim -> place where its ends occur, for messages.
        faults: what no claim says and must hold all the same.
    """

    certificate: dict[str, Any]
    where: dict[str, str]
    faults: list[str]


def derive(data: bytes, claimed: Mapping[str, Mapping[str, Pair]]) -> Derived:
    """Walk model.onnx once.

    Args:
        claimed: state intervals that the certificate claims, which are the one thing to be proved rather than computed.
    """
    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model)  # among other things, that every name stands for one value
    functions = {f.domain: f for f in model.functions}
    text = {p.key: p.value for p in model.metadata_props}["snn2hw.network"]
    outside = {n.output[0]: n for n in model.graph.node}
    (body,) = [onnx.helper.get_node_attr_value(n, "body") for n in model.graph.node if n.op_type == "Scan"]
    constants = {t.name: integers(t) for t in body.initializer}
    values: dict[str, Pair] = {name: (t, t) for name, t in constants.items()} | {"x_step": _payloads(body, text)}
    layers = dict[str, NeuronLayer]()
    for node in body.node:
        if node.domain in functions:
            name, function, x = node.domain.split(".", 1)[1], functions[node.domain], values[node.input[0]]
            params = {i: constants[o].ravel() for i, o in zip(function.input, node.input, strict=True) if o in constants}
            states = {}
            for state in (i.removeprefix("in/") for i in function.input[1:] if i not in params):
                (lo, hi), start = claimed[name][state], outside[f"start/{name}.{state}"]
                states[state] = ((int(lo), int(hi)), int(integers(outside[start.input[0]].attribute[0].t)))
            (stated,) = re.findall(rf"^IntNeuron\(name='{re.escape(name)}',.*?(?=^Int|\Z)", text, re.M | re.S)
            inputs = [[int(low.min()), int(high.max())] for low, high in zip(x[0][0], x[1][0], strict=True)]
            layers[name] = NeuronLayer(function, params, stated, inputs, states)
            values[node.output[0]] = _spread(layers[name].payloads, x)
        elif node.op_type == "Constant":
            values[node.output[0]] = (integers(node.attribute[0].t),) * 2
        elif "readout_before" not in node.input:
            values[node.output[0]] = layer_bounds(node, [values[i] for i in node.input])
    steps = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    lo, hi = int(values["logits"][0].min()), int(values["logits"][1].max())
    certificate = {
        "format": FORMAT,
        "model": fingerprints(data),
        "steps": steps,
        "layers": [{"layer": name, **layer.claims()} for name, layer in layers.items()],
        "readout": {"step": [lo, hi], "sum": [lo * steps, hi * steps]},
    }
    where = {f"layers.{name}.{claim}": at for name, layer in layers.items() for claim, at in layer.where().items()}
    return Derived(certificate, where, [f"layer {name}: {f}" for name, layer in layers.items() for f in layer.faults])


def _payloads(body: Any, text: str) -> Pair:
    """Every place of the input at its lowest and at its highest."""
    (entry,) = [i for i in body.input if i.name == "x_step"]
    (ends,) = re.findall(r"^IntInput\(.*?interval=\[(-?\d+), (-?\d+)\]", text, re.M)
    shape = [1, *(d.dim_value for d in entry.type.tensor_type.shape.dim[1:])]
    return np.full(shape, int(ends[0])), np.full(shape, int(ends[1]))


def _spread(channels: list[list[int]], like: Pair) -> Pair:
    """The bounds of each channel at every place of a layer."""
    lo, hi = np.array(channels).T.reshape((2, 1, -1) + (1,) * (like[0].ndim - 2))
    return np.broadcast_to(lo, like[0].shape), np.broadcast_to(hi, like[0].shape)
