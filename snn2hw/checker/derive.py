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


def derive(data: bytes, claimed: Mapping[str, Mapping[str, Pair]], edges: Mapping[str, Pair]) -> Derived:
    """Walk model.onnx once.

    Args:
        claimed, edges: intervals of states and of recurrent edges that the certificate claims, which are the one thing to be
            proved rather than computed.
    """
    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model)  # among other things, that every name stands for one value
    functions = {f.domain: f for f in model.functions}
    text = {p.key: p.value for p in model.metadata_props}["snn2hw.network"]
    outside = {n.output[0]: n for n in model.graph.node}
    (body,) = [onnx.helper.get_node_attr_value(n, "body") for n in model.graph.node if n.op_type == "Scan"]
    constants = {t.name: integers(t) for t in body.initializer}
    (stated,) = re.findall(r"^IntInput\(.*?interval=\[(-?\d+), (-?\d+)\]", text, re.M)
    entering = {"x_step": stated, **{f"feedback/{name}": ends for name, ends in edges.items()}}
    values: dict[str, Pair] = {name: (t, t) for name, t in constants.items()} | _entering(body, entering)
    layers = dict[str, NeuronLayer]()
    for node in body.node:
        if node.domain in functions:
            name, function, x = node.domain.split(".", 1)[1], functions[node.domain], values[node.input[0]]
            params = {i: constants[o].ravel() for i, o in zip(function.input, node.input, strict=True) if o in constants}
            held = {s: claimed[name][s] for s in (i.removeprefix("in/") for i in function.input[1:] if i not in params)}
            states = {s: ((int(lo), int(hi)), _start(outside, f"{name}.{s}")) for s, (lo, hi) in held.items()}
            (stated,) = re.findall(rf"^IntNeuron\(name='{re.escape(name)}',.*?(?=^Int|\Z)", text, re.M | re.S)
            inputs = [[int(low.min()), int(high.max())] for low, high in zip(x[0][0], x[1][0], strict=True)]
            layers[name] = NeuronLayer(function, params, stated, inputs, states)
            values[node.output[0]] = _spread(layers[name].payloads, x)
        elif node.op_type == "Constant":
            values[node.output[0]] = (integers(node.attribute[0].t),) * 2
        elif "readout_before" not in node.input:
            values[node.output[0]] = layer_bounds(node, [values[i] for i in node.input])
    steps = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    certificate = {
        "format": FORMAT,
        "model": fingerprints(data),
        "steps": steps,
        "layers": [{"layer": name, **layer.claims()} for name, layer in layers.items()],
        "readout": {"step": _ends(values["logits"]), "sum": [end * steps for end in _ends(values["logits"])]},
    }
    where = {f"layers.{name}.{claim}": at for name, layer in layers.items() for claim, at in layer.where().items()}
    for name, ends in edges.items():
        start, reached = _start(outside, f"feedback/{name}"), _ends(values[f"next/feedback/{name}"])
        closed = [min(start, ends[0], reached[0]), max(start, ends[1], reached[1])]  # what is claimed, unless it is left
        certificate.setdefault("feedbacks", {})[name] = {"interval": closed, "initial": start, "next": reached}
    return Derived(certificate, where, [f"layer {name}: {f}" for name, layer in layers.items() for f in layer.faults])


def _ends(x: Pair) -> list[int]:
    return [int(x[0].min()), int(x[1].max())]


def _start(outside: Mapping[str, Any], name: str) -> int:
    """The first value of what is carried from step to step."""
    return int(integers(outside[outside[f"start/{name}"].input[0]].attribute[0].t))


def _entering(body: Any, stated: Mapping[str, Any]) -> dict[str, Pair]:
    """Every place of what enters a step at its lowest and at its highest."""
    shapes = {i.name: [1, *(d.dim_value for d in i.type.tensor_type.shape.dim[1:])] for i in body.input}
    return {name: (np.full(shapes[name], int(lo)), np.full(shapes[name], int(hi))) for name, (lo, hi) in stated.items()}


def _spread(channels: list[list[int]], like: Pair) -> Pair:
    """The bounds of each channel at every place of a layer."""
    lo, hi = np.array(channels).T.reshape((2, 1, -1) + (1,) * (like[0].ndim - 2))
    return np.broadcast_to(lo, like[0].shape), np.broadcast_to(hi, like[0].shape)
