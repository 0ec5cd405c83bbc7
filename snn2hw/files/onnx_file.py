"""ONNX models from bytes: everything must be in the file itself, and no tensor may state more elements than it holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

MOST_ONNX = 1 << 30  # bytes of a model
TYPED = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")  # where it is not raw_data


def parsed_onnx(data: bytes) -> ModelProto:
    """The model in these bytes, whatever it refers to.

    Raises:
        ValueError: no ONNX, cut off, or too large.
    """
    if len(data) > MOST_ONNX:
        raise ValueError(f"{len(data)} bytes, more than the {MOST_ONNX} that are read")
    try:
        return onnx.load_model_from_string(data)
    except (DecodeError, RecursionError) as error:
        raise ValueError(f"{len(data)} bytes that are no ONNX model, or not all of one") from error


def require_inside(model: ModelProto) -> None:
    """Refuse tensors that lie in another file, and those that are shorter than they state.

    Raises:
        ValueError: the first such tensor.
    """
    for tensor in _tensors(model):
        _require_inside(tensor)


def _require_inside(tensor: TensorProto) -> None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError(f"the tensor '{tensor.name}' lies in another file")
    stated = math.prod(tensor.dims)
    typed = (getattr(tensor, name) for name in TYPED)
    held = len(tensor.raw_data) + sum(len(values) for values in typed)
    if min(tensor.dims, default=0) < 0 or stated > 2 * held:  # two elements of four bits in a byte
        raise ValueError(f"the tensor '{tensor.name}' states {list(tensor.dims)} elements and holds {held} bytes or values")


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _of_node(node)
        yield from _of_attributes(function.attribute_proto)
    for training in model.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)


def _of_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield from _of_node(node)


def _of_node(node: NodeProto) -> Iterator[TensorProto]:
    yield from _of_attributes(node.attribute)


def _of_attributes(attributes: Iterable[AttributeProto]) -> Iterator[TensorProto]:
    for attribute in attributes:
        yield from attribute.tensors
        if attribute.HasField("t"):
            yield attribute.t
        sparse = [*attribute.sparse_tensors, *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else [])]
        for tensor in sparse:
            yield from (tensor.values, tensor.indices)
        for graph in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
            yield from _of_graph(graph)
