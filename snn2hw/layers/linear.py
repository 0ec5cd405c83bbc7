"""The fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch, per_output
from snn2hw.layers.base import IntSynapse, Quantiser, Synapse, exact_float


def _shape(node: Linear | IntLinear, entering: Shape) -> Shape:
    per_output(node, node.bias, len(node.weight))
    if len(entering) != 1 or entering[0] != node.weight.shape[1]:
        raise mismatch(node, "the number of features does not fit the weights", list(entering), [node.weight.shape[1]])
    return (int(node.weight.shape[0]),)


@dataclass(frozen=True, eq=False)
class Linear(Synapse):
    """y = W x + b over the last axis; W [O, I]."""

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[O]."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        y: Reals = inputs[0] @ self.weight.T + self.bias
        return y

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same with integer weights."""
        made = q.rounded(self, inputs[0])
        scale = Scale(Fraction(1), made.exponents)
        return IntLinear(**self.common(scale), weight=made.weight, bias=made.bias), scale

    def fan_ins(self, x: Reals, draw: np.random.Generator, rows: int) -> Reals:
        """Random samples. Arguments as `Synapse.fan_ins`."""
        return x[draw.integers(0, len(x), rows)][None]


@dataclass(frozen=True, eq=False)
class IntLinear(IntSynapse):
    """y = W x + b, exact; W int8 [O, I], b int32 [O]."""

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[O]."""
        return _shape(self, inputs[0])

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        x, weight, bias = map(exact_float, (inputs[0], self.weight, self.bias))
        result: Ints = (x @ weight.T + bias).astype(np.int64)
        return result

    def fan_out(self, entering: Shape) -> Ints:
        """The weights of its column. Arguments as `IntSynapse.fan_out`."""
        found: Ints = np.count_nonzero(self.weight, axis=0)
        return found
