"""What a prepared model computes between synapses and neurons, on raw integers [T, N, ...] in a float dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from snn2hw.backends.torch.executor import FLOAT32_EXACT
from snn2hw.errors import ValueRangeError
from snn2hw.ir.integer import IntInput, IntNeuron
from snn2hw.ir.program import Op, values_of
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntFlatten,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.layers.matmul import multiplied
from snn2hw.num import Interval

TF32_EXACT = 2**11  # a tensor core's TF32 holds these factors; their sums are float32


def payloads(source: IntInput, x: Tensor) -> Tensor:
    """raw = floor(x / unit + 1/2), as `snn2hw.ir.encode.encode` makes them; float32.

    Raises:
        ValueRangeError: outside the declared range, NaN, or event counts that are no whole numbers.
    """
    raw = (x.detach().double() / source.unit + 0.5).floor()
    wrong = ~((raw >= source.interval.lo) & (raw <= source.interval.hi))
    if source.counts:
        wrong |= raw != x
    if bool(wrong.any()):
        lo, hi = source.interval.lo * source.unit, source.interval.hi * source.unit
        raise ValueRangeError(
            "the input is outside its declared range" if not source.counts else "the input holds no event counts in range",
            where=f"input '{source.name}'",
            got=f"{float(x.min()):g} to {float(x.max()):g}",
            expected=f"{'whole numbers from ' if source.counts else ''}{lo:g} to {hi:g}",
            do="scale the samples as in the sample it was prepared with",
        )
    return raw.float()


def outside(x: Tensor, sums: Interval) -> Tensor:
    """Whether any value leaves the interval or is NaN, as a tensor that is not waited for."""
    lo, hi = x.detach().aminmax()
    return ~((lo >= sums.lo) & (hi <= sums.hi))  # NaN is outside, too


def _pooled(node: IntSumPool2d | IntMaxPool2d, inputs: Sequence[Tensor], largest: int) -> Tensor:
    """Sum or maximum over the window, exact."""
    x, window = inputs[0], node.window
    flat = x.flatten(0, 1)
    if isinstance(node, IntMaxPool2d):
        y = torch.nn.functional.max_pool2d(flat, window.kernel, window.stride, window.padding, window.dilation)
    else:  # divided by 1: a sum, exact
        y = torch.nn.functional.avg_pool2d(flat, window.kernel, window.stride, window.padding, divisor_override=1)
    return y.reshape(*x.shape[:2], *y.shape[1:])


def undefined(where: str) -> ValueRangeError:
    """The error for parameters that are no numbers any more."""
    return ValueRangeError(
        "a parameter of the prepared model is NaN or infinite",
        where=where,
        got="NaN or Inf in a weight, bias, coefficient or threshold",
        expected="finite numbers",
        do="go back to an earlier checkpoint and train with a smaller learning rate",
    )


def _product(node: IntMatMul, inputs: Sequence[Tensor], largest: int) -> Tensor:
    """The product of spike values for every head, exact: in float32 where that, and a tensor core's TF32, is.

    Args:
        largest: magnitude of the payloads.
    """
    exact = node.interval.magnitude < FLOAT32_EXACT and largest <= TF32_EXACT
    dtype = torch.float32 if exact else torch.float64
    with torch.autocast(inputs[0].device.type, enabled=False):
        y: Tensor = multiplied(node, [x.to(dtype).flatten(0, 1) for x in inputs], torch.matmul)
    return y.reshape(*inputs[0].shape[:2], *y.shape[1:])


def factors_of(node: IntNeuron) -> tuple[int, ...]:
    """What a program without a state, which only aligns its channels, multiplies each of them by."""
    rows = [values_of(i) for i in node.program.of(Op.PARAM)]
    return tuple(prod(row[c if len(row) > 1 else 0] for row in rows) for c in range(max(map(len, rows), default=1)))


def aligned(node: IntNeuron, x: Tensor) -> Tensor:
    """y = x * 2**d_c, exact: powers of two of whole numbers below 2**53."""
    factors = torch.tensor(factors_of(node), dtype=torch.float64, device=x.device)
    return x.double() * factors.reshape((-1,) + (1,) * (x.ndim - 3))


def _stepped(x: Tensor, steps: int) -> Tensor:
    """A value that is the same at every step, as many times as one beside it needs."""
    return x.expand(steps, *x.shape[1:])


def _concat(node: IntConcat, inputs: Sequence[Tensor], largest: int) -> Tensor:
    steps, dtype = max(len(x) for x in inputs), max((x.dtype for x in inputs), key=lambda d: d.itemsize)
    return torch.cat([_stepped(x, steps).to(dtype) * 2**shift for x, shift in zip(inputs, node.shifts, strict=True)], 2)


def _offset(node: IntOffset, inputs: Sequence[Tensor], largest: int) -> Tensor:
    x = inputs[0]
    offset = torch.as_tensor(node.offset, dtype=x.dtype, device=x.device)
    return x * node.factor + (offset.reshape(-1, *[1] * (x.ndim - 3)) if offset.ndim == 1 else offset)


def _resize(node: IntResize2d, inputs: Sequence[Tensor], largest: int) -> Tensor:
    (fy, fx), x = node.factor, inputs[0]
    if not node.zeros:
        return x.repeat_interleave(fy, 3).repeat_interleave(fx, 4)
    y = x.new_zeros((*x.shape[:2], *node.shape))
    y[..., : (x.shape[3] - 1) * fy + 1 : fy, : (x.shape[4] - 1) * fx + 1 : fx] = x
    return y


# By kind of layer its values [T, N, ...], exact where no value reaches 2**24 in float32; `largest`: magnitude of what enters.
LAYERS: dict[type, Callable[[Any, Sequence[Tensor], int], Tensor]] = {
    IntSumPool2d: _pooled,
    IntMaxPool2d: _pooled,
    IntFlatten: lambda n, x, largest: x[0].flatten(2),
    IntPlaces: lambda n, x, largest: x[0].reshape(*x[0].shape[:2], *n.shape),
    IntAdd: lambda n, x, largest: x[0] * n.factors[0] + x[1] * n.factors[1],
    IntConcat: _concat,
    IntMatMul: _product,
    IntMultiply: lambda n, x, largest: x[0] * x[1],
    IntOffset: _offset,
    IntResize2d: _resize,
}
