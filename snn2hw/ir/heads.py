"""How the channels of two values are taken as one matrix for each head, and multiplied: for NumPy's and torch's arrays alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from snn2hw.ir.integer import IntMatMul
from snn2hw.ir.network import MatMul, Shape

TRANSPOSED = ("none", "first", "second")


def multiplied(node: MatMul | IntMatMul, inputs: Sequence[Any], multiply: Callable[[Any, Any], Any]) -> Any:
    """y [N, ...] from the two inputs [N, C, H, W], without the factor.

    Args:
        multiply: [N, heads, I, K] and [N, heads, K, J] -> [N, heads, I, J].
    """
    a, b = (x.reshape(len(x), node.heads, x.shape[1] // node.heads, -1) for x in inputs)
    a = a.swapaxes(2, 3) if node.transposed == "first" else a
    b = b.swapaxes(2, 3) if node.transposed == "second" else b
    y = multiply(a, b)
    return y.reshape(len(y), *node.shape)


def terms(node: MatMul | IntMatMul, a: Shape) -> int:
    """How many products are summed for one value; `a` is the shape of the first input."""
    return a[0] // node.heads if node.transposed == "first" else a[1] * a[2]
