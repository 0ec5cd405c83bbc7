"""A convolutional network of signed circulate-firing neurons with one residual join, for the digits data."""

from __future__ import annotations

import digits_data
import torch
from torch import Tensor

from snn2hw import nn

STEPS = 4


class Residual(torch.nn.Module):
    """y = fire(norm(conv(x)) + x): the join adds a current and payloads; [T, N, C, H, W] in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.neuron = nn.CirculateFiring(levels=4, signed=True)

    def forward(self, x: Tensor) -> Tensor:
        """Payloads of the joined branches."""
        y: Tensor = self.neuron(self.norm(self.conv(x)) + x)
        return y


def build() -> torch.nn.Module:
    """[T, N, 1, 8, 8] -> logits [T, N, 10], untrained."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.CirculateFiring(levels=4, signed=True),
        nn.Conv2d(16, 48, 3, padding=1, stride=2),
        nn.BatchNorm2d(48),
        nn.CirculateFiring(levels=4, signed=True),
        Residual(48),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(192, 10),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """Images [1437, 1, 8, 8] in [0, 1] and labels [1437]."""
    return digits_data.load("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [360, 1, 8, 8] in [0, 1] and labels [360]."""
    return digits_data.load("test")
