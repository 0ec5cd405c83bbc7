"""A convolutional network of signed circulate-firing neurons with one residual join, for the digits data."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.data import digits

STEPS = 4


def _neuron() -> nn.CirculateFiring:
    # thresholds lie 1 apart: a window of 0.5 lets each firing level learn from its own neighbourhood only
    return nn.CirculateFiring(levels=4, signed=True, surrogate=nn.Rectangle(0.5))


class Residual(torch.nn.Module):
    """y = fire(norm(conv(x)) + x): the join adds a current and payloads; [T, N, C, H, W] in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.neuron = _neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Payloads of the joined branches."""
        y: Tensor = self.neuron(self.norm(self.conv(x)) + x)
        return y


def build() -> torch.nn.Module:
    """[T, N, 1, 8, 8] -> logits [T, N, 10], untrained."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1),
        nn.BatchNorm2d(24),
        _neuron(),
        nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3, padding=1),
        nn.BatchNorm2d(48),
        _neuron(),
        Residual(48),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(192, 10),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """Images [1437, 1, 8, 8] in [0, 1] and labels [1437]."""
    return digits.load("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [360, 1, 8, 8] in [0, 1] and labels [360]."""
    return digits.load("test")
