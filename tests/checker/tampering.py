"""One integer of model.onnx, or one leaf of certificate.json, changed; a pure function of a seed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, TensorProto, numpy_helper

from snn2hw.certificate.certify import certify
from snn2hw.fingerprints import fingerprints
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntegerNetwork
from tests import random_networks

Path = tuple[str | int, ...]
WORD = re.compile(r"(?<![\w.])-?\d+(?![\w.])")  # an integer of the metadata; not part of a name, a format or a float
MODEL_KINDS = ("initializer", "constant", "attribute", "metadata")
LEAF_KINDS = ("number", "flag", "string", "element")


@dataclass(frozen=True)
class Written:
    """A model with its certificate, as two files would hold them."""

    network: IntegerNetwork
    model: bytes
    certificate: dict[str, Any]


def written(net: IntegerNetwork) -> Written:
    model = to_onnx(net)[0]
    return Written(net, model, json.loads(json.dumps(certify(net, model))))


@cache
def written_random(seed: int, state_bits: int) -> Written:
    """A random network whose states have so many bits."""
    case = random_networks.random_case(seed)
    options = type(case.options)(state_bits, case.options.weight_bits, case.options.scales)
    return written(random_networks.compiled(type(case)(seed, case.network, case.sample, options, case.target)).network)


@dataclass(frozen=True)
class Tampered:
    """What was done: a kind of change, the part that it is in, the change in words, and the two files after it."""

    kind: str
    part: str
    says: str
    model: bytes
    certificate: dict[str, Any]


def tampered(before: Written, kind: str, rng: np.random.Generator) -> Tampered | None:
    """One change of this kind; None where there is nothing to change."""
    if kind in LEAF_KINDS:
        return _in_certificate(before, kind, rng)
    model = onnx.load_model_from_string(before.model)
    sites = list(_sites(model, kind))
    if not sites:
        return None
    part, change = sites[int(rng.integers(len(sites)))]
    says = change(rng)
    data = model.SerializeToString(deterministic=True)
    assert data != before.model, f"nothing was changed in {part}: {says}"
    return Tampered(kind, part, says, data, before.certificate)


def rewired(before: Written, change: Callable[[Any, Any, Any], None]) -> Tampered:
    """A change of (graph, Scan, body) by somebody who also brings the certificate's hashes up to date."""
    model = onnx.load_model_from_string(before.model)
    (scan,) = (n for n in model.graph.node if n.op_type == "Scan")
    (body,) = (a.g for a in scan.attribute if a.name == "body")
    change(model.graph, scan, body)
    data = model.SerializeToString(deterministic=True)
    assert data != before.model
    return Tampered("rewired", "", "", data, {**before.certificate, "model": fingerprints(data)})


# model.onnx


def _other(value: int, rng: np.random.Generator, lo: int, hi: int) -> int:
    """Another integer: the next one, one bit flipped, or the other sign."""
    tries = [value + 1, value - 1, value ^ (1 << int(rng.integers(0, 7))), -value]
    return int(rng.choice([t for t in tries if t != value and lo <= t <= hi]))


Site = tuple[str, Callable[[np.random.Generator], str]]


def _graphs(model: ModelProto) -> list[Any]:
    return [model.graph, *(a.g for n in model.graph.node for a in n.attribute if a.HasField("g"))]


def _nodes(model: ModelProto) -> Iterator[tuple[str, Any]]:
    """Every node, with the part of the fingerprints that it is in."""
    for graph in _graphs(model):
        yield from ((f"node {n.name}", n) for n in graph.node)
    for function in model.functions:
        yield from ((f"function {function.domain}", n) for n in function.node)


def _sites(model: ModelProto, kind: str) -> Iterator[Site]:
    if kind == "initializer":
        for graph in _graphs(model):
            yield from ((f"initializer {t.name}", _in_tensor(t)) for t in graph.initializer)
    elif kind == "metadata":
        yield from ((f"metadata {p.key}", _in_text(p)) for p in model.metadata_props if WORD.search(p.value))
    else:
        for part, node in _nodes(model):
            for a in node.attribute:
                if kind == "constant" and a.type == AttributeProto.TENSOR and numpy_helper.to_array(a.t).size:
                    yield part, _in_tensor(a.t)
                elif kind == "attribute" and a.type in (AttributeProto.INT, AttributeProto.INTS):
                    yield part, _in_attribute(a)


def _in_tensor(tensor: TensorProto) -> Callable[[np.random.Generator], str]:
    def change(rng: np.random.Generator) -> str:
        value = numpy_helper.to_array(tensor).copy()
        assert value.dtype.kind in "iu"
        at, info = int(rng.integers(value.size)), np.iinfo(value.dtype)
        old = int(value.flat[at])
        value.flat[at] = new = _other(old, rng, int(info.min), int(info.max))
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
        return f"element {at}: {old} -> {new}"

    return change


def _in_attribute(attribute: AttributeProto) -> Callable[[np.random.Generator], str]:
    def change(rng: np.random.Generator) -> str:
        if attribute.type == AttributeProto.INT:
            old = attribute.i
            attribute.i = new = _other(old, rng, -(2**31), 2**31)
        else:
            at = int(rng.integers(len(attribute.ints)))
            old = attribute.ints[at]
            attribute.ints[at] = new = _other(old, rng, -(2**31), 2**31)
        return f"attribute {attribute.name}: {old} -> {new}"

    return change


def _in_text(entry: Any) -> Callable[[np.random.Generator], str]:
    def change(rng: np.random.Generator) -> str:
        found = list(WORD.finditer(entry.value))
        match = found[int(rng.integers(len(found)))]
        new = _other(int(match[0]), rng, -(2**62), 2**62)
        around = entry.value[max(0, match.start() - 20) : match.end()]
        entry.value = entry.value[: match.start()] + str(new) + entry.value[match.end() :]
        return f"{around!r}: {match[0]} -> {new}"

    return change


# certificate.json


def _in_certificate(before: Written, kind: str, rng: np.random.Generator) -> Tampered | None:
    certificate = copy.deepcopy(before.certificate)
    places = [(path, leaf) for path, leaf in _leaves(certificate, ()) if _leaf_kind(leaf, path) == kind]
    if not places:
        return None
    path, leaf = places[int(rng.integers(len(places)))]
    new: Any
    if isinstance(leaf, bool):
        new = not leaf
    elif isinstance(leaf, str):
        new = leaf[:-1] + ("x" if leaf[-1:] != "x" else "y")
    else:
        new = leaf + int(rng.choice([-1, 1]))
    holder: Any = certificate
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return Tampered(kind, _named(before.certificate, path), f"{path}: {leaf!r} -> {new!r}", before.model, certificate)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))
    elif value is not None:
        yield path, value


def _leaf_kind(leaf: Any, path: Path) -> str:
    if isinstance(leaf, bool):
        return "flag"
    if isinstance(leaf, str):
        return "string"
    return "element" if isinstance(path[-1], int) else "number"


def _named(certificate: dict[str, Any], path: Path) -> str:
    """The claim as failures name it: layers by their names, the elements of a plain list by the list.

    Two stand for something else: a layer's name is looked up in the model; a state's interval is what is to be proved, and
    where it is another, other values of the state are tried.
    """
    names, value = [], certificate
    for key in path:
        if isinstance(value, list) and not isinstance(value[0], dict):
            break
        value = value[key]  # type: ignore[index]
        names.append(str(value["layer"]) if isinstance(value, dict) and "layer" in value else str(key))
    if names[-1] == "layer":
        return names[-2]
    return f"{names[0]}.{names[1]}.values.{names[3]}" if names[-1] == "interval" else ".".join(names)
