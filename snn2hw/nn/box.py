"""A parameter that stays in a box: beyond it the end of the box counts, and only gradients that lead back inside pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def boxed(x: Tensor, lo: float | Tensor, hi: float | Tensor) -> Tensor:
    """clamp(x, lo, hi) of any shape, in the dtype of x, with the gradient 1; at an end and beyond it 0 for what leads outwards.

    Args:
        x: the parameter. lo, hi: the ends, which broadcast to x.
    """
    box: Callable[..., Tensor] = _Boxed.apply
    return box(x, torch.as_tensor(lo, dtype=x.dtype, device=x.device), torch.as_tensor(hi, dtype=x.dtype, device=x.device))


class _Boxed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
        """Arguments as `boxed`."""
        ctx.save_for_backward(x <= lo, x >= hi)
        return torch.minimum(torch.maximum(x, lo), hi)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        below, above = ctx.saved_tensors
        outwards = (below & (grads[0] > 0)) | (above & (grads[0] < 0))  # a step goes against the gradient
        return grads[0].masked_fill(outwards, 0.0), None, None
