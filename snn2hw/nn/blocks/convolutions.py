"""A convolution with its normalisation, the stems that begin a network, and what a VGG is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch.nn import Sequential

from snn2hw.nn.layers import AvgPool2d, BatchNorm2d, Conv2d, MaxPool2d

Make: TypeAlias = Callable[[int], torch.nn.Module]  # number of channels -> a new neuron


def conv_norm(entering: int, leaving: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Sequential:
    """norm(conv(x)): [T, N, entering, H, W] -> [T, N, leaving, H/stride, W/stride]; no bias, for the normalisation has one.

    Args:
        kernel: odd; the padding is half of it. groups: into how many the channels are split.
    """
    conv = Conv2d(entering, leaving, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return Sequential(conv, BatchNorm2d(leaving))


def cifar_stem(width: int, neuron: Make | None, channels: int = 3) -> Sequential:
    """3x3, stride 1, for images of 32x32; fires where a neuron is given, else a membrane stream begins with it.

    Args:
        width: channels that leave. channels: of the images.
    """
    return Sequential(conv_norm(channels, width), *_fired(neuron, width))


def imagenet_stem(width: int, neuron: Make, channels: int = 3) -> Sequential:
    """7x7 with stride 2, a neuron, and the maximum of its spikes over 3x3 with stride 2: [.., H, W] -> [.., H/4, W/4].

    Args:
        width: channels that leave. channels: of the images.
    """
    return Sequential(conv_norm(channels, width, 7, stride=2), neuron(width), MaxPool2d(3, stride=2, padding=1))


def event_stem(width: int, neuron: Make, polarities: int = 2) -> Sequential:
    """3x3 over the event counts of both polarities, and a neuron: counts become spikes where they are seen.

    Args:
        width: channels that leave.
        polarities: channels of the events.
    """
    return Sequential(conv_norm(polarities, width), neuron(width))


def vgg_block(entering: int, widths: Sequence[int], neuron: Make) -> Sequential:
    """3x3 convolutions with a neuron each, then the average over 2x2.

    Args:
        entering: channels. widths: channels that leave each convolution.
    """
    layers: list[torch.nn.Module] = []
    for leaving in widths:
        layers += [conv_norm(entering, leaving), neuron(leaving)]
        entering = leaving
    return Sequential(*layers, AvgPool2d(2))


def _fired(neuron: Make | None, width: int) -> list[torch.nn.Module]:
    return [] if neuron is None else [neuron(width)]
