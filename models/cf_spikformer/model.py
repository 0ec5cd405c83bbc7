"""Spikformer for 32x32 images, with circulate-firing neurons: spiking self-attention, products of what neurons fire."""

from __future__ import annotations

import deep_data
import deep_surrogate
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.arguments import multiple
from snn2hw.nn import blocks

STEPS = 4
WIDTH, HEADS, BLOCKS = 384, 12, 4
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

    Four blocks of 384 channels in 12 heads over (size/4)**2 places, perceptrons four times as wide (4-384 of arXiv 2209.15425).

    Args:
        size: a multiple of 4.
        width: factor of all channels, which stay a multiple of 24: of the heads, and of what splits patches.
        steps: T. surrogate_widths: "learned", for each layer and step, which binds weights to T; or "fixed".
    """
    multiple("size", size, 4, "cf_spikformer")
    kinds = blocks.circulating(LEVELS, surrogate=deep_surrogate.surrogates(surrogate_widths, steps, "cf_spikformer"))
    inner, places = 24 * max(1, round(WIDTH * width / 24)), size // 4
    return nn.Sequential(
        blocks.PatchSplitting(inner, kinds.neuron, channels, spikes=True),
        *(blocks.SpikformerBlock(inner, places, HEADS, kinds) for _ in range(BLOCKS)),
        nn.AvgPool2d(places),
        nn.Flatten(),
        nn.Linear(inner, classes),
    )


def train_data() -> tuple[Tensor, Tensor]:
    """CIFAR-10 images [256, 3, 32, 32] in [0, 1] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("cifar10", STEPS)
