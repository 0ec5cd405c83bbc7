"""Batch normalisation in evaluation; it has no integer form, for `fold` takes it into the weights beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snn2hw.ir.integer import IntNode
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch, per_output
from snn2hw.layers.base import Operator, Quantiser, per_channel


@dataclass(frozen=True, eq=False)
class BatchNorm(Operator):
    """y[c] = scale[c] * x[c] + shift[c]; scale = weight / sqrt(var + eps), shift = bias - mean * scale (inference)."""

    scale: Reals
    shift: Reals

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        per_output(self, self.shift, len(self.scale))
        if inputs[0][0] != len(self.scale):
            raise mismatch(self, "the number of channels does not fit the normalisation", inputs[0][0], len(self.scale))
        return inputs[0]

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        x = inputs[0]
        return per_channel(self.scale, x) * x + per_channel(self.shift, x)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """Nothing: `quantise` requires that none is left."""
        raise AssertionError(f"BatchNorm '{self.name}' must be folded first")
