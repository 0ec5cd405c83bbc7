"""ResNet-18 for 32x32 images, with learned-polynomial neurons (LNM as we read it, degree 3)."""

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
WIDTHS, DEPTHS = (64, 128, 256, 512), (2, 2, 2, 2)


def build(
    classes: int = 10,
    channels: int = 3,
    size: int = 32,
    width: float = 1.0,
    residual: str = "membrane",
    steps: int = STEPS,
    surrogate_widths: str = deep_surrogate.LEARNED,
) -> torch.nn.Module:
    """[T, N, channels, size, size] -> logits [T, N, classes], untrained.

    Args:
        size: a multiple of 8. width: factor of all channels. residual: "membrane" (MS-ResNet) or "spike" (SEW-ResNet).
        steps: T. surrogate_widths: "learned", for each layer and step, which binds weights to T; or "fixed".
    """
    multiple("size", size, 8, "lnm_resnet18")
    fire = partial(neuron, surrogate=deep_surrogate.surrogates(surrogate_widths, steps, "lnm_resnet18"))
    widths = [max(1, round(w * width)) for w in WIDTHS]
    membrane = residual == "membrane"
    return nn.Sequential(
        blocks.cifar_stem(widths[0], None if membrane else fire, channels),
        blocks.stages(residual, widths, DEPTHS, fire),
        fire(widths[-1]) if membrane else nn.Identity(),
        nn.AvgPool2d(size // 8),
        nn.Flatten(),
        nn.Linear(widths[-1], classes),
    )


def neuron(channels: int, surrogate: Callable[[], nn.Surrogate]) -> torch.nn.Module:
    """One polynomial for the layer."""
    return nn.LNM(degree=3, surrogate=surrogate())


def train_data() -> tuple[Tensor, Tensor]:
    """CIFAR-10 images [256, 3, 32, 32] in [0, 1] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("cifar10", STEPS)
