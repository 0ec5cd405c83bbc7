"""A convolutional network on Fashion-MNIST with neurons that have learned a cubic polynomial (LNM as we read it)."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 4
OPTIONS = Options(weight_bits=8)  # what the weights were trained for


def build() -> torch.nn.Module:
    """[T, N, 1, 28, 28] -> logits [T, N, 10], untrained: 54,902 parameters.

    A pool stands before its neurons, so that what is the same at every step ends there.
    """

    def neuron() -> nn.LNM:
        return nn.LNM(3, surrogate=nn.Triangle(1.0))

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.MaxPool2d(2), neuron(),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.MaxPool2d(2), neuron(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), neuron(),
        nn.Flatten(), nn.Linear(3136, 10),
    )  # fmt: skip


def train_data() -> tuple[Tensor, Tensor]:
    """Images [60000, 1, 28, 28] in [0, 1] and labels [60000]."""
    return recorded.fashion("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 1, 28, 28] in [0, 1] and labels [10000]: Fashion-MNIST's own test set."""
    return recorded.fashion("test")
