"""The torch side: neurons and multi-step layers to build and train networks of. Activations are [T, N, ...].

Raises:
    MissingExtraError: torch is not installed.
"""

from __future__ import annotations

from snn2hw.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401  (asked for here, so that its absence is said once and clearly)
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise MissingExtraError("torch", "torch", "snn2hw.nn") from missing

from torch.nn import Dropout, Identity, Sequential

from snn2hw.nn.layers import AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, repeat
from snn2hw.nn.neuron import Firing, Neuron
from snn2hw.nn.neurons import IF, LIF, LNM, PLIF, CirculateFiring
from snn2hw.nn.surrogate import Rectangle, Surrogate

__all__ = [
    "IF",
    "LIF",
    "LNM",
    "PLIF",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "CirculateFiring",
    "Conv2d",
    "Dropout",
    "Firing",
    "Flatten",
    "Identity",
    "Linear",
    "MaxPool2d",
    "Neuron",
    "Rectangle",
    "Sequential",
    "Surrogate",
    "repeat",
]
