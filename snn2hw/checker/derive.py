"""Every claim of certificate.json, derived again from model.onnx alone.

What a neuron computes is read from the ONNX functions, what reaches it from the graph. Claims are those of the function that is
the lowered program; the one that is called, simplified, has to give the same, whatever enters. Only what ONNX has no place for
is taken from the file's metadata: binary points, the real polynomial, the range of the input. `form` has to find nothing before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from snn2hw.checker.equation import equation_claims
from snn2hw.checker.form import LOWERED, layer_of, spelled
from snn2hw.checker.layers import layer_bounds
from snn2hw.checker.neuron import Pair, integers
from snn2hw.checker.neuron_layer import NeuronLayer
from snn2hw.checker.shorter import unproved
from snn2hw.checker.types import beyond, infer
from snn2hw.claims import FORMAT
from snn2hw.files.read import json_value
from snn2hw.fingerprints import fingerprints

Claimed = Mapping[str, Mapping[str, Pair]]


def derive(data: bytes, claimed: Claimed, edges: Mapping[str, Pair]) -> tuple[Any, ...]:
    """Walk model.onnx once. What is carried from step to step goes by its place among the Scan's ends, as ONNX has it.

    Args:
        data: model.onnx.
        claimed, edges: intervals of states and of recurrent edges that the certificate claims, which are the one thing to be
            proved rather than computed.

    Returns:
        Every claim, as certificate.json should have it; claim -> place where its ends occur, for messages; faults, which are
        what no claim says and must hold all the same.
    """
    model = onnx.load_model_from_string(data)
    onnx.checker.check_model(model)
    walk = _Walk(model, claimed, edges)
    walk.follow()
    ends = _ends(walk.values[walk.readout])
    certificate = {
        "format": FORMAT,
        "model": fingerprints(data),
        "steps": walk.steps,
        "layers": [{"layer": n, **layer.claims(), **equation_claims(layer)} for n, layer in walk.layers.items()],
        "readout": {"step": ends, "sum": [end * walk.summed for end in ends]},
    }
    where = {f"layers.{name}.{claim}": at for name, layer in walk.layers.items() for claim, at in layer.where().items()}
    for name, (lo, hi) in edges.items():
        start, after = walk.carried[f"feedback/{spelled(name)}"]
        reached = _ends(walk.values[after])
        closed = [min(start, lo, reached[0]), max(start, hi, reached[1])]  # what is claimed, unless it is left
        certificate.setdefault("feedbacks", {})[name] = {"interval": closed, "initial": start, "next": reached}
    return certificate, where, walk.faults + [f"layer {name}: {f}" for name, layer in walk.layers.items() for f in layer.faults]


class _Walk:
    """The loop over the steps, followed in the order in which it runs.

    `values`: by name, lowest and highest at every place. `carried`: by the name with which it enters a step, the first value of
    what is carried and the name with which it leaves. `types`, `shapes`: by name, without the samples.
    """

    def __init__(self, model: Any, claimed: Claimed, edges: Mapping[str, Pair]) -> None:
        self.claimed, graph = claimed, model.graph
        self.functions = {f.domain: f for f in model.functions}
        (text,) = (p.value for p in model.metadata_props if p.key == "snn2hw.network")
        self.stated = {n["name"]: n for n in json_value(text)["nodes"]}
        (scan,) = (n for n in graph.node if n.op_type == "Scan")
        self.body = body = onnx.helper.get_node_attr_value(scan, "body")
        self.shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim][1:] for i in body.input}
        self.types = {i.name: i.type.tensor_type.elem_type for i in [*body.input, *graph.input]}
        self.types |= {t.name: t.data_type for t in body.initializer}
        self.faults = self._around(graph, scan)
        self.carried = self._carried(graph, scan)
        self.constants = {t.name: integers(t) for t in body.initializer}
        self.values: dict[str, Pair] = {name: (t, t) for name, t in self.constants.items()}
        (entering,) = (n["interval"] for n in self.stated.values() if n["is"] == "IntInput")
        stated = {body.input[-1].name: entering, **{f"feedback/{spelled(name)}": ends for name, ends in edges.items()}}
        for name, (lo, hi) in stated.items():
            self.values[name] = (np.full([1, *self.shapes[name]], int(lo)), np.full([1, *self.shapes[name]], int(hi)))
        self.layers = dict[str, NeuronLayer]()

    def _around(self, graph: Any, scan: Any) -> list[str]:
        """The samples enter the loop as they are, and what leaves is what its first end carries."""
        (x,), (out,) = graph.input, graph.output
        dims, self.steps = [d.dim_value for d in x.type.tensor_type.shape.dim], x.type.tensor_type.shape.dim[0].dim_value
        ends = {a.name: a.i for a in scan.attribute}["num_scan_inputs"], scan.input[-1], scan.output[0], len(scan.output)
        faults = ["x does not enter the steps, or what leaves is not their sum"]
        faults *= ends != (1, x.name, out.name, len(scan.input) - 1)
        if self.steps < 1 or dims[2:] != self.shapes[self.body.input[-1].name]:
            faults.append(f"the samples are {dims}, each step {self.shapes[self.body.input[-1].name]}")
        if self.types[x.name] != self.types[self.body.input[-1].name]:
            faults.append("the samples have another type than a step takes")
        return faults

    def _carried(self, graph: Any, scan: Any) -> dict[str, tuple[int, str]]:
        """What each carried value is at first: a constant, spread over the samples and the shape that it has in the steps."""
        outside, x = {n.output[0]: n for n in graph.node}, graph.input[0].name

        def spelt(name: str) -> Any:
            node = outside.get(name)
            if node is None:
                return name
            return (
                integers(node.attribute[0].t).tolist() if node.op_type == "Constant" else (node.op_type, *map(spelt, node.input))
            )

        carried, samples = {}, ("Slice", ("Shape", x), [1], [2])
        for first, entry, after in zip(scan.input[:-1], self.body.input[:-1], self.body.output, strict=True):
            made = spelt(first)
            if made != ("Expand", made[1], ("Concat", samples, self.shapes[entry.name])) or not isinstance(made[1], int):
                raise ValueError(f"'{entry.name}' does not start as one number for every sample, but as {made}")
            kind = outside[outside[first].input[0]].attribute[0].t.data_type
            if not kind == self.types[entry.name] == after.type.tensor_type.elem_type:
                self.faults.append(f"'{entry.name}' changes its type from step to step")
            carried[entry.name] = (made[1], after.name)
        return carried

    def follow(self) -> None:
        """Every operator of a step, then what the steps add up to."""
        (total, (start, after)), *_ = self.carried.items()
        (last,) = (n for n in self.body.node if n.output[0] == after)
        stated = next(n for n in self.stated.values() if n["is"] == "IntReadout").get("kind", "sum")
        found = {("Add", total): "sum", ("Identity",): "last"}.get((last.op_type, *last.input[:-1]))
        if start != 0 or found != stated:
            got = f"{last.op_type} of {', '.join(last.input)}"
            raise ValueError(f"the readout does not start at 0, or is not the {stated} of the steps: {start}, {got}")
        self.readout, self.summed = last.input[-1], self.steps if stated == "sum" else 1
        for node in self.body.node:
            if node.domain:
                self._neurons(node)
                continue
            self.types = infer([node], self.types)
            if node.op_type == "Constant":
                self.values[node.output[0]] = (integers(node.attribute[0].t),) * 2
            elif node.output[0] != after:
                self.values[node.output[0]] = layer_bounds(node, [self.values[i] for i in node.input])
        for name in [*self.values]:
            self.faults += beyond(name, _ends(self.values[name]), self.types[name])
        low, high = (end * self.summed for end in _ends(self.values[self.readout]))
        self.faults += beyond("the readout", [min(low, 0), max(high, 0)], self.types[total])
        for entry, (_, name) in self.carried.items():
            reached = self.values[self.readout if name == after else name][0].shape[1:]
            if list(reached) != self.shapes[entry] or self.types[name] != self.types[entry]:
                self.faults.append(f"'{entry}' changes its shape or its type from step to step")

    def _neurons(self, node: Any) -> None:
        """A layer of neurons: what is constant, what is carried, and its sum, by the places of its function's ends."""
        name, called, x = layer_of(node.domain), self.functions[node.domain], self.values[node.input[0]]
        lowered = self.functions[LOWERED + node.domain]
        given = dict(zip(called.input, node.input, strict=True))
        put = dict(zip(called.output, node.output, strict=True))
        held = {i.removeprefix("in/"): self.carried[o] for i, o in given.items() if o in self.carried}
        params = {i: self.constants[o] for i, o in given.items() if o in self.constants}
        own = (1, x[0].shape[1]), [1] * (x[0].ndim - 2)
        if any(p.shape[0] not in own[0] or list(p.shape[1:]) != own[1] for p in params.values()):
            self.faults.append(f"a constant of {name} is not one for all or one for each channel")
        if wrong := [s for s, (_, after) in held.items() if put[f"out/{s}"] != after]:
            self.faults.append(f"'{wrong[0]}' of {name} is not carried on")
        states = {s: ((int(self.claimed[name][s][0]), int(self.claimed[name][s][1])), start) for s, (start, _) in held.items()}
        inputs = [[int(low.min()), int(high.max())] for low, high in zip(x[0][0], x[1][0], strict=True)]
        types, meant = (infer(f.node, {i: self.types[given[i]] for i in f.input}) for f in (called, lowered))
        raveled = {i: p.ravel() for i, p in params.items()}
        own_params = {i: p for i, p in raveled.items() if i in lowered.input}
        self.layers[name] = layer = NeuronLayer(lowered, own_params, self.stated[name], inputs, states, meant)
        self.faults += [f"layer {name}: {fault}" for fault in unproved(layer, called, raveled, types)]
        self.types |= {o: types[i] for i, o in put.items()}
        self.values[node.output[0]] = _spread(layer.payloads, x)
        for s in held:
            self.values[put[f"out/{s}"]] = _spread([layer.seen[f"out/{s}"].ends], x)


def _ends(x: Pair) -> list[int]:
    return [int(np.min(x[0])), int(np.max(x[1]))]


def _spread(channels: list[list[int]], like: Pair) -> Pair:
    """The bounds of each channel, or of all, at every place of a layer."""
    lo, hi = np.array(channels).T.reshape((2, 1, -1) + (1,) * (like[0].ndim - 2))
    return np.broadcast_to(lo, like[0].shape), np.broadcast_to(hi, like[0].shape)
