"""SEW-ResNet-34 for ImageNet, with learned-polynomial neurons (LNM as we read it, degree 3)."""

from __future__ import annotations

import deep_data
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.arguments import multiple
from snn2hw.nn import blocks

STEPS = 4
WIDTHS, DEPTHS = (64, 128, 256, 512), (3, 4, 6, 3)


def build(classes: int = 1000, channels: int = 3, size: int = 224, width: float = 1.0) -> torch.nn.Module:
    """[T, N, channels, size, size] -> logits [T, N, classes], untrained.

    Args:
        size: a multiple of 32. width: factor of all channels.
    """
    multiple("size", size, 32, "lnm_sew_resnet34")
    widths = [max(1, round(w * width)) for w in WIDTHS]
    return nn.Sequential(
        blocks.imagenet_stem(widths[0], neuron, channels),
        blocks.stages("spike", widths, DEPTHS, neuron),
        nn.AvgPool2d(size // 32),
        nn.Flatten(),
        nn.Linear(widths[-1], classes),
    )


def neuron(channels: int) -> torch.nn.Module:
    """One polynomial for the layer."""
    return nn.LNM(degree=3)


def train_data() -> tuple[Tensor, Tensor]:
    """ImageNet images [256, 3, 224, 224] in [0, 1] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("imagenet", STEPS)
