"""A VGG for recordings of event cameras, with learned-polynomial neurons (LNM as we read it, degree 3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import deep_data
import deep_surrogate
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.arguments import whole
from snn2hw.nn import blocks

STEPS, TEMPORAL = 10, True
SIZE = 48
WIDTHS = ((128,), (256, 256), (512, 512), (512, 512))
STEM = 64


def build(
    classes: int = 10,
    channels: int = 2,
    size: int = SIZE,
    width: float = 1.0,
    steps: int = STEPS,
    surrogate_widths: str = deep_surrogate.LEARNED,
) -> torch.nn.Module:
    """[T, N, channels, size, size], counts of events -> logits [T, N, classes], untrained.

    64-128-AP-256-256-AP-512-512-AP-512-512-AP, the VGG of arXiv 2202.11946, and one linear layer.

    Args:
        size: at least 16; 48 and 64 are usual. width: factor of all channels.
        steps: T. surrogate_widths: "learned", for each layer and step, which binds weights to T; or "fixed".
    """
    whole("size", size, 16, None, "lnm_vgg_dvs")
    fire = partial(neuron, surrogate=deep_surrogate.surrogates(surrogate_widths, steps, "lnm_vgg_dvs"))
    entering = max(1, round(STEM * width))
    layers: list[torch.nn.Module] = [blocks.event_stem(entering, fire, channels)]
    for widths in WIDTHS:
        scaled = [max(1, round(w * width)) for w in widths]
        layers.append(blocks.vgg_block(entering, scaled, fire))
        entering, size = scaled[-1], size // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(entering * size * size, classes))


def neuron(channels: int, surrogate: Callable[[], nn.Surrogate]) -> torch.nn.Module:
    """One polynomial for the layer."""
    return nn.LNM(degree=3, surrogate=surrogate())


def train_data() -> tuple[Tensor, Tensor]:
    """CIFAR10-DVS counts [10, 256, 2, 48, 48] to calibrate on, and their labels; see deep_data.calibration."""
    return deep_data.calibration("cifar10-dvs", STEPS)
