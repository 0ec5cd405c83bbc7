"""Images made larger: values repeated (nearest neighbour), or spread out with zeros between (of a transposed convolution)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.ir.integer import IntNode, Ints, same_point
from snn2hw.ir.limits import MAX_EXTENT, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Pair, Shape, image
from snn2hw.layers.base import IntOperator, Operator, Quantiser
from snn2hw.layers.windows import Array
from snn2hw.num import Interval


def repeated(x: Array, factor: Pair) -> Array:
    """y[..., i, j] = x[..., i // factor[0], j // factor[1]]."""
    return x.repeat(factor[0], axis=-2).repeat(factor[1], axis=-1)


def spread_out(x: Array, factor: Pair, tail: Pair) -> Array:
    """y[..., i * factor[0], j * factor[1]] = x[..., i, j], 0 elsewhere; `tail` rows and columns of 0 follow the last value."""
    *lead, h, w = x.shape
    y = np.zeros((*lead, *_spread_size((h, w), factor, tail)), x.dtype)
    y[..., : (h - 1) * factor[0] + 1 : factor[0], : (w - 1) * factor[1] + 1 : factor[1]] = x
    return y


def _spread_size(size: Pair, factor: Pair, tail: Pair) -> Pair:
    return (size[0] - 1) * factor[0] + 1 + tail[0], (size[1] - 1) * factor[1] + 1 + tail[1]


@dataclass(frozen=True, eq=False)
class Upsample2d(Operator):
    """y[c, i, j] = x[c, i // factor[0], j // factor[1]]: nearest neighbour, by whole factors."""

    factor: Pair
    keeps_spikes = True
    by_channel = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, H * factor[0], W * factor[1]]."""
        c, h, w = image(self, inputs[0])
        return c, h * self.factor[0], w * self.factor[1]

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return repeated(inputs[0], self.factor)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same."""
        return IntResize2d(**self.common(inputs[0]), factor=self.factor, zeros=False, tail=(0, 0)), inputs[0]

    def takes_factor(self, factor: float) -> bool:
        """Values are only repeated."""
        return True

    def takes_norm(self, scale: Reals) -> bool:
        """Values are only repeated."""
        return True


@dataclass(frozen=True, eq=False)
class Spread2d(Operator):
    """y[c, i * factor[0], j * factor[1]] = x[c, i, j], 0 elsewhere; `tail` rows and columns of 0 follow the last value.

    A transposed convolution of stride `factor` is a Spread2d, then a convolution of stride 1 with the kernel turned round.
    """

    factor: Pair
    tail: Pair
    keeps_spikes = True
    by_channel = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, (H - 1) * factor[0] + 1 + tail[0], (W - 1) * factor[1] + 1 + tail[1]]."""
        c, h, w = image(self, inputs[0])
        return (c, *_spread_size((h, w), self.factor, self.tail))

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return spread_out(inputs[0], self.factor, self.tail)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same."""
        return IntResize2d(**self.common(inputs[0]), factor=self.factor, zeros=True, tail=self.tail), inputs[0]

    def takes_factor(self, factor: float) -> bool:
        """Zeros stay zeros."""
        return True


@dataclass(frozen=True, eq=False)
class IntResize2d(IntOperator):
    """zeros: y[c, i * factor[0], j * factor[1]] = x[c, i, j], 0 elsewhere, `tail` more behind the last; else
    y[c, i, j] = x[c, i // factor[0], j // factor[1]]."""

    factor: Pair
    zeros: bool
    tail: Pair
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As of `Spread2d`, or of `Upsample2d`."""
        c, h, w = image(self, inputs[0])
        return (c, *_spread_size((h, w), self.factor, self.tail)) if self.zeros else (c, h * self.factor[0], w * self.factor[1])

    def unit_of_input(self, k: int) -> int | None:
        """The same."""
        return 1

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return spread_out(inputs[0], self.factor, self.tail) if self.zeros else repeated(inputs[0], self.factor)

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """That of the input, and the zeros."""
        return sources[0].interval.hull(Interval(0, 0)) if self.zeros else sources[0].interval

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Factors from 1, and a tail of zeros only."""
        pairs = whole(self.factor, 1, MAX_EXTENT) and whole(self.tail, 0, MAX_EXTENT)
        if not pairs or len(self.factor) != 2 or len(self.tail) != 2 or not isinstance(self.zeros, bool):
            yield (
                "a resize has two factors from 1, a flag, and a tail from 0",
                f"{self.factor!r}, {self.zeros!r}, {self.tail!r}"[:200],
            )
        elif any(self.tail) and not self.zeros:
            yield "only zeros follow the last value", repr(self.tail)[:200]
