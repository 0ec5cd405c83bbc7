"""Layers without state, for [T, N, ...]: torch's own, also as the frameworks wrap them, and functions that are layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from snn2hw import nn

# The more special kind first.
OURS: Mapping[type[torch.nn.Module], type[torch.nn.Module]] = {
    torch.nn.Linear: torch.nn.Linear,
    torch.nn.Conv1d: nn.Conv1d,
    torch.nn.Conv2d: nn.Conv2d,
    torch.nn.ConvTranspose1d: nn.ConvTranspose1d,
    torch.nn.ConvTranspose2d: nn.ConvTranspose2d,
    torch.nn.BatchNorm1d: nn.BatchNorm1d,
    torch.nn.BatchNorm2d: nn.BatchNorm2d,
    torch.nn.AvgPool1d: nn.AvgPool1d,
    torch.nn.AvgPool2d: nn.AvgPool2d,
    torch.nn.AdaptiveAvgPool2d: nn.AdaptiveAvgPool2d,
    torch.nn.MaxPool1d: nn.MaxPool1d,
    torch.nn.MaxPool2d: nn.MaxPool2d,
    torch.nn.Upsample: nn.Upsample,
    torch.nn.Identity: torch.nn.Identity,
    torch.nn.Dropout: torch.nn.Dropout,
    torch.nn.Dropout1d: torch.nn.Dropout,
    torch.nn.Dropout2d: torch.nn.Dropout,
    torch.nn.Dropout3d: torch.nn.Dropout,
}


def kind(module: torch.nn.Module) -> type[torch.nn.Module] | None:
    """The layer of torch that a module is, also in a framework's wrapping; None where it is none that is known."""
    return next((k for k in type(module).__mro__ if k in OURS), None)


def adopted(module: torch.nn.Module) -> torch.nn.Module:
    """The layer of `snn2hw.nn` with the very parameters of one of torch or of a framework."""
    ours = OURS[kind(module) or torch.nn.Identity]
    if type(module) is ours:
        return module
    made = ours.__new__(ours)
    torch.nn.Module.__init__(made)
    for name, value in vars(module).items():
        if name in ("_parameters", "_buffers", "_modules"):
            vars(made)[name] = dict(value)
        elif not isinstance(value, dict):  # hooks have been refused, and torch keeps its own kind of dictionary for them
            vars(made)[name] = value
    return made


def _pool(make: Callable[..., torch.nn.Module]) -> Callable[..., torch.nn.Module]:
    return lambda x, *args, **named: make(*args, **named)


def _linear(x: Any, weight: Tensor, bias: Tensor | None = None) -> torch.nn.Module:
    made = torch.nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    return _weighted(made, weight, bias)


def _conv2d(x: Any, weight: Tensor, bias: Tensor | None = None, *args: Any, **named: Any) -> torch.nn.Module:
    words = dict(zip(("stride", "padding", "dilation", "groups"), args, strict=False)) | named
    out, each, height, width = weight.shape
    made = nn.Conv2d(each * int(words.get("groups", 1)), out, (height, width), bias=bias is not None, device="meta", **words)
    return _weighted(made, weight, bias)


def _weighted(made: torch.nn.Module, weight: Tensor, bias: Tensor | None) -> torch.nn.Module:
    for name, value in (("weight", weight), ("bias", bias)):
        if value is not None:
            setattr(made, name, value if isinstance(value, torch.nn.Parameter) else torch.nn.Parameter(value, False))
    return made


# Functions that are layers, by name; their arguments are the function's own, with x in front.
FUNCTIONS: Mapping[str, Callable[..., torch.nn.Module]] = {
    "linear": _linear,
    "conv2d": _conv2d,
    "max_pool2d": _pool(nn.MaxPool2d),
    "avg_pool2d": _pool(nn.AvgPool2d),
    "max_pool1d": _pool(nn.MaxPool1d),
    "avg_pool1d": _pool(nn.AvgPool1d),
    "adaptive_avg_pool2d": _pool(nn.AdaptiveAvgPool2d),
    # One that drops is refused as noise; this one does nothing in evaluation.
    "dropout": lambda x, p=0.5, training=True, inplace=False: torch.nn.Dropout(p),
}
