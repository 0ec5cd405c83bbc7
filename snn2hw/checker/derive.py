"""Every claim of certificate.json, derived again from model.onnx alone.

What a neuron computes is read from the ONNX functions, what reaches it from the graph. Only what ONNX has no place for is taken
from the file's metadata: binary points, the real polynomial, the range of the input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from snn2hw.checker.layers import layer_bounds
from snn2hw.checker.neuron import Pair, integers
from snn2hw.checker.neuron_layer import NeuronLayer
from snn2hw.claims import FORMAT
from snn2hw.fingerprints import fingerprints


def derive(data: bytes, claimed: Mapping[str, Mapping[str, Pair]], edges: Mapping[str, Pair]) -> tuple[Any, ...]:
    """Walk model.onnx once. What is carried from step to step goes by its place among the Scan's ends, as ONNX has it.

    Args:
        claimed, edges: intervals of states and of recurrent edges that the certificate claims, which are the one thing to be
            proved rather than computed.

    Returns:
        Every claim, as certificate.json should have it; claim -> place where its ends occur, for messages; faults, which are
        what no claim says and must hold all the same.
    """
    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model)  # among other things, that every name stands for one value
    functions = {f.domain: f for f in model.functions}
    text = {p.key: p.value for p in model.metadata_props}["snn2hw.network"]
    graph, outside = model.graph, {n.output[0]: n for n in model.graph.node}
    (scan,) = (n for n in graph.node if n.op_type == "Scan")
    body = onnx.helper.get_node_attr_value(scan, "body")
    around = [*((a.name, a.i) for a in scan.attribute), scan.input[-1], scan.output[0]]
    stated = [("body", 0), ("num_scan_inputs", 1), graph.input[0].name, graph.output[0].name]
    faults = ["x does not enter the steps, or what leaves is not their sum"] * (around != stated)
    places = zip(scan.input[:-1], body.input[:-1], body.output, strict=True)
    carried = {entry.name: (_start(outside, first), after.name) for first, entry, after in places}
    (total, (start, after)), *_ = carried.items()
    sums = {n.output[0]: (n.op_type, *n.input) for n in body.node}
    faults += ["the readout is not the sum"] * ((start, sums[after]) != (0, ("Add", total, "logits")))
    constants = {t.name: integers(t) for t in body.initializer}
    (stated,) = re.findall(r"^IntInput\(.*?interval=\[(-?\d+), (-?\d+)\]", text, re.M)
    entering = {body.input[-1].name: stated, **{f"feedback/{name}": ends for name, ends in edges.items()}}
    values: dict[str, Pair] = {name: (t, t) for name, t in constants.items()} | _entering(body, entering)
    layers = dict[str, NeuronLayer]()
    for node in body.node:
        if node.domain in functions:
            name, function, x = node.domain.split(".", 1)[1], functions[node.domain], values[node.input[0]]
            given, put = dict(zip(function.input, node.input, strict=True)), dict(zip(function.output, node.output, strict=True))
            params = {i: constants[o].ravel() for i, o in given.items() if o in constants}
            held = {i.removeprefix("in/"): carried[o] for i, o in given.items() if o in carried}
            faults += [f"'{s}' of {name} is not carried on" for s, (_, after) in held.items() if put[f"out/{s}"] != after]
            states = {s: ((int(claimed[name][s][0]), int(claimed[name][s][1])), start) for s, (start, _) in held.items()}
            (stated,) = re.findall(rf"^IntNeuron\(name='{re.escape(name)}',.*?(?=^Int|\Z)", text, re.M | re.S)
            inputs = [[int(low.min()), int(high.max())] for low, high in zip(x[0][0], x[1][0], strict=True)]
            layers[name] = NeuronLayer(function, params, stated, inputs, states)
            values[node.output[0]] = _spread(layers[name].payloads, x)
        elif node.op_type == "Constant":
            values[node.output[0]] = (integers(node.attribute[0].t),) * 2
        elif total not in node.input:
            values[node.output[0]] = layer_bounds(node, [values[i] for i in node.input])
    steps = graph.input[0].type.tensor_type.shape.dim[0].dim_value
    certificate = {
        "format": FORMAT,
        "model": fingerprints(data),
        "steps": steps,
        "layers": [{"layer": name, **layer.claims()} for name, layer in layers.items()],
        "readout": {"step": _ends(values["logits"]), "sum": [end * steps for end in _ends(values["logits"])]},
    }
    where = {f"layers.{name}.{claim}": at for name, layer in layers.items() for claim, at in layer.where().items()}
    for name, ends in edges.items():
        start, reached = carried[f"feedback/{name}"][0], _ends(values[carried[f"feedback/{name}"][1]])
        closed = [min(start, ends[0], reached[0]), max(start, ends[1], reached[1])]  # what is claimed, unless it is left
        certificate.setdefault("feedbacks", {})[name] = {"interval": closed, "initial": start, "next": reached}
    return certificate, where, faults + [f"layer {name}: {f}" for name, layer in layers.items() for f in layer.faults]


def _ends(x: Pair) -> list[int]:
    return [int(x[0].min()), int(x[1].max())]


def _start(outside: Mapping[str, Any], name: str) -> int:
    """The first value of what the Scan is given by this name: a constant, spread over a layer."""
    return {"Expand": int(integers(outside[outside[name].input[0]].attribute[0].t))}[outside[name].op_type]


def _entering(body: Any, stated: Mapping[str, Any]) -> dict[str, Pair]:
    """Every place of what enters a step at its lowest and at its highest."""
    shapes = {i.name: [1, *(d.dim_value for d in i.type.tensor_type.shape.dim[1:])] for i in body.input}
    return {name: (np.full(shapes[name], int(lo)), np.full(shapes[name], int(hi))) for name, (lo, hi) in stated.items()}


def _spread(channels: list[list[int]], like: Pair) -> Pair:
    """The bounds of each channel at every place of a layer."""
    lo, hi = np.array(channels).T.reshape((2, 1, -1) + (1,) * (like[0].ndim - 2))
    return np.broadcast_to(lo, like[0].shape), np.broadcast_to(hi, like[0].shape)
