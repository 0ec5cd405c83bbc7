"""A convolutional network on N-MNIST, recordings of a real event camera, whose neurons fire up to four spikes a step."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 10
TEMPORAL = True
OPTIONS = Options(weight_bits=8)  # what the weights were trained for


def neuron() -> nn.CirculateFiring:
    """Circulate firing as we read it, without negative spikes, with a learned decay."""
    return nn.CirculateFiring(4, signed=False, learn_decay=True, surrogate=nn.Triangle(1.0))


def build() -> torch.nn.Module:
    """[T, N, 2, 34, 34] -> logits [T, N, 10], untrained: 10,172 parameters, 4,624 and 2,048 neurons."""
    return nn.Sequential(
        nn.Conv2d(2, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), neuron(), nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def train_data() -> tuple[Tensor, Tensor]:
    """Frames [10, 1000, 2, 34, 34], 0 or 1, and labels [1000]."""
    return recorded.nmnist("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Frames [10, 100, 2, 34, 34], 0 or 1, and labels [100]."""
    return recorded.nmnist("test")
