"""Statistics for a network that nobody has trained yet."""

from __future__ import annotations

import torch
from torch import Tensor

from snn2hw.nn.observe import observe


@torch.no_grad()
def settle(model: torch.nn.Module, x: Tensor) -> dict[str, float]:
    """Every BatchNorm takes its running statistics from one forward of x [T, N, ...], layer after layer; weights stay.

    Membranes are then of the size of the thresholds in every layer, so that random weights fire: what a test of executors needs,
    and nothing that training does. The model is left in evaluation mode, momenta as they were.

    Returns:
        The share of spike values that are not 0 in that forward in evaluation mode, by the path of the neuron.
    """
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    model.train()
    try:
        for norm in norms:
            norm.momentum = 1.0
        model(x)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.eval()
    with observe(model) as seen:
        model(x)
        return {path: float(layer.rate.mean()) for path, layer in seen.items()}
