"""A network that has learned on its integers, and how far the one that is stored of it computes otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import snn2hw
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import values_of
from snn2hw.quantize import Prepared, prepare

STEPS = 3


def learned(model: torch.nn.Module, images: Tensor, options: snn2hw.Options | None = None) -> Prepared:
    """`model` prepared, then moved at random by many units of its integers in all that it learns, as no gradient would do it."""
    prepared = prepare(model.eval(), images, steps=STEPS, options=options)
    with torch.no_grad():
        for p in prepared.parameters():
            p += 0.05 * torch.randn_like(p)
    return prepared


@dataclass(frozen=True)
class Differing:
    """How many integers of all layers, samples and steps are others, of `values` spikes; and the decays of both by layer.

    Args:
        farthest: by how many units a state is another at most.
    """

    spikes: int
    states: int
    farthest: int
    values: int
    decays: tuple[list[float], list[float]]


def differing(prepared: Prepared, stored: torch.nn.Module, images: Tensor, options: snn2hw.Options | None = None) -> Differing:
    """What the stored model, compiled, computes otherwise than what was trained, some of which fires."""
    both = snn2hw.compile(prepared), snn2hw.compile(stored, images, STEPS, options=options)
    a, b = (snn2hw.simulate(artefact, images, "reference").arrays() for artefact in both)
    others = {k: int((a[k] != b[k]).sum()) for k in a}
    spikes, states = ([k for k in a if k.startswith(what)] for what in ("spikes", "states"))
    assert any(a[k].any() for k in spikes)
    decays = [[d for n in artefact.network.nodes if isinstance(n, IntNeuron) for d in _decays(n)] for artefact in both]
    farthest = max(int(np.abs(a[k].astype(np.int64) - b[k]).max()) for k in states)
    return Differing(
        sum(others[k] for k in spikes), sum(others[k] for k in states), farthest, sum(a[k].size for k in spikes),
        (decays[0], decays[1]),
    )  # fmt: skip


def _decays(node: IntNeuron) -> list[float]:
    """What the constant of degree 1 stands for, of every channel; nothing for a neuron that has no polynomial."""
    if node.program.roles is None:
        return []
    constant = node.program.by_name[node.program.roles.polynomial.coefficients[1]]
    return [raw * 2.0**-constant.format.frac for raw in values_of(constant)]
