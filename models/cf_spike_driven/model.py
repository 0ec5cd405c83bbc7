"""Spike-driven Transformer for 32x32 images, with circulate-firing neurons: linear attention, no product of two spike tensors."""

from __future__ import annotations

import deep_data
import deep_surrogate
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.arguments import multiple
from snn2hw.nn import blocks

STEPS = 4
WIDTH, BLOCKS = 512, 2
LEVELS = 4


def build(
    classes: int = 10,
    channels: int = 3,
    size: int = 32,
    width: float = 1.0,
    steps: int = STEPS,
    surrogate_widths: str = deep_surrogate.LEARNED,
) -> torch.nn.Module:
    """[T, N, channels, size, size] -> logits [T, N, classes], untrained.

    Two blocks of 512 channels over (size/4)**2 places, perceptrons four times as wide (2-512 of arXiv 2307.01694).

    Args:
        size: a multiple of 4. width: factor of all channels.
        steps: T. surrogate_widths: "learned", for each layer and step, which binds weights to T; or "fixed".
    """
    multiple("size", size, 4, "cf_spike_driven")
    kinds = blocks.circulating(LEVELS, surrogate=deep_surrogate.surrogates(surrogate_widths, steps, "cf_spike_driven"))
    inner, places = max(8, round(WIDTH * width)), size // 4
    return nn.Sequential(
        blocks.PatchSplitting(inner, kinds.neuron, channels),
        *(blocks.SpikeDrivenBlock(inner, places, kinds) for _ in range(BLOCKS)),
        kinds.neuron(inner),
        nn.AvgPool2d(places),
        nn.Flatten(),
        nn.Linear(inner, classes),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """CIFAR-10 images [256, 3, 32, 32] in [0, 1] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("cifar10", STEPS)
