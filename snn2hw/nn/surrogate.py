"""Surrogate gradients: a step function forwards, the derivative of a soft step backwards, with a width that can be learned.

Four soft steps S(q), q = x/width, are here. Each rises from 0 to 1 with slope 1/width at x = 0, so that widths compare
between them. `FastSigmoid` is another framework's, with its scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from snn2hw.arguments import between, positive, switch, whole
from snn2hw.errors import ShapeError, UsageError
from snn2hw.nn.box import boxed

BOX = (0.5, 1.5)  # of a learned width, as shares of where it starts


class Surrogate(torch.nn.Module):
    """A comparison with zero that can be trained through: y = [x >= 0], or [x > 0] where strict; any shape and float dtype.

    Backwards y stands for a soft step S_w(x), which rises from 0 to 1 and has the slope 1/w at x = 0:

    dL/dx = dL/dy * dS_w(x)/dx        dL/dw = sum of dL/dy * dS_w(x)/dw

    A subclass gives `soft` and `slope`, and `width_slope` where S_w(x) is no function of x/w. They are called with x of any
    shape and a width that broadcasts to it, both of one dtype, with no gradient recorded.

    Args:
        width: w > 0, in units of the membrane potential.
        learnable: whether w is learned; the parameter is `log_width`, so that w stays positive.
        steps: one width for each of this many steps T, all starting at `width`; None: one width for all steps.
        within: (least, largest) of a learned width; None: from half of `width` to 1.5 times it. Where `log_width` is beyond,
            the nearer end counts, and only a gradient that leads back passes.

    A neuron layer has its own surrogate, and so its own width; layers that are given the same object share it.

    Raises:
        UsageError: width is no number, or steps no int; `within` of a width that is not learned. ValueRangeError: width is not
            finite and positive, or not in `within`; steps < 1.
    """

    log_width: torch.nn.Parameter | None

    def __init__(
        self,
        width: float = 1.0,
        *,
        learnable: bool = False,
        steps: int | None = None,
        within: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self._start = positive("width", width, where)
        self.steps = None if steps is None else whole("steps", steps, 1, None, where)
        learnable = switch("learnable", learnable, where)
        self.within = self._box(within, learnable, where)
        start = torch.full(() if steps is None else (steps,), math.log(self._start))
        self.log_width = torch.nn.Parameter(start) if learnable else None

    def _box(self, within: tuple[float, float] | None, learnable: bool, where: str) -> tuple[float, float]:
        if within is None:
            return BOX[0] * self._start, BOX[1] * self._start
        if not isinstance(within, Sequence) or len(within) != 2:
            raise UsageError(
                "within is no pair", where=where, got=repr(within), expected="(least, largest)", do="pass both ends of the width"
            )
        lo, hi = (positive(f"within[{n}]", v, where) for n, v in enumerate(within))
        if not learnable:
            raise UsageError(
                "a width that is not learned stays where it is",
                where=where,
                got=f"learnable=False, within=({lo:g}, {hi:g})",
                expected="learnable=True, or no within",
                do="leave within out, or pass learnable=True",
            )
        between("width", self._start, lo, hi, where)
        return lo, hi

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """S_w(x), in [0, 1]."""
        raise NotImplementedError

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """dS_w(x)/dx."""
        raise NotImplementedError

    def width_slope(self, x: Tensor, width: Tensor) -> Tensor:
        """dS_w(x)/dw; for S_w(x) = S(x/w) this is -(x/w) dS_w(x)/dx."""
        return -(x / width) * self.slope(x, width)

    @property
    def width(self) -> float | tuple[float, ...]:
        """The width, or with `steps` one for each step."""
        if self.log_width is not None:
            found = self._held().detach().double().exp().tolist()
            return tuple(found) if isinstance(found, list) else float(found)
        return self._start if self.steps is None else (self._start,) * self.steps

    def widths(self, steps: int, like: Tensor) -> Tensor:
        """The width at each of `steps` steps, [steps], in the dtype and on the device of `like`; differentiable where learned.

        Raises:
            ShapeError: there is one width per step, for another number of steps.
        """
        if self.steps not in (None, steps):
            raise ShapeError(
                "the surrogate has one width for each step, and the input another number of steps",
                where=f"{type(self).__name__}({self.extra_repr()})",
                got=f"T = {steps}",
                expected=f"T = {self.steps}",
                do=f"construct it with steps={steps}, or with steps=None for one width",
            )
        if self.log_width is None:
            return torch.full((steps,), self._start, dtype=like.dtype, device=like.device)
        return self._held().to(like).exp().expand(steps)

    def _held(self) -> Tensor:
        assert self.log_width is not None
        return boxed(self.log_width, *map(math.log, self.within))

    def forward(self, x: Tensor, strict: bool = False) -> Tensor:
        """[x >= 0] or [x > 0], as 0 and 1 in the dtype of x; x [T, ...] where there is one width for each step.

        Raises:
            ShapeError: x has another number of steps than there are widths.
        """
        if self.steps is None:
            widths = self.widths(1, x).reshape(())
        else:
            widths = self.widths(len(x), x).reshape(-1, *(1,) * (x.ndim - 1))
        return compared(x, widths, self, strict)

    def extra_repr(self) -> str:
        """Arguments, for print."""
        width = f"width={self._start:g}" if self.log_width is None else f"width={self.width}, learnable=True"
        return width + ("" if self.steps is None else f", steps={self.steps}")


class Rectangle(Surrogate):
    """S(q) = clamp(q + 1/2, 0, 1): slope 1/width where |x| < width/2, else 0. Arguments as `Surrogate`."""

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """A ramp of this width."""
        return (x / width + 0.5).clamp(0.0, 1.0)

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """1/width inside the window."""
        return (x.abs() < width * 0.5).to(x.dtype) * width.reciprocal()


class Triangle(Surrogate):
    """S(q) = 1/2 + q - q|q|/2 with q clamped to [-1, 1]: slope (1 - |q|)/width where |x| < width. Arguments as `Surrogate`."""

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """Two parabolas that meet at 1/2."""
        q = (x / width).clamp(-1.0, 1.0)
        return 0.5 + q - q * q.abs() / 2

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """A triangle of unit area, 2*width at its base."""
        inverse = width.reciprocal()
        return (1.0 - (x * inverse).abs()).clamp_min(0.0) * inverse


class Sigmoid(Surrogate):
    """S(q) = 1 / (1 + exp(-4q)): slope 4 S (1 - S) / width. Arguments as `Surrogate`."""

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """The logistic function."""
        return torch.sigmoid(x * (4.0 / width))

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """Its derivative."""
        y = self.soft(x, width)
        return y * (1.0 - y) * (4.0 / width)


class Atan(Surrogate):
    """S(q) = atan(pi q)/pi + 1/2: slope 1 / (width (1 + (pi q)**2)), with tails that never end. Arguments as `Surrogate`."""

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """The arc tangent, from 0 to 1."""
        return torch.atan(x * (math.pi / width)) / math.pi + 0.5

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """A Cauchy density."""
        inverse = width.reciprocal()
        q = x * inverse * math.pi
        return inverse / (q * q + 1.0)


class FastSigmoid(Surrogate):
    """S = x / (1 + |q|), which rises from -width to width: slope 1 / (1 + |q|)**2, 1 at x = 0 for every width.

    It is snnTorch's fast_sigmoid(1 / width) and, with a width of 1, Norse's SuperSpike, with their scale. Arguments as
    `Surrogate`.
    """

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        """The fast sigmoid."""
        return x / (1.0 + x.abs() / width)

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        """Its derivative."""
        return (1.0 + x.abs() / width).square().reciprocal()

    def width_slope(self, x: Tensor, width: Tensor) -> Tensor:
        """Of x / (1 + |x| / w) after w: x |x| / (w + |x|)**2."""
        return x * x.abs() / (width + x.abs()).square()


def compared(x: Tensor, width: Tensor, surrogate: Surrogate, strict: bool) -> Tensor:
    """[x >= 0] or [x > 0], with the gradient of the surrogate's soft step of this width, which broadcasts to x.

    Args:
        x: of any shape. strict: x > 0, else x >= 0.
    """
    step: Callable[..., Tensor] = _Step.apply
    return step(x, width, surrogate, strict)


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, widths: Tensor, surrogate: Surrogate, strict: bool) -> Tensor:
        """Arguments as `compared`."""
        ctx.save_for_backward(x, widths)
        ctx.surrogate = surrogate
        return (x > 0 if strict else x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        x, widths = ctx.saved_tensors
        grad_widths = None
        if ctx.needs_input_grad[1]:
            grad_widths = (grads[0] * ctx.surrogate.width_slope(x, widths)).sum_to_size(widths.shape)
        return grads[0] * ctx.surrogate.slope(x, widths), grad_widths, None, None
