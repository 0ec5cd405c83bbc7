"""The surrogate gradients of the frameworks, where one of ours has the same slope; else the default is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from snn2hw import nn


def of_snntorch(function: Any) -> nn.Surrogate | None:
    """Of snnTorch's `spike_grad`, a function within the one that made it."""
    if not str(getattr(function, "__module__", "")).startswith("snntorch"):
        return None
    made_by = str(getattr(function, "__qualname__", "")).split(".")[0]
    free = getattr(getattr(function, "__code__", None), "co_freevars", ())
    given = dict(zip(free, (cell.cell_contents for cell in getattr(function, "__closure__", None) or ()), strict=False))
    found = _SNNTORCH.get(made_by)
    return None if found is None else found(given)


_SNNTORCH: dict[str, Callable[[dict[str, Any]], nn.Surrogate | None]] = {
    "atan": lambda given: nn.Atan(2.0 / float(given["alpha"])),
    "sigmoid": lambda given: nn.Sigmoid(4.0 / float(given["slope"])),
    "fast_sigmoid": lambda given: nn.FastSigmoid(1.0 / float(given["slope"])),
}


def of_spikingjelly(function: Any) -> nn.Surrogate | None:
    """Of SpikingJelly's `surrogate_function`, an object with its slope as `alpha`."""
    alpha = getattr(function, "alpha", None)
    found = _SPIKINGJELLY.get(type(function).__name__)
    if found is None or not isinstance(alpha, int | float) or not type(function).__module__.startswith("spikingjelly"):
        return None
    return found(float(alpha))


_SPIKINGJELLY: dict[str, Callable[[float], nn.Surrogate]] = {
    "Sigmoid": lambda alpha: nn.Sigmoid(4.0 / alpha),
    "ATan": lambda alpha: nn.Atan(2.0 / alpha),
    "PiecewiseQuadratic": lambda alpha: nn.Triangle(1.0 / alpha),
    "Rect": lambda alpha: nn.Rectangle(1.0 / alpha),
}


def of_norse(method: str) -> nn.Surrogate | None:
    """Of the `method` in Norse's parameters; SuperSpike has the slope 1 whatever alpha is."""
    return nn.FastSigmoid(1.0) if method == "super" else None


def unmatched(module: torch.nn.Module) -> str:
    """What the surrogate gradient of a framework's neuron is called, where none of ours has its slope; else "".

    Args:
        module: of snnTorch, SpikingJelly or Norse, or one of ours, which has none of their surrogates.
    """
    numbers = getattr(module, "p", None)
    own = (
        (getattr(module, "spike_grad", None), of_snntorch, lambda f: str(getattr(f, "__qualname__", f)).split(".")[0]),
        (getattr(module, "surrogate_function", None), of_spikingjelly, lambda f: type(f).__name__),
        (getattr(getattr(numbers, "lif", numbers), "method", None), of_norse, str),
    )
    return next((called(given) for given, of, called in own if given is not None and of(given) is None), "")
