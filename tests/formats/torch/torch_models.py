"""Models for the tests of the torch frontend, and how they are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from snn2hw import nn
from snn2hw.formats.sample import input_node
from snn2hw.formats.torch.read import from_torch
from snn2hw.ir.network import Network

STEPS = 3

Model = torch.nn.Module
Forward = Callable[..., Any]


def sequential(*layers: Model) -> Model:
    return torch.nn.Sequential(*layers)


def images(*shape: int, n: int = 4) -> Any:
    return np.random.default_rng(1).random((n, *shape))


def trace(model: Model, *shape: int) -> Network:
    """What the reader itself says; `trace_model` adds to it how the sample was read."""
    return from_torch(model, *input_node(images(*(shape or (2, 6, 6))), STEPS, None))


def names(net: Network) -> list[str]:
    return [n.name for n in net.nodes]


class Written(torch.nn.Module):
    """A forward given as a function, with the layers it uses."""

    def __init__(self, forward: Forward, **layers: Model) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.written = forward

    def forward(self, x: Any) -> Any:
        return self.written(self, x)


class Residual(torch.nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.neuron = nn.CirculateFiring(levels=2)

    def forward(self, x: Any) -> Any:
        return self.neuron(self.norm(self.conv(x)) + x)


def joined(how: Forward) -> Model:
    return Written(lambda m, x: how(m.a(x), m.b(x)), a=nn.Linear(3, 2), b=nn.Linear(3, 2))
