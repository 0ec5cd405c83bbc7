"""model.onnx -> IntegerNetwork: the only form of the network on disk is read back, so that a file that runs is a file that maps.

Structure is in the metadata (the network as JSON), every array is an initializer of the step. Whether the nodes of the
graph say the same is decided by writing the network again and comparing bytes, which `snn2hw.load` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onnx import GraphProto, ModelProto, TensorProto, numpy_helper

from snn2hw.errors import ArtefactError, TextError
from snn2hw.files.onnx_file import parsed_onnx, require_inside
from snn2hw.ir.document import from_json
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.onnx_terms import FORMAT, FORMAT_KEY, NETWORK_KEY, array_name
from snn2hw.ir.rules import check_integer
from snn2hw.shown import Lines

FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
COMPILE_AGAIN = "compile the trained model again; files are not meant to be edited"


def from_onnx(data: bytes, where: str = "model.onnx") -> IntegerNetwork:
    """The network that an ONNX file of snn2hw holds.

    Raises:
        ArtefactError: truncated, foreign, of another version, with float values or operations that snn2hw does not write.
        RuleError: a network that breaks the rules of the integer stage.
    """
    model = _parsed(data, where)
    properties = {p.key: p.value for p in model.metadata_props}
    for problem, got in _foreign(model):
        raise ArtefactError(
            problem, where=where, got=got, expected="integer tensors and snn2hw's own functions", do=COMPILE_AGAIN
        )
    if NETWORK_KEY not in properties:
        raise ArtefactError(
            "this ONNX file was not written by snn2hw",
            where=where,
            got=f"producer '{model.producer_name}'",
            expected=f"metadata '{NETWORK_KEY}'",
            do="compile the trained model with `snn2hw compile`",
        )
    if properties.get(FORMAT_KEY) != FORMAT:
        raise ArtefactError(
            "this file has another version of the format",
            where=where,
            got=str(properties.get(FORMAT_KEY)),
            expected=FORMAT,
            do=COMPILE_AGAIN,
        )
    try:
        net = from_json(properties[NETWORK_KEY], _Initializers(model.graph))
        check_integer(net)
    except (TextError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError) as error:
        raise ArtefactError(
            "the network in this file cannot be read", where=where, got=Lines(str(error)), do=COMPILE_AGAIN
        ) from error
    return net


def _parsed(data: bytes, where: str) -> ModelProto:
    try:
        model = parsed_onnx(data)
    except ValueError as error:
        raise ArtefactError(
            "this is not an ONNX file, or it is truncated", where=where, got=str(error), do=COMPILE_AGAIN
        ) from error
    try:
        require_inside(model)
    except ValueError as error:
        raise ArtefactError(
            "this ONNX file does not hold its tensors",
            where=where,
            got=str(error),
            expected="every tensor in the file itself",
            do=COMPILE_AGAIN,
        ) from error
    if not model.graph.node:
        raise ArtefactError("this ONNX file holds no graph", where=where, got=f"{len(data)} bytes", do=COMPILE_AGAIN)
    return model


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _foreign(model: ModelProto) -> Iterator[tuple[str, str]]:
    domains = {f.domain for f in model.functions}
    for graph in _graphs(model.graph):
        for node in graph.node:
            if node.domain and node.domain not in domains:
                yield "the file has an operation that snn2hw does not know", f"{node.domain}.{node.op_type} in node '{node.name}'"
        typed = [*graph.input, *graph.output, *graph.value_info]
        for value in typed:
            if value.type.tensor_type.elem_type in FLOATS:
                yield "the file computes with floats", f"'{value.name}' is a float tensor"
        for tensor in graph.initializer:
            if tensor.data_type in FLOATS:
                yield "the file computes with floats", f"'{tensor.name}' is a float tensor"
    for nodes in [*(g.node for g in _graphs(model.graph)), *(f.node for f in model.functions)]:
        for node in nodes:
            to = [a.i for a in node.attribute if a.name == "to"]
            if node.op_type == "Cast" and set(to) & FLOATS:
                yield "the file computes with floats", f"node '{node.name}' casts to float"


class _Initializers(Mapping[str, Any]):
    """The arrays of the JSON form, by its names, as the graph holds them."""

    def __init__(self, graph: GraphProto) -> None:
        self._tensors = {t.name: t for inner in _graphs(graph) for t in inner.initializer}

    def __getitem__(self, name: str) -> Any:
        return numpy_helper.to_array(self._tensors[array_name(name)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)
