"""Polynomials that were really learned, for networks that nobody has trained."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.user_models import find_model


@torch.no_grad()
def give_learned_polynomials(model: torch.nn.Module) -> None:
    """The polynomials of digits_lnm to the cubic LNM layers of a model, and to their channels where they have some, in turn.

    An LNM fresh from its constructor is a LIF: its program, and the time that takes, is not that of a neuron which has learned.
    """
    learned = _learned()
    cubic = [m for m in model.modules() if isinstance(m, nn.LNM) and m.coefficients.shape[1] == learned.shape[1]]
    for place, neuron in enumerate(cubic):
        rows = (place + torch.arange(len(neuron.a))) % len(learned)
        neuron.a.copy_(learned[rows])


@cache
def _learned() -> Tensor:
    """[layers, 4]"""
    module = find_model("digits_lnm").module
    return torch.cat([m.coefficients.detach() for m in module.modules() if isinstance(m, nn.LNM)])
