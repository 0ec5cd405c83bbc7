"""mnist_lif with weights -1, 0 and 1: a synapse adds a pixel, subtracts it, or is not there."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 2
OPTIONS = Options(state_bits=8, weight_bits=2, scales="layer")  # what the weights were trained for


def build() -> torch.nn.Module:
    """[T, N, 1, 28, 28] -> logits [T, N, 10], untrained.

    A decay of 1/2 is a shift. Membranes end at -2 and 2, twice the threshold: what lies beyond
    decides nothing for long, and the fewer units above the threshold, the more below it.
    """
    neuron = nn.LIF(0.5, state_range=(-2.0, 2.0), surrogate=nn.Triangle(1.0))
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), neuron, nn.Linear(128, 10))


def train_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 1, 28, 28] in [0, 1] and labels [10000]."""
    return recorded.mnist("train")


def test_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 1, 28, 28] in [0, 1] and labels [10000]: MNIST's own test set."""
    return recorded.mnist("test")
