"""SEW-ResNet-34 for ImageNet, with learned-polynomial neurons (LNM as we read it, degree 3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import deep_data
import deep_surrogate
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.arguments import multiple
from snn2hw.nn import blocks

STEPS = 4
WIDTHS, DEPTHS = (64, 128, 256, 512), (3, 4, 6, 3)


def build(
    classes: int = 1000,
    channels: int = 3,
    size: int = 224,
    width: float = 1.0,
    steps: int = STEPS,
    surrogate_widths: str = deep_surrogate.LEARNED,
) -> torch.nn.Module:
    """[T, N, channels, size, size] -> logits [T, N, classes], untrained.

    Args:
        size: a multiple of 32. width: factor of all channels.
        steps: T. surrogate_widths: "learned", for each layer and step, which binds weights to T; or "fixed".
    """
    multiple("size", size, 32, "lnm_sew_resnet34")
    fire = partial(neuron, surrogate=deep_surrogate.surrogates(surrogate_widths, steps, "lnm_sew_resnet34"))
    widths = [max(1, round(w * width)) for w in WIDTHS]
    return nn.Sequential(
        blocks.imagenet_stem(widths[0], fire, channels),
        blocks.stages("spike", widths, DEPTHS, fire),
        nn.AvgPool2d(size // 32),
        nn.Flatten(),
        nn.Linear(widths[-1], classes),
    )


def neuron(channels: int, surrogate: Callable[[], nn.Surrogate]) -> torch.nn.Module:
    """One polynomial for the layer."""
    return nn.LNM(degree=3, surrogate=surrogate())


def train_data() -> tuple[Tensor, Tensor]:
    """ImageNet images [256, 3, 224, 224] in [0, 1] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("imagenet", STEPS)
