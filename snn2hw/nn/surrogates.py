"""Four soft steps S(q), q = x/width. Each rises from 0 to 1 with slope 1/width at x = 0, so that widths compare between them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from snn2hw.nn.surrogate import Surrogate


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
