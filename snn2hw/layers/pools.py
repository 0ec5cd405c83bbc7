"""Sums, means and maxima over a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from snn2hw.ir.integer import IntNode, Ints, same_point
from snn2hw.ir.limits import broken_window
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, Window, image, mismatch, slid
from snn2hw.layers.base import IntOperator, Operator, Quantiser, padded
from snn2hw.layers.windows import windows
from snn2hw.num import Interval

INT64_MIN = int(np.iinfo(np.int64).min)


def _shape(node: AvgPool2d | MaxPool2d | IntSumPool2d | IntMaxPool2d, entering: Shape) -> Shape:
    c, h, w = image(node, entering)
    for pad, kernel, dilation in zip(node.window.padding, node.window.kernel, node.window.dilation, strict=True):
        if pad > dilation * (kernel - 1):
            most = f"at most {dilation * (kernel - 1)}"
            raise mismatch(node, "a pooling window would see padding only", f"padding {pad}", most)
    return (c, *slid(node, node.window, (h, w)))


@dataclass(frozen=True, eq=False)
class AvgPool2d(Operator):
    """y = mean of x over the window, padding counted as zeros."""

    window: Window
    keeps_spikes = True
    by_channel = True

    @property
    def taps(self) -> int:
        """Places of the window."""
        return prod(self.window.kernel)

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, OH, OW]."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        mean: Reals = windows(inputs[0], self.window).mean((4, 5))
        return mean

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """A sum; what it is divided by goes into the binary point as far as it is a power of two, the rest into the unit."""
        twos = (self.taps & -self.taps).bit_length() - 1
        scale = Scale(inputs[0].unit / (self.taps >> twos), tuple(e + twos for e in inputs[0].exponents))
        return IntSumPool2d(**self.common(scale), window=self.window), scale

    def takes_factor(self, factor: float) -> bool:
        """A mean of multiples is a multiple of the mean."""
        return True

    def takes_norm(self, scale: Reals) -> bool:
        """Where no zero of a padding is among what is averaged."""
        return not any(self.window.padding)


@dataclass(frozen=True, eq=False)
class MaxPool2d(Operator):
    """y = max of x over the window, padding never chosen."""

    window: Window
    keeps_spikes = True
    by_channel = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, OH, OW]."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        largest: Reals = windows(inputs[0], self.window, fill=-np.inf).max((4, 5))
        return largest

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same."""
        return IntMaxPool2d(**self.common(inputs[0]), window=self.window), inputs[0]

    def takes_factor(self, factor: float) -> bool:
        """A negative one would turn the largest into the smallest."""
        return factor > 0

    def takes_norm(self, scale: Reals) -> bool:
        """Where no scale is negative."""
        return bool((scale >= 0).all())


@dataclass(frozen=True, eq=False)
class IntSumPool2d(IntOperator):
    """y = sum of x over the window, padding counted as zeros. The division of an average is in the format or the weights."""

    window: Window
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, OH, OW]."""
        return _shape(self, inputs[0])

    def unit_of_input(self, k: int) -> int | None:
        """What leaves stands for the mean."""
        return prod(self.window.kernel)

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        total: Ints = windows(inputs[0], self.window).sum((4, 5))
        return total

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """That of the input, or of padding, times the places of the window."""
        taps = prod(self.window.kernel)
        return padded(sources[0].interval, self.window) * Interval(taps, taps)

    def reach(self, entering: Sequence[int]) -> int:
        """As often as the window has places."""
        return prod(self.window.kernel) * entering[0]

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """The window; one that sees the whole image may be of any size."""
        yield from broken_window(self.window, whole_image=tuple(self.shape[1:]) == (1, 1))


@dataclass(frozen=True, eq=False)
class IntMaxPool2d(IntOperator):
    """y = max of x over the window, padding never chosen."""

    window: Window
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[C, OH, OW]."""
        return _shape(self, inputs[0])

    def unit_of_input(self, k: int) -> int | None:
        """The same."""
        return 1

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        largest: Ints = windows(inputs[0], self.window, fill=INT64_MIN).max((4, 5))
        return largest

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """The window."""
        yield from broken_window(self.window)
