"""Convolution over two axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.limits import MAX_ELEMENTS, broken_window, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, Window, image, per_output, slid
from snn2hw.layers.base import IntSynapse, Quantiser, Synapse, exact_float, padded
from snn2hw.layers.windows import convolve, patches
from snn2hw.num import Interval

IMAGES = 64  # of a batch that fan-ins are drawn from at most


def _shape(node: Conv2d | IntConv2d, entering: Shape) -> Shape:
    per_output(node, node.bias, len(node.weight))
    _, h, w = image(node, entering, node.weight.shape[1] * node.groups)
    return (int(node.weight.shape[0]), *slid(node, node.window, (h, w)))


@dataclass(frozen=True, eq=False)
class Conv2d(Synapse):
    """y[o] = sum_i w[o, i] * x[i] + b[o], * the 2-D cross-correlation with zero padding; w [O, I/groups, KH, KW]."""

    window: Window
    groups: int

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[O, OH, OW]."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return convolve(inputs[0], self.weight, self.bias, self.window, self.groups)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The same convolution with integer weights."""
        made = q.rounded(self, inputs[0])
        scale = Scale(Fraction(1), made.exponents)
        given = self.common(scale) | {"weight": made.weight, "bias": made.bias}
        return IntConv2d(**given, window=self.window, groups=self.groups), scale

    def fan_ins(self, x: Reals, draw: np.random.Generator, rows: int) -> Reals:
        """At random places of random samples; one sample gives several places so that few are unfolded.

        Arguments as `Synapse.fan_ins`.
        """
        images = draw.integers(0, len(x), min(len(x), IMAGES))
        seen = patches(x[images], self.window, self.groups).transpose(1, 0, 2, 3)
        seen = seen.reshape(self.groups, -1, seen.shape[-1])
        return np.ascontiguousarray(seen[:, draw.integers(0, seen.shape[1], rows)])

    def unfolded(self) -> int:
        """The fan-in of every group at every place."""
        return int(self.weight[0].size) * self.groups * prod(self.shape[1:])


@dataclass(frozen=True, eq=False)
class IntConv2d(IntSynapse):
    """y[o] = sum_i w[o, i] * x[i] + b[o], exact; w int8 [O, I/groups, KH, KW], b int32 [O]."""

    window: Window
    groups: int

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[O, OH, OW]."""
        return _shape(self, inputs[0])

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        x, weight, bias = map(exact_float, (inputs[0], self.weight, self.bias))
        return convolve(x, weight, bias, self.window, self.groups).astype(np.int64)

    def fan_out(self, entering: Shape) -> Ints:
        """The weights of every tap that reaches the place, over the channels it is read by. Arguments as `IntSynapse.fan_out`."""
        (ph, pw), (dh, dw), (sh, sw) = self.window.padding, self.window.dilation, self.window.stride
        channels, height, width = entering
        taps = np.count_nonzero(self.weight.reshape(self.groups, -1, *self.weight.shape[1:]), axis=1)
        taps = taps.reshape(channels, *self.window.kernel)
        rows, columns = (s * (size - 1) + 1 for s, size in zip((sh, sw), self.shape[1:], strict=True))
        found = np.zeros((channels, height + 2 * ph, width + 2 * pw), np.int64)
        for y, x in np.ndindex(*self.window.kernel):
            found[:, y * dh : y * dh + rows : sh, x * dw : x * dw + columns : sw] += taps[:, y, x, None, None]
        return found[:, ph : ph + height, pw : pw + width]

    def seen(self, x: Interval) -> Interval:
        """The input and the padding."""
        return padded(x, self.window)

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Window and groups."""
        yield from broken_window(self.window)
        if not whole((self.groups,), 1, MAX_ELEMENTS):
            yield "groups are a whole number from 1", repr(self.groups)[:200]
