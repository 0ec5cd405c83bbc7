"""Networks whose layers are summed in ways of their own: depthwise convolutions, and linear layers, samples side by side.

Nobody trained them either; see `networks`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.networks import CALIBRATION, CLASSES, NEURONS, SIZE, STEPS, Compiled, Make, prepared
from bench.ways import AGAIN, DENSE, EVENTS, FAST, FLOATS, IN_BLOCKS, ONE_BY_ONE, ONNX
from snn2hw import nn

SEPARABLE = "depthwise separable body"
KIND = "LNM"
DENSITY = 20  # percent of the linear network's spike values; without BatchNorm, thresholds as they come let nearly none fire
OF_DEPTHWISE = (FAST, IN_BLOCKS, DENSE, EVENTS, ONNX, FLOATS)
OF_LINEAR = (FAST, ONE_BY_ONE, DENSE, EVENTS, AGAIN, ONNX, FLOATS)


def separable(widths: Sequence[int], images: int) -> Compiled:
    """Of each width a 3 x 3 convolution by channel and a 1 x 1 convolution of all channels, both with neurons; T as elsewhere."""
    torch.manual_seed(0)
    model = _separable(NEURONS[KIND], widths)
    shown, measured = torch.rand(CALIBRATION, 3, SIZE, SIZE), torch.rand(images, 3, SIZE, SIZE)
    return prepared(SEPARABLE, KIND, None, model, shown, measured, STEPS)


def linear(sizes: tuple[int, int, int], images: int) -> Compiled:
    """Two linear layers with neurons, and a small head, T = 1: a processor mostly waits for weights."""
    torch.manual_seed(0)
    entering, hidden, leaving = sizes
    neuron = NEURONS[KIND]
    model = torch.nn.Sequential(
        nn.Linear(entering, hidden), neuron(), nn.Linear(hidden, leaving), neuron(), nn.Linear(leaving, CLASSES)
    )
    shown, measured = torch.rand(CALIBRATION, entering), torch.rand(images, entering)
    return prepared(f"linear {'-'.join(map(str, (*sizes, CLASSES)))}", KIND, DENSITY, model, shown, measured, 1)


def _separable(neuron: Make, widths: Sequence[int]) -> torch.nn.Module:
    first = widths[0]
    layers: list[torch.nn.Module] = [nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), neuron()]
    entering = first
    for stage, leaving in enumerate(widths):
        by_channel = nn.Conv2d(entering, entering, 3, stride=2 if stage else 1, padding=1, groups=entering, bias=False)
        layers += [by_channel, nn.BatchNorm2d(entering), neuron()]
        layers += [nn.Conv2d(entering, leaving, 1, bias=False), nn.BatchNorm2d(leaving), neuron()]
        entering = leaving
    return torch.nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(entering, CLASSES))
