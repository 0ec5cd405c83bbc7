"""mnist_lif with circulate firing, up to four spikes per step, in place of its LIF neurons."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 2
OPTIONS = Options(state_bits=8, weight_bits=3, scales="layer")  # what the weights were trained for


def build() -> torch.nn.Module:
    """[T, N, 1, 28, 28] -> logits [T, N, 10], untrained."""
    neuron = nn.CirculateFiring(4, signed=False, decay=0.5, surrogate=nn.Triangle(1.0))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), neuron, nn.Linear(128, 10))


def train_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 1, 28, 28] in [0, 1] and labels [10000]."""
    return recorded.mnist("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 1, 28, 28] in [0, 1] and labels [10000]: MNIST's own test set."""
    return recorded.mnist("test")
