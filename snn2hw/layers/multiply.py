"""The product of two branches, place by place: gates, and IAND joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser
from snn2hw.num import Interval


def _shape(node: Multiply | IntMultiply, inputs: Sequence[Shape]) -> Shape:
    if inputs[0] != inputs[1]:
        raise mismatch(node, "the branches of a product differ in shape", list(inputs[1]), list(inputs[0]))
    return inputs[0]


@dataclass(frozen=True, eq=False)
class Multiply(Operator):
    """y = x_0 * x_1 of what neurons fired: a gate, for spikes of 0 and 1 a logical AND."""

    arity = 2
    keeps_spikes = True
    of_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return inputs[0] * inputs[1]

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """The product of both."""
        return entering[0] * entering[1]

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The product of the integers stands for the product of the scales."""
        a, b = inputs
        scale = Scale(a.unit * b.unit, (a.frac + b.frac,))
        return IntMultiply(**self.common(scale)), scale


@dataclass(frozen=True, eq=False)
class IntMultiply(IntOperator):
    """y = x_0 * x_1, exact."""

    arity = 2
    keeps_spikes = True
    of_spikes = True
    reads_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return inputs[0] * inputs[1]

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """The product of the intervals."""
        return sources[0].interval * sources[1].interval

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """A product is lowest, and highest, at one of four corners."""
        corners = np.stack([x * y for x in inputs[0] for y in inputs[1]])
        return corners.min(0), corners.max(0)

    def reach(self, entering: Sequence[int]) -> int:
        """Of spikes, whose bounds no learning moves."""
        return self.interval.magnitude
