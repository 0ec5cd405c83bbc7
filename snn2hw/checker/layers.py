"""What can reach a neuron: the operators between neurons, by the lowest and highest value at every place."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from snn2hw.checker.neuron import Pair

# Operators whose ends go with the ends of their arguments; Mul by what is constant and not negative.
MONOTONE = {"Identity", "Add", "Mul", "Max", "Transpose", "Reshape", "Concat", "Slice", "Pad", "ReduceSum"}


def _matmul(a: Pair, w: Pair, zero: Pair = (0, 0)) -> Pair:
    lo, hi, weight = a[0] - zero[0], a[1] - zero[0], w[0].astype(np.float64)  # exact: sums stay far below 2**53
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    ends = (np.rint(s).astype(np.int64) for s in (lo @ up + hi @ down, hi @ up + lo @ down))
    return next(ends), next(ends)


def layer_bounds(node: Any, args: list[Pair]) -> Pair:
    """Lowest and highest value of a layer's operator, as ONNX itself defines it, in int64."""
    if node.op_type in ("Mul", "MatMul", "MatMulInteger") and np.any(args[1][0] != args[1][1]):
        raise ValueError(f"a product of two values that vary in '{node.name}'")
    if node.op_type in ("MatMul", "MatMulInteger"):
        return _matmul(*args)
    if node.op_type == "Cast":
        return args[0]
    if node.op_type not in MONOTONE or (node.op_type == "Mul" and np.min(args[1][0]) < 0):
        raise ValueError(f"{node.op_type} '{node.name}' need not be lowest where its arguments are")
    operator: Any = ReferenceEvaluator(node)
    low, high = (operator.run(None, dict(zip(node.input, ends, strict=True)))[0] for ends in zip(*args, strict=True))
    return low, high
