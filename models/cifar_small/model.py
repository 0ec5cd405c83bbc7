"""A small residual network on CIFAR-10 (JPEG re-encodings) with circulate firing, LIF or learned polynomials (LNM)."""

from __future__ import annotations

from collections.abc import Callable

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn
from snn2hw.nn import blocks

STEPS = 4
OPTIONS = Options(weight_bits=8)  # what the weights were trained for
WIDTHS = 32, 64, 96
LEVELS = 4


def circulating(channels: int) -> nn.CirculateFiring:
    """Up to 4 spikes of 1/4 a step, none negative; what is left stays: over T steps the mean of 0..1 in steps of 1/16."""
    step = 1 / LEVELS
    return nn.CirculateFiring(
        LEVELS, signed=False, decay=1.0, threshold=step, amplitudes=(step,) * LEVELS,
        surrogate=nn.Triangle(step), staircase=True,
    )  # fmt: skip


NEURONS: dict[str, Callable[[int], torch.nn.Module]] = {
    "cf": circulating,
    "lif": lambda channels: nn.LIF(0.5, surrogate=nn.Triangle(1.0)),
    "lnm": lambda channels: nn.LNM(3, surrogate=nn.Triangle(1.0)),
    "clamp": lambda channels: torch.nn.Hardtanh(0.0, 1.0),  # no neuron: what the weights are trained for first
}


def build(neuron: str = "cf") -> torch.nn.Module:
    """[T, N, 3, 32, 32] -> logits [T, N, 10], untrained.

    Args:
        neuron: one of `NEURONS`; their weights have the same names and shapes.
    """
    make, (first, second, third) = NEURONS[neuron], WIDTHS
    return nn.Sequential(
        blocks.conv_norm(3, first), make(first),
        blocks.conv_norm(first, second, stride=2),
        blocks.MembraneBlock(second, second, 1, make),
        blocks.MembraneBlock(second, third, 2, make),
        blocks.MembraneBlock(third, third, 1, make),
        make(third), nn.AvgPool2d(8), nn.Flatten(), nn.Linear(third, 10),
    )  # fmt: skip


def train_data() -> tuple[Tensor, Tensor]:
    """Images [50000, 3, 32, 32] in [0, 1] and labels [50000], in an order drawn once, for the file has class after class."""
    images, labels = recorded.cifar10("train")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return images[order], labels[order]


def test_data() -> tuple[Tensor, Tensor]:
    """Images [10000, 3, 32, 32] in [0, 1] and labels [10000]: CIFAR-10's own test set."""
    return recorded.cifar10("test")
