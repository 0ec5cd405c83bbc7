"""What every layer says of itself, in both stages; a layer is one file of this package.

`Operator` is a layer of the float network, `IntOperator` what becomes of it in integers. A class states its shape, its
exact meaning, how large its values get, and how the one becomes the other. Whatever walks a network (the rules, the
reference, calibration, scales, the certificate) asks these methods and knows no layer by its class. What torch, the file
formats and the back ends make of a layer is a row in a table of theirs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Protocol

import numpy as np

from snn2hw.ir.integer import Int8s, Int32s, IntNode, Ints
from snn2hw.ir.limits import INT32_MAX
from snn2hw.ir.network import Node, Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, Window
from snn2hw.num import Format, Interval

SUM_BITS = 32  # every value between layers is exact in int32; `narrow` then finds the bits that are needed
ROWS = 64  # values that are tried at once
TO_BE_FOUND = Interval(0, 0)  # replaced by the exact interval once the node stands in its network


@dataclass(frozen=True)
class Rounded:
    """Integer weights of a synapse: weight ~ real * 2**exponents in units of what enters, bias likewise.

    Args:
        exponents: binary points of the sum, one for the layer or one per output channel.
    """

    weight: Int8s
    bias: Int32s
    exponents: tuple[int, ...]


class Quantiser(Protocol):
    """What a layer may ask while it becomes integers."""

    def rounded(self, node: Synapse, scale: Scale) -> Rounded:
        """The integer weights of a synapse whose input stands for `scale`."""

    def interval(self, name: str) -> Interval:
        """The raw integers that the node of this name takes."""

    def loses_constants(self, node: Node, lost: int, unit: float) -> None:
        """Hear that all constants of some channels became 0.

        Args:
            node: the layer. lost: how many channels. unit: the real value of one of its integers.
        """


@dataclass(frozen=True, eq=False)
class Operator(Node):
    """A layer without a state: y[t] is a function of what enters at step t.

    `by_channel`: whether a channel of the output is made of the same channel of the input, so that each may have its own scale.
    """

    by_channel: ClassVar[bool] = False
    one_point: ClassVar[bool] = False  # all channels of the output have one binary point

    @property
    def taps(self) -> int:
        """How many values are added up for one output, of a sum without weights."""
        return 1

    @abstractmethod
    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The value [N, ...] of inputs [N, ...], in float64."""

    @abstractmethod
    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The integer layer for inputs of these scales, and the scale of what leaves it."""

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """The largest magnitude of a value, from those that enter and their shapes; of a layer that moves or adds, their sum."""
        return sum(entering)

    def added(self) -> float:
        """The largest magnitude of a constant that is added to its value."""
        return 0.0

    def macs(self) -> int:
        """Products of a weight and a value, of one sample at one step."""
        return 0

    def takes_factor(self, factor: float) -> bool:
        """Whether f(factor * x) = factor * f(x)."""
        return False

    def takes_norm(self, scale: Reals) -> bool:
        """Whether scale * f(x) + shift = f(scale * x + shift), scale and shift one for each channel."""
        return False

    def common(self, scale: Scale) -> dict[str, Any]:
        """What the integer layer has from the float one; its interval is still to be found."""
        return common(self, scale)


@dataclass(frozen=True, eq=False)
class IntOperator(IntNode):
    """A layer without a state on raw integers, exact."""

    unfinished = True

    @abstractmethod
    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The value [N, ...] of inputs [N, ...], int64: the reference."""

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """Lowest and highest value of every place [1, ...], from those of the inputs.

        Exact for one layer whose inputs move freely within theirs. Of a layer that rises with each of its inputs, as here,
        the lowest value is that of the lowest inputs.
        """
        return self.value([lo for lo, _ in inputs]), self.value([hi for _, hi in inputs])

    def unit_of_input(self, k: int) -> int | None:
        """The real value of 1 in input k, in units of the output; None where weights or other values decide it."""
        return None

    def reach(self, entering: Sequence[int]) -> int:
        """The largest magnitude of a value whose inputs have these, while learning moves them."""
        return max(entering)


@dataclass(frozen=True, eq=False)
class Synapse(Operator):
    """A layer with weights: sums of weight * value + bias, one bias for each output channel; weight [O, ...]."""

    weight: Reals
    bias: Reals

    @abstractmethod
    def fan_ins(self, x: Reals, draw: np.random.Generator, rows: int) -> Reals:
        """So many rows [G, rows, fan-in] of what the weights of each group see in x [N, ...], drawn at random.

        Args:
            x: real values. draw: where the choice comes from. rows: how many to draw for each group.
        """

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """max_o of sum |w[o]| * |x| + |b[o]|."""
        sums = np.abs(self.weight.reshape(len(self.weight), -1)).sum(1) * entering[0] + np.abs(self.bias)
        return float(sums.max(initial=0.0))

    def macs(self) -> int:
        """Every weight once for every place of the output."""
        return self.weight.size * int(np.prod(self.shape[1:]))

    def unfolded(self) -> int:
        """Values of the fan-ins of all places, of one sample at one step, where they are laid out beside each other."""
        return 0


