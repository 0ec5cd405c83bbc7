"""A convolutional network of learned-polynomial neurons (LNM as we read it, degree 3) for the digits data."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.data import digits

STEPS = 4


def build() -> torch.nn.Module:
    """[T, N, 1, 8, 8] -> logits [T, N, 10], untrained."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.LNM(degree=3),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.LNM(degree=3),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.LNM(degree=3),
        nn.Linear(64, 10),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """Images [1437, 1, 8, 8] in [0, 1] and labels [1437]."""
    return digits.load("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [360, 1, 8, 8] in [0, 1] and labels [360]."""
    return digits.load("test")
