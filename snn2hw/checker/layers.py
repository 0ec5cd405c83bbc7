"""What can reach a neuron: the operators between neurons, by the lowest and highest value at every place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from snn2hw.checker.neuron import Pair


def _matmul(a: Pair, w: Pair, zero: Pair = (0, 0)) -> Pair:
    lo, hi, weight = a[0] - zero[0], a[1] - zero[0], w[0].astype(np.float64)  # exact: sums stay far below 2**53
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    ends = (np.rint(s).astype(np.int64) for s in (lo @ up + hi @ down, hi @ up + lo @ down))
    return next(ends), next(ends)


def _slice(a: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    index = [slice(None)] * a.ndim
    for s, e, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(int(s), int(e), int(step))
    return a[tuple(index)]


def _pad(a: Any, pads: Any, value: Any) -> Any:
    half = len(pads) // 2
    return np.pad(a, list(zip(pads[:half], pads[half:], strict=True)), constant_values=int(value))


def layer_bounds(node: Any, args: Sequence[Pair]) -> Pair:
    """Lowest and highest value of a layer's operator; every one but the products is monotone, so its ends go with the ends."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type in ("MatMul", "MatMulInteger"):
        return _matmul(*args)
    if node.op_type == "Mul" and np.min(args[1][0]) < 0:
        raise ValueError(f"a product with a negative constant in '{node.name}'")
    table: Mapping[str, Callable[..., Any]] = {
        "Cast": lambda a: a, "Identity": lambda a: a, "Add": lambda a, b: a + b, "Mul": lambda a, b: a * b, "Max": np.maximum,
        "Transpose": lambda a: np.transpose(a, attributes["perm"]), "Reshape": lambda a, s: a.reshape([int(d) for d in s]),
        "Concat": lambda *a: np.concatenate(a, attributes["axis"]), "Slice": _slice, "Pad": _pad,
        "ReduceSum": lambda a, axes: a.sum(tuple(int(x) for x in axes), keepdims=bool(attributes["keepdims"])),
    }  # fmt: skip
    return table[node.op_type](*(a[0] for a in args)), table[node.op_type](*(a[1] for a in args))
