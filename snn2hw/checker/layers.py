"""What can reach a neuron: the operators between neurons, by the lowest and highest value at every place."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from snn2hw.checker.neuron import Pair

# Operators whose ends go with the ends of their arguments; Mul by what is constant and not negative.
MONOTONE = {"Identity", "Add", "Mul", "Max", "Transpose", "Reshape", "Concat", "Slice", "Pad", "ReduceSum"}
MOVED_BY = {"Reshape": (1,), "Slice": (1, 2, 3, 4), "Pad": (1,), "ReduceSum": (1,)}  # arguments that say where values go
TURNED = {"Neg", "Sub"}  # whose ends are at those of their arguments, not all of them the same way
# Without VNNI, ONNX Runtime adds two products of bytes in 16 bits, which saturates; 2 * 127 * 128 does not.
SAFE_BYTE = 127


def _cornered(node: Any, args: list[Pair]) -> Pair:
    """Of one or two values, place by place: its ends are at some of theirs."""
    operator: Any = ReferenceEvaluator(node)
    corners = [operator.run(None, dict(zip(node.input, ends, strict=True)))[0] for ends in product(*args)]
    return np.min(corners, 0), np.max(corners, 0)


def _matmul(a: Pair, b: Pair, zero: Pair = (0, 0), other: Pair = (0, 0)) -> Pair:
    (lo, hi), (least, most) = ([end - z[0] for end in pair] for pair, z in ((a, zero), (b, other)))
    if np.any(least != most):  # of two values that vary, each term has its ends at one of four corners
        terms = ([x[..., k, None] * y[..., None, k, :] for x in (lo, hi) for y in (least, most)] for k in range(lo.shape[-1]))
        ends: Any = sum(np.stack([np.min(corners, 0), np.max(corners, 0)]) for corners in terms)
        return ends[0], ends[1]
    # Both in floats, which processors multiply far faster than int64. They are exact: sums stay far below 2**53.
    up, down = (half(least, 0).astype(np.float64) for half in (np.maximum, np.minimum))
    low, high = (np.rint(s).astype(np.int64) for s in (lo @ up + hi @ down, hi @ up + lo @ down))
    return low, high


def layer_bounds(node: Any, args: list[Pair]) -> Pair:
    """Lowest and highest value of a layer's operator, as ONNX itself defines it, in int64."""
    varies = [not np.array_equal(*ends) for ends in args]
    if node.op_type in ("Cast", "MatMul", "MatMulInteger"):
        if node.op_type == "MatMulInteger" and (np.max(args[0][1]) > SAFE_BYTE or any(varies[2:])):
            raise ValueError(f"MatMulInteger '{node.name}' is of bytes up to {np.max(args[0][1])}, beyond {SAFE_BYTE}")
        return args[0] if node.op_type == "Cast" else _matmul(*args)
    if node.op_type in TURNED or (node.op_type == "Mul" and varies[1]):
        return _cornered(node, args)
    if any(varies[at] for at in MOVED_BY.get(node.op_type, ()) if at < len(args)):
        raise ValueError(f"{node.op_type} '{node.name}' moves values by what varies")
    if node.op_type not in MONOTONE or (node.op_type == "Mul" and np.min(args[1][0]) < 0):
        raise ValueError(f"{node.op_type} '{node.name}' need not be lowest where its arguments are")
    operator: Any = ReferenceEvaluator(node)
    low, high = (operator.run(None, dict(zip(node.input, ends, strict=True)))[0] for ends in zip(*args, strict=True))
    return low, high