@dataclass(frozen=True, eq=False)
class IntSynapse(IntOperator):
    """A layer with weights, int8 [O, ...], and biases, int32 [O]."""

    weight: Int8s
    bias: Int32s
    reads_spikes: ClassVar[bool] = True
    unfinished = True

    def seen(self, x: Interval) -> Interval:
        """What the weights are multiplied with: the input, and 0 where there is padding."""
        return x

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """sum over the fan-in of [min(w*lo, w*hi), max(w*lo, w*hi)] + bias, the widest channel deciding."""
        return self.sum_interval(sources[0].interval)

    def sum_interval(self, x: Interval) -> Interval:
        """The exact interval of the sums of inputs within x."""
        x = self.seen(x)
        weight = self.weight.reshape(len(self.weight), -1).astype(np.int64)
        positive, negative = np.maximum(weight, 0).sum(1), np.minimum(weight, 0).sum(1)
        bias = self.bias.astype(np.int64)
        lows = [int(p) * x.lo + int(n) * x.hi + int(b) for p, n, b in zip(positive, negative, bias, strict=True)]
        highs = [int(p) * x.hi + int(n) * x.lo + int(b) for p, n, b in zip(positive, negative, bias, strict=True)]
        return Interval(min(lows), max(highs))

    def largest_partial_sum(self, x: Interval) -> int:
        """The largest magnitude of any partial sum, in whatever order the products are added: max sum |w| * |x| + |b|."""
        fan_in = np.abs(self.weight.reshape(len(self.weight), -1).astype(np.int64)).sum(1)
        bias = np.abs(self.bias.astype(np.int64))
        return max(int(f) * x.magnitude + int(b) for f, b in zip(fan_in, bias, strict=True))

    def fan_out(self, entering: Shape) -> Ints:
        """How many weights other than 0 read each value that enters; the shape of what enters.

        With this shape, sum(fan_out * [x != 0]) is the number of synaptic operations that the values x cause. Found here by
        trying one value after the other, which a layer does better that knows its own geometry.
        """
        binary = replace(self, weight=(self.weight != 0).astype(np.int8), bias=np.zeros_like(self.bias))
        size = prod(entering)
        found = np.zeros(size, np.int64)
        for start in range(0, size, ROWS):
            rows = min(ROWS, size - start)
            one = np.zeros((rows, size), np.int64)
            one[np.arange(rows), np.arange(start, start + rows)] = 1
            found[start : start + rows] = binary.value([one.reshape(rows, *entering)]).reshape(rows, -1).sum(1)
        return found.reshape(entering)

    def macs(self, entering: Shape) -> int:
        """Products of a weight and a value, of one sample at one step, whether they are 0 or not; padding is no value.

        Args:
            entering: shape of what enters.
        """
        return int(replace(self, weight=np.ones_like(self.weight)).fan_out(entering).sum())

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """Positive weights reach the highest sum with the highest inputs, negative ones with the lowest."""
        ((lo, hi),) = inputs
        up = replace(self, weight=np.maximum(self.weight.astype(np.int64), 0))
        down = replace(self, weight=np.minimum(self.weight.astype(np.int64), 0), bias=np.zeros_like(self.bias))
        rising = up.value([np.concatenate([lo, hi])])  # both ends at once: large weights are gone through once
        falling = down.value([np.concatenate([hi, lo])])
        low, high = np.split(rising + falling, 2)
        return low, high

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """Weights and biases have their types, and no partial sum leaves int32."""
        if self.weight.dtype != np.int8 or self.bias.dtype != np.int32:
            yield "weights are int8 and biases int32", f"{self.weight.dtype}, {self.bias.dtype}"
        if (largest := self.largest_partial_sum(sources[0].interval)) > INT32_MAX:
            yield "a partial sum can leave int32", f"up to {largest}"


def common(node: Node, scale: Scale, interval: Interval = TO_BE_FOUND) -> dict[str, Any]:
    """What an integer node has from the float one.

    Args:
        node: the float node. scale: of its integers. interval: of them, where it is known already.
    """
    fmt = Format(SUM_BITS, scale.frac, True)
    return {
        "name": node.name,
        "inputs": node.inputs,
        "shape": node.shape,
        "source": node.source,
        "format": fmt,
        "interval": interval,
    }


def channels_first(values: Reals, ndim: int) -> Reals:
    """Per-channel values shaped to broadcast over [C, ...] arrays of `ndim` axes."""
    return np.asarray(values).reshape((-1,) + (1,) * (ndim - 1))


def exact_float(x: Any) -> Any:
    """Integers in float64, which adds and multiplies them exactly: rules keep every partial sum below 2**31, far below
    2**53, and NumPy has a fast matrix product for floats only."""
    return x.astype(np.float64)


def padded(x: Interval, window: Window) -> Interval:
    """What a window sees: the input, and 0 where it hangs over the border."""
    return x.hull(Interval(0, 0)) if any(window.padding) else x


def per_channel(values: Reals, x: Reals) -> Reals:
    """Values [C], or [1], to be broadcast to x [N, C, ...]."""
    return values.reshape((1, -1) + (1,) * (x.ndim - 2))
