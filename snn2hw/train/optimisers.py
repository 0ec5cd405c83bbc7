"""Optimiser and learning rate of a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from snn2hw.arguments import whole
from snn2hw.errors import UsageError
from snn2hw.nn import CustomNeuron, Neuron, Surrogate
from snn2hw.train.recipe import Recipe

MOMENTUM = 0.9
FACTOR = "factor"  # of a group: what the learning rate of the schedule is multiplied by


def optimiser(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum, over the parameters that ask for a gradient.

    Weight decay for those of two axes or more; none for biases, norms, and whatever belongs to a neuron or a surrogate. Those of
    neurons, surrogate widths among them, learn at `recipe.dynamics_rate` of the learning rate; the factor of a group is in its
    `FACTOR`.

    Raises:
        UsageError: the model has nothing to train.
    """
    kinds = (Neuron, CustomNeuron, Surrogate)
    dynamics = {id(p) for m in model.modules() if isinstance(m, kinds) for p in m.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise UsageError(
            "the model has nothing to train",
            where=type(model).__name__,
            got="no parameter that asks for a gradient",
            expected="at least one",
            do="set requires_grad on what is to be trained",
        )
    plain = [p for p in trained if id(p) not in dynamics and p.ndim < 2]
    moving = [p for p in trained if id(p) in dynamics]
    rest = {id(p) for p in (*plain, *moving)}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if id(p) not in rest], "weight_decay": recipe.weight_decay, FACTOR: 1.0},
        {"params": plain, "weight_decay": 0.0, FACTOR: 1.0},
        {"params": moving, "weight_decay": 0.0, FACTOR: recipe.dynamics_rate, "lr": recipe.learning_rate * recipe.dynamics_rate},
    ]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def schedule(recipe: Recipe, total: int) -> Callable[[int], float]:
    """f(k), the share of recipe.learning_rate at optimiser step k = 0..total-1, for W = floor(warmup * total).

    f(k) = (k + 1) / (W + 1) for k < W, then (1 + cos(pi * (k - W) / (total - W))) / 2, and 0 from k = total on. It depends on k
    alone, so there is no state to keep; in a loop of one's own it is what torch.optim.lr_scheduler.LambdaLR asks for.

    Raises:
        UsageError, ValueRangeError: total is no whole number >= 1.
    """
    whole("total", total, 1, None, "train.schedule")
    warm = math.floor(recipe.warmup * total)

    def share(k: int) -> float:
        return (k + 1) / (warm + 1) if k < warm else (1 + math.cos(math.pi * min((k - warm) / max(total - warm, 1), 1))) / 2

    return share
