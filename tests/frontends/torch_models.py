"""Models for the tests of the torch frontend, and how they are traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from snn2hw import nn, trace_model
from snn2hw.ir.network import Network

STEPS = 3

Model = torch.nn.Module
Forward = Callable[..., Any]


def sequential(*layers: Model) -> Model:
    return torch.nn.Sequential(*layers)


def images(*shape: int, n: int = 4) -> Any:
    return np.random.default_rng(1).random((n, *shape))


def trace(model: Model, *shape: int) -> Network:
    return trace_model(model, images(*(shape or (2, 6, 6))), STEPS)


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
