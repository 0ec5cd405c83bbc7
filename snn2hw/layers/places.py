"""The places of an image in another arrangement: the same values in the same order, as [C, H', W']."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from snn2hw.ir.integer import IntNode, Ints, same_point
from snn2hw.ir.limits import MAX_ELEMENTS, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Pair, Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser


def _shape(node: Places | IntPlaces, entering: Shape) -> Shape:
    if prod(entering[1:]) != prod(node.size):
        raise mismatch(node, "another number of places", f"{prod(entering[1:])}", f"{node.size[0]}x{node.size[1]}")
    return (entering[0], *node.size)


@dataclass(frozen=True, eq=False)
class Places(Operator):
    """y[c] = the values of x[c] in their order, as `size`: a signal [C, L] is an image [C, 1, L]."""

    size: Pair
    keeps_spikes = True
    by_channel = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, *size]."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same."""
        return IntPlaces(**self.common(inputs[0]), size=self.size), inputs[0]

    def takes_factor(self, factor: float) -> bool:
        """Nothing is computed."""
        return True

    def takes_norm(self, scale: Reals) -> bool:
        """Channels stay channels."""
        return True


@dataclass(frozen=True, eq=False)
class IntPlaces(IntOperator):
    """y[c] = the values of x[c] in their order, as `size`."""

    size: Pair
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, *size]."""
        return _shape(self, inputs[0])

    def unit_of_input(self, k: int) -> int | None:
        """The same."""
        return 1

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Two sizes."""
        if not whole(self.size, 1, MAX_ELEMENTS) or len(self.size) != 2:
            yield "places have a height and a width", repr(self.size)[:200]
