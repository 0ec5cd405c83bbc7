"""Multi-step layers: torch's own, applied to every step of [T, N, ...] at once."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.arguments import whole
from snn2hw.errors import ShapeError, UsageError


def repeat(images: Tensor, steps: int) -> Tensor:
    """y[t] = images for t = 0..steps-1: [N, ...] -> [T, N, ...], same dtype, a view without copy.

    Raises:
        UsageError: images is no tensor, or steps no int. ShapeError: images has no axis N. ValueRangeError: steps < 1.
    """
    whole("steps", steps, 1, None, "nn.repeat")
    if not isinstance(images, Tensor):
        raise UsageError(
            "images are not a torch tensor",
            where="nn.repeat",
            got=type(images).__name__,
            expected="a torch.Tensor",
            do="convert them: torch.as_tensor(images)",
        )
    if images.ndim < 1:
        raise ShapeError(
            "images have no sample axis",
            where="nn.repeat",
            got="a single number",
            expected="[N, ...]",
            do="stack samples along a first axis N",
        )
    return images.unsqueeze(0).expand(steps, *images.shape)


_SHOW = "show static samples for T steps: nn.repeat(images, steps)"


def _merged(layer: torch.nn.Module, x: Tensor, axes: str, least: int, most: int | None) -> Tensor:
    """x [T, N, ...] as [T*N, ...]; refused unless it has least..most axes."""
    name = type(layer).__name__
    where, got = repr(layer), f"shape {list(x.shape)}"
    if x.ndim < least:
        raise ShapeError(f"{name} needs the step axis T", where=where, got=got, expected=axes, do=_SHOW)
    if most is not None and x.ndim > most:
        raise ShapeError(f"{name} got too many axes", where=where, got=got, expected=axes, do="remove the additional axes")
    return x.flatten(0, 1)


def _split(y: Tensor, x: Tensor) -> Tensor:
    """y [T*N, ...] as [T, N, ...], T and N those of x."""
    return y.reshape(*x.shape[:2], *y.shape[1:])


_IMAGES = ("[T, N, C, H, W]", 5, 5)
_SIGNALS = ("[T, N, C, L]", 4, 4)


class Conv1d(torch.nn.Conv1d):
    """torch.nn.Conv1d at every step: [T, N, I, L] -> [T, N, O, L'].

    Raises:
        ShapeError: the input is not [T, N, C, L].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = conv(x[t])."""
        return _split(super().forward(_merged(self, input, *_SIGNALS)), input)


class ConvTranspose1d(torch.nn.ConvTranspose1d):
    """torch.nn.ConvTranspose1d at every step: [T, N, I, L] -> [T, N, O, L'].

    Raises:
        ShapeError: the input is not [T, N, C, L].
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """y[t] = the transpose of conv, applied to x[t]."""
        return _split(super().forward(_merged(self, input, *_SIGNALS), output_size), input)


class ConvTranspose2d(torch.nn.ConvTranspose2d):
    """torch.nn.ConvTranspose2d at every step: [T, N, I, H, W] -> [T, N, O, H', W'].

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """y[t] = the transpose of conv, applied to x[t]."""
        return _split(super().forward(_merged(self, input, *_IMAGES), output_size), input)


class Upsample(torch.nn.Upsample):
    """torch.nn.Upsample at every step: [T, N, C, H, W] -> [T, N, C, f*H, f*W]; nearest neighbour by whole factors compiles.

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t][i, j] = x[t][i // f, j // f]."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class AvgPool1d(torch.nn.AvgPool1d):
    """torch.nn.AvgPool1d at every step: [T, N, C, L] -> [T, N, C, L'].

    Raises:
        ShapeError: the input is not [T, N, C, L].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = mean of x[t] over the window."""
        return _split(super().forward(_merged(self, input, *_SIGNALS)), input)


class MaxPool1d(torch.nn.MaxPool1d):
    """torch.nn.MaxPool1d at every step: [T, N, C, L] -> [T, N, C, L'].

    Raises:
        ShapeError: the input is not [T, N, C, L].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = max of x[t] over the window."""
        return _split(super().forward(_merged(self, input, *_SIGNALS)), input)


class Conv2d(torch.nn.Conv2d):
    """torch.nn.Conv2d at every step: [T, N, I, H, W] -> [T, N, O, H', W'].

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = conv(x[t])."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class Linear(torch.nn.Linear):
    """torch.nn.Linear at every step, over the last axis: [T, N, ..., I] -> [T, N, ..., O].

    Raises:
        ShapeError: the input has no axis T.
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = W x[t] + b."""
        return _split(super().forward(_merged(self, input, "[T, N, ..., F]", 3, None)), input)


class BatchNorm1d(torch.nn.BatchNorm1d):
    """torch.nn.BatchNorm1d with statistics over T and N: [T, N, C] or [T, N, C, L], same shape out.

    Raises:
        ShapeError: the input has another number of axes.
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[c] = weight[c] * (x[c] - mean[c]) / sqrt(var[c] + eps) + bias[c]."""
        return _split(super().forward(_merged(self, input, "[T, N, C] or [T, N, C, L]", 3, 4)), input)


class BatchNorm2d(torch.nn.BatchNorm2d):
    """torch.nn.BatchNorm2d with statistics over T, N, H and W: [T, N, C, H, W], same shape out.

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[c] = weight[c] * (x[c] - mean[c]) / sqrt(var[c] + eps) + bias[c]."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class AvgPool2d(torch.nn.AvgPool2d):
    """torch.nn.AvgPool2d at every step: [T, N, C, H, W] -> [T, N, C, H', W'].

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = mean of x[t] over the window."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class AdaptiveAvgPool2d(torch.nn.AdaptiveAvgPool2d):
    """torch.nn.AdaptiveAvgPool2d at every step: [T, N, C, H, W] -> [T, N, C, H', W'].

    Compiled where H' divides H and W' divides W: the average over windows of H / H' x W / W'.

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = mean of x[t] over the window of each place."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class MaxPool2d(torch.nn.MaxPool2d):
    """torch.nn.MaxPool2d at every step: [T, N, C, H, W] -> [T, N, C, H', W'].

    Raises:
        ShapeError: the input is not [T, N, C, H, W].
    """

    def forward(self, input: Tensor) -> Tensor:
        """y[t] = max of x[t] over the window."""
        return _split(super().forward(_merged(self, input, *_IMAGES)), input)


class Flatten(torch.nn.Flatten):
    """One axis from start_dim to end_dim: by default [T, N, C, H, W] -> [T, N, C*H*W].

    Raises:
        ShapeError: the input has no axis T, or T or N would be merged.
    """

    def __init__(self, start_dim: int = 2, end_dim: int = -1) -> None:
        super().__init__(start_dim, end_dim)

    def forward(self, input: Tensor) -> Tensor:
        """The same values, in C order."""
        start = self.start_dim + (input.ndim if self.start_dim < 0 else 0)
        if input.ndim < 3 or start < 2:
            raise ShapeError(
                "Flatten would merge the step axis T or the sample axis N",
                where=repr(self),
                got=f"shape {list(input.shape)}",
                expected="[T, N, ...] and start_dim >= 2",
                do=_SHOW if input.ndim < 3 else "use nn.Flatten(start_dim=2)",
            )
        return super().forward(input)
