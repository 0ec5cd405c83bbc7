"""Synapses with integer weights: exact sums of integers in floats, and gradients for the real weights behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input

from snn2hw.backends.torch.executor import FLOAT32_EXACT
from snn2hw.ir.integer import Int8s, Int32s
from snn2hw.ir.network import Reals
from snn2hw.layers import Conv2d, IntConv2d, IntLinear, Linear
from snn2hw.layers.base import channels_first
from snn2hw.quantize.values import TF32_EXACT, undefined

BIAS_ROOM, LEAST_BIAS = 4, 2**20  # a bias may grow to so many times the largest of its layer, and to this in any case


class Synapse(torch.nn.Module):
    """y = W x + b or W * x + b with W = round(weight * weight_scale), b = round(bias * bias_scale), clamped to their widths.

    Input and output: raw integers [T, N, ...] in a float dtype; every sum is exact, on a CPU as on a GPU. Backwards rounding is
    the identity where nothing is clipped.

    Args:
        real: the folded layer, whose weights are learned from here on. made: its integers.
        weight_scale: raw integers per unit of weight, one per channel or [1]; bias_scale likewise.
        limit: the largest |W|.
        entering: the largest magnitude of what enters, whatever is learned before it.

    Attributes:
        bound: the largest magnitude of a sum, whatever is learned. dtype: float32 where it holds every partial sum, else
            float64.
    """

    weight_scale: Tensor
    bias_scale: Tensor

    def __init__(
        self,
        real: Conv2d | Linear,
        made: IntConv2d | IntLinear,
        weight_scale: Reals,
        bias_scale: Reals,
        limit: int,
        entering: int,
    ) -> None:
        super().__init__()
        self.limit, self.path = limit, real.source or real.name
        self.conv = (real.window, real.groups) if isinstance(real, Conv2d) else None
        scale = channels_first(weight_scale, real.weight.ndim)
        self.register_buffer("weight_scale", torch.as_tensor(scale, dtype=torch.float64))
        self.register_buffer("bias_scale", torch.as_tensor(bias_scale, dtype=torch.float64))
        self.weight = torch.nn.Parameter(_latent(real.weight, made.weight, scale, limit))
        self.bias = torch.nn.Parameter(_latent(real.bias, made.bias, bias_scale, None))
        self.bias_limit = max(BIAS_ROOM * int(np.abs(made.bias.astype(np.int64)).max(initial=0)), LEAST_BIAS)
        self.bound = int(np.prod(made.weight.shape[1:])) * limit * entering + self.bias_limit
        self.dtype = torch.float32 if self.bound < FLOAT32_EXACT and entering <= TF32_EXACT else torch.float64

    def forward(self, x: Tensor) -> Tensor:
        """y [T, N, O, ...] of x [T, N, I, ...]."""
        return self.applied(x, *self.weights())

    def weights(self) -> tuple[Tensor, Tensor]:
        """(W, b) as they are now, raw, in the dtype of the sums; differentiable."""
        w, b = (raw.to(self.dtype) for raw in self._raw())
        return w, b

    def applied(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        """y [T, N, O, ...] of x [T, N, I, ...]. Args: x: as in `forward`. w, b: what `weights` gave."""
        with torch.autocast(x.device.type, enabled=False), _exact_convolutions(x):
            flat = x.to(self.dtype).flatten(0, 1)
            if self.conv is None:
                y = torch.nn.functional.linear(flat, w, b)
            else:
                window, groups = self.conv
                y = torch.nn.functional.conv2d(flat, w, b, window.stride, window.padding, window.dilation, groups)
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def back(self, g: Tensor, w: Tensor) -> Tensor:
        """The gradient of x [N, I, ...] of one step from that of y [N, O, ...]; of a layer whose x and y have one shape.

        Args:
            g: the gradient of y. w: W in the dtype of g.
        """
        with torch.autocast(g.device.type, enabled=False):
            if self.conv is None:
                return g @ w
            window, groups = self.conv
            places = window.stride, window.padding, window.dilation
            given: Tensor = conv2d_input(g.shape, w, g, *places, groups)  # type: ignore[no-untyped-call]
            return given

    def integers(self) -> tuple[Int8s, Int32s]:
        """(W, b) as they are now.

        Raises:
            ValueRangeError: a weight or bias is NaN or infinite.
        """
        w, b = (raw.detach().cpu().numpy() for raw in self._raw())
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise undefined(self.path)
        return w.astype(np.int8), b.astype(np.int32)

    def _raw(self) -> tuple[Tensor, Tensor]:
        return _rounded(self.weight, self.weight_scale, self.limit), _rounded(self.bias, self.bias_scale, self.bias_limit)

    def extra_repr(self) -> str:
        """Shape and range of the weights, for print."""
        return f"{list(self.weight.shape)}, |W| <= {self.limit}"


def _rounded(real: Tensor, scale: Tensor, limit: int) -> Tensor:
    step: Callable[..., Tensor] = _Rounded.apply
    return step(real.double() * scale, limit)


class _Rounded(torch.autograd.Function):
    """y = floor(x + 1/2) clamped to [-limit, limit];  dy/dx := 1 where that holds back nothing, else 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, limit: int) -> Tensor:
        y = (x + 0.5).floor()
        ctx.save_for_backward(y.abs() <= limit)
        return y.clamp(-limit, limit)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (free,) = ctx.saved_tensors
        return grads[0] * free, None


def _latent(real: Reals, made: Int8s | Int32s, scale: Reals, limit: int | None) -> Tensor:
    """The real values in float32, moved by less than a rounding step where they would give other integers than were made."""
    found = torch.as_tensor(real, dtype=torch.float32)
    raw = np.floor(found.double().numpy() * scale + 0.5)
    same = (raw if limit is None else np.clip(raw, -limit, limit)) == made
    return torch.where(torch.as_tensor(same), found, torch.as_tensor(made / scale, dtype=torch.float32))


@contextmanager
def _exact_convolutions(x: Tensor) -> Iterator[None]:
    """cuDNN may choose Winograd, whose transforms round; torch's own convolutions are products of matrices."""
    before = torch.backends.cudnn.enabled
    if x.is_cuda:
        torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = before
