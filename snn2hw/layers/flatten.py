"""All values of a sample on one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from snn2hw.ir.integer import IntNode, Ints, same_point
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape
from snn2hw.layers.base import IntOperator, Operator, Quantiser


@dataclass(frozen=True, eq=False)
class Flatten(Operator):
    """y = x as one axis, channel-major (C order)."""

    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C * H * W]."""
        return (prod(inputs[0]),)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return inputs[0].reshape(len(inputs[0]), -1)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same."""
        return IntFlatten(**self.common(inputs[0])), inputs[0]

    def takes_factor(self, factor: float) -> bool:
        """Nothing is computed."""
        return True


@dataclass(frozen=True, eq=False)
class IntFlatten(IntOperator):
    """y = x as one axis, channel-major."""

    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C * H * W]."""
        return (prod(inputs[0]),)

    def unit_of_input(self, k: int) -> int | None:
        """The same."""
        return 1

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return inputs[0].reshape(len(inputs[0]), -1)

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])
