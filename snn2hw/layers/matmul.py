"""The matrix product of what neurons fired with what others did, head by head: attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import frexp, prod
from typing import Any

import numpy as np

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.limits import MAX_ELEMENTS, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Pair, Shape, image, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser, exact_float
from snn2hw.num import Interval

TRANSPOSED = ("none", "first", "second")


def multiplied(node: MatMul | IntMatMul, inputs: Sequence[Any], multiply: Callable[[Any, Any], Any]) -> Any:
    """y [N, ...] from the two inputs [N, C, H, W], without the factor; for NumPy's and torch's arrays alike.

    Args:
        node: says the number of heads and which input is transposed. inputs: the two.
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


def _shape(node: MatMul | IntMatMul, inputs: Sequence[Shape]) -> Shape:
    (a, b), heads = (image(node, shape) for shape in inputs), node.heads
    if node.transposed not in TRANSPOSED:
        raise mismatch(node, "a product transposes another way", repr(node.transposed), ", ".join(TRANSPOSED))
    if heads < 1 or a[0] % heads or b[0] % heads:
        raise mismatch(node, "the heads do not divide the channels", f"{heads} heads", f"a divisor of {a[0]} and {b[0]}")
    rows, summed = a[0] // heads, a[1] * a[2]
    if node.transposed == "first":
        rows, summed = summed, rows
    other, columns = b[0] // heads, b[1] * b[2]
    if node.transposed == "second":
        other, columns = columns, other
    if summed != other:
        raise mismatch(node, "the two sides of a product differ in what is summed over", f"{summed} and {other}", "the same")
    if prod(node.size) != columns:
        raise mismatch(node, "the size is not that of the product", f"{node.size[0]}x{node.size[1]}", f"{columns} places")
    return (heads * rows, *node.size)


@dataclass(frozen=True, eq=False)
class MatMul(Operator):
    """y_h = factor * A_h B_h for every head h: the product of what neurons fired with what others did.

    transposed: none: A_h B_h    first: A_h^T B_h    second: A_h B_h^T
    x_h [C / heads, H * W]: head h's channels of a value x [C, H, W], one column for each place; the places of y lie as `size`.

    Attention of q, k and v: a = MatMul(k, q, first), whose channels are the keys of every head, then MatMul(v, a, none).
    The other way round: c = MatMul(v, k, second), then MatMul(c, q, none).
    """

    heads: int
    transposed: str
    size: Pair
    factor: float
    arity = 2
    keeps_spikes = True
    of_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[heads * rows, *size]."""
        return _shape(self, inputs)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        y: Reals = self.factor * multiplied(self, inputs, np.matmul)
        return y

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """The product of both times at most all values of the first."""
        return abs(self.factor) * entering[0] * entering[1] * prod(shapes[0])

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The product without its factor, which goes into the binary point where it is a power of two, else into the unit."""
        a, b = inputs
        mantissa, exponent = frexp(self.factor)
        unit, twos = (Fraction(1), exponent - 1) if mantissa == 0.5 else (Fraction(self.factor), 0)
        scale = Scale(a.unit * b.unit * unit, (a.frac + b.frac - twos,))
        return IntMatMul(**self.common(scale), heads=self.heads, transposed=self.transposed, size=self.size), scale


@dataclass(frozen=True, eq=False)
class IntMatMul(IntOperator):
    """y_h = A_h B_h, A_h^T B_h or A_h B_h^T for every head, exact, as in `MatMul`. Its factor is in the format or the neuron."""

    heads: int
    transposed: str
    size: Pair
    arity = 2
    keeps_spikes = True
    of_spikes = True
    reads_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[heads * rows, *size]."""
        return _shape(self, inputs)

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        product: Ints = multiplied(self, list(map(exact_float, inputs)), np.matmul).astype(np.int64)
        return product

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """The product of the intervals as often as products are summed; its magnitude is that of every partial sum, too."""
        count = terms(self, sources[0].shape)
        a, b = (s.interval for s in sources)
        return a * b * Interval(count, count)

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """Each product is lowest, and highest, at one of four corners."""
        a, b = inputs
        return self._corners(a, b, np.minimum), self._corners(a, b, np.maximum)

    def _corners(self, a: tuple[Ints, Ints], b: tuple[Ints, Ints], choose: Callable[[Any, Any], Any]) -> Ints:
        x, y = (np.stack([v[0][0], v[1][0]]) for v in (a, b))  # the corners of a value in place of samples

        def multiply(x: Ints, y: Ints) -> Ints:
            total = np.zeros((1, x.shape[1], x.shape[2], y.shape[3]), np.int64)
            for k in range(x.shape[3]):
                products = (x[i, :, :, k, None] * y[j, :, None, k] for i in (0, 1) for j in (0, 1))
                total += reduce(choose, products)
            return total

        found: Ints = multiplied(self, (x, y), multiply)
        return found

    def reach(self, entering: Sequence[int]) -> int:
        """Of spikes, whose bounds no learning moves."""
        return self.interval.magnitude

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Heads and size."""
        if not (whole((self.heads, *self.size), 1, MAX_ELEMENTS) and len(self.size) == 2):
            yield "heads and size of a product are whole numbers from 1", f"{self.heads!r}, {self.size!r}"[:200]
