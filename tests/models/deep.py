"""Deep models with random weights, and statistics that make every layer fire."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.learned import give_learned_polynomials
from snn2hw import nn
from snn2hw.nn import blocks
from snn2hw.user_models import load_source, models_folder

NAMES = ("lnm_resnet18", "cf_resnet19", "lnm_sew_resnet34", "lnm_vgg_dvs", "cf_spike_driven", "cf_spikformer")


@dataclass(frozen=True)
class Deep:
    """A model, samples for it, and how often its layers fire on them.

    Args:
        samples: [N, ...], or [T, N, ...] where steps is None.
    """

    module: torch.nn.Module
    samples: Tensor
    steps: int | None
    rates: dict[str, float]

    def first(self, count: int) -> Tensor:
        return self.samples[:count] if self.steps else self.samples[:, :count]


def source(name: str, file: str = "model.py") -> Any:
    return load_source(models_folder() / name / file)


def deep(name: str, samples: int, **arguments: Any) -> Deep:
    """The model of this name; arguments are those of its build()."""
    model = source(name)
    defaults = {k: p.default for k, p in inspect.signature(model.build).parameters.items()} | arguments
    shape = (samples, defaults["channels"], defaults["size"], defaults["size"])
    torch.manual_seed(0)
    module = model.build(**arguments)
    give_learned_polynomials(module)
    if name == "lnm_vgg_dvs":
        x, steps = torch.poisson(torch.full((model.STEPS, *shape), 0.3)).clamp(max=7), None
    else:
        x, steps = torch.rand(shape), model.STEPS
    return Deep(module, x, steps, blocks.settle(module, x if steps is None else nn.repeat(x, steps)))
