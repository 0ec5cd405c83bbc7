"""Surrogate gradients: a step function forwards, a function with a useful derivative backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import positive


class Surrogate(torch.nn.Module):
    """A comparison with zero that can be trained through: y = [x >= 0], or [x > 0] where strict; any shape and dtype.

    A subclass implements `forward(x, strict)`, whose values must be exactly 0 and 1 in the dtype of x.
    """

    def forward(self, x: Tensor, strict: bool = False) -> Tensor:
        """[x >= 0] or [x > 0], as 0 and 1 in the dtype of x."""
        raise NotImplementedError


class Rectangle(Surrogate):
    """y = [x >= 0] or [x > 0];  dy/dx := 1/width where |x| < width/2, else 0.

    Args:
        width: of the window, in units of the membrane potential; > 0.

    Raises:
        ValueRangeError: width is not finite or not positive.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = positive("width", width, "Rectangle")

    def forward(self, x: Tensor, strict: bool = False) -> Tensor:
        """[x >= 0] or [x > 0], as 0 and 1 in the dtype of x; same shape."""
        step: Callable[..., Tensor] = _RectangleStep.apply
        return step(x, strict, self.width)

    def extra_repr(self) -> str:
        """Arguments, for print."""
        return f"width={self.width}"


class _RectangleStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strict: bool, width: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.width = width
        return (x > 0 if strict else x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        inside = (x.abs() < ctx.width / 2).to(x.dtype)
        return inside * (grads[0] / ctx.width), None, None
