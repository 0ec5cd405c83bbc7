"""The type of every value of a graph or function, as ONNX infers it, and what a type can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto

from snn2hw.checker.form import INTEGERS

BOOL, INT32, INT64 = TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64
BYTES = (TensorProto.UINT8, TensorProto.INT8)
HOLDS = {getattr(TensorProto, name): np.iinfo(name.lower()) for name in INTEGERS if name != "BOOL"}
COMPARES = {"Equal", "Less", "Greater", "GreaterOrEqual"}
NUMBERS = {
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Mod",
    "Neg",
    "Max",
    "Min",
    "Clip",
    "MatMul",
}  # of values of one type, which the result has
MOVES = {"Transpose", "Reshape", "Slice", "Pad", "ReduceSum", "Expand"}  # of one value, by numbers in int64


def holds(kind: int) -> tuple[int, int]:
    """The lowest and the highest integer of a type."""
    return (0, 1) if kind == BOOL else (int(HOLDS[kind].min), int(HOLDS[kind].max))


def called(kind: int) -> str:
    """A type's name."""
    return str(TensorProto.DataType.Name(kind))


def beyond(name: str, ends: list[int], kind: int, of: str = "") -> list[str]:
    """The fault, if any, of a value that its type cannot hold: what runs would be another number.

    Args:
        name: of the value, for the message. ends: [lo, hi] that it reaches. kind: its TensorProto.DataType.
        of: what the message says behind the name.
    """
    (lo, hi), (low, high) = ends, holds(kind)
    return [f"'{name}'{of} reaches [{lo}, {hi}], which {called(kind)} cannot hold"] * (lo < low or hi > high)


def infer(nodes: Iterable[Any], given: Mapping[str, int]) -> dict[str, int]:
    """By value its type; `given` has those of inputs and initializers.

    Raises:
        ValueError: an operator that ONNX does not define for its arguments, or that ONNX Runtime is known to compute wrongly.
    """
    types = dict(given)
    for node in nodes:
        if not node.domain:  # the outputs of a layer's function are given
            types[node.output[0]] = _result(node, [types[name] for name in node.input])
    return types


def _result(node: Any, args: list[int]) -> int:
    found: int
    op, first = node.op_type, args[0] if args else BOOL
    if op == "Constant":
        return int(node.attribute[0].t.data_type)
    if op == "Cast":
        if node.attribute[0].i not in (BOOL, *HOLDS):
            raise ValueError(f"Cast '{node.output[0]}' is to {called(node.attribute[0].i)}, which holds no integers")
        return int(node.attribute[0].i)
    if op == "MatMulInteger":
        right = first in BYTES and args[1] in BYTES and args[2:] == args[: len(args) - 2]
        found = INT32
    elif op == "Where":
        right, found = first == BOOL and args[1] == args[2], args[1]
    elif op in COMPARES or op in NUMBERS:
        right, found = len(set(args)) == 1 and first != BOOL, BOOL if op in COMPARES else first
    elif op in MOVES:
        right, found = set(args[1:]) <= ({INT64, first} if op == "Pad" else {INT64}), first
    else:  # Identity, Concat; Shape
        right, found = len(set(args)) == 1, INT64 if op == "Shape" else first
    if not right:
        raise ValueError(f"{op} '{node.output[0]}' is of {', '.join(map(called, args))}, for which ONNX does not define it")
    if op in ("Clip", "Max", "Min") and first == INT64:
        raise ValueError(f"{op} '{node.output[0]}' is in INT64, which ONNX Runtime computes wrongly beyond 32 bits")
    return found
