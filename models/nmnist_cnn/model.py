"""A small convolutional network of LIF neurons on N-MNIST, recordings of a real event camera."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 10
TEMPORAL = True
OPTIONS = Options(state_bits=8, weight_bits=8, scales="layer")  # what the weights were trained for


def _neuron() -> nn.LIF:
    return nn.LIF(0.5, state_range=(-2.0, 2.0), surrogate=nn.Triangle(1.0))


def build() -> torch.nn.Module:
    """[T, N, 2, 34, 34] -> logits [T, N, 10], untrained; 2,312 and 2,048 neurons."""
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, stride=2, padding=1),
        _neuron(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 32, 3, padding=1),
        _neuron(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """Frames [10, 1000, 2, 34, 34], 0 or 1, and labels [1000]."""
    return recorded.nmnist("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Frames [10, 100, 2, 34, 34], 0 or 1, and labels [100]."""
    return recorded.nmnist("test")
