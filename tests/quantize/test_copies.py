"""A copy of a prepared model is the same integer network, and learns apart from the first."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.quantize import Prepared, prepare
from snn2hw.target import load_target

pytestmark = pytest.mark.torch

TARGETS = ["generic", "loihi2", "cortex-m4"]


class Own(nn.CustomNeuron):
    """A neuron of a user, which a copy must be able to trace, too."""

    states = {"v": nn.State(range=(-2.0, 2.0))}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.leak = torch.nn.Parameter(torch.tensor(0.5))

    def step(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        v = self.leak * v + x
        s = nn.fire(v, 0.6)
        return s, {"v": v - s}


def by_hand(model: Prepared) -> Prepared:
    return copy.deepcopy(model)


def by_file(model: Prepared) -> Prepared:
    held = io.BytesIO()
    torch.save(model, held)
    held.seek(0)
    found: Prepared = torch.load(held, weights_only=False)
    return found


@pytest.mark.parametrize("copied", [by_hand, by_file])
@pytest.mark.parametrize("target", TARGETS)
def test_a_copy_is_the_same_network_and_learns_by_itself(copied: Any, target: str) -> None:
    torch.manual_seed(0)
    neuron = nn.LNM(degree=2) if target != "generic" else nn.Recurrent(Own(), nn.Linear(5, 5))
    x = torch.rand(8, 3)
    model = prepare(nn.Sequential(nn.Linear(3, 5), neuron, nn.Linear(5, 2)), x, target, steps=2)
    before = snn2hw.compile(model).model
    other = copied(model)
    assert snn2hw.compile(other).model == before
    assert torch.equal(other(nn.repeat(x, 2)), model(nn.repeat(x, 2)))
    optimiser = torch.optim.SGD(other.parameters(), 1.0)
    other(nn.repeat(x, 2)).square().sum().backward()
    optimiser.step()
    assert snn2hw.compile(other).model != before
    assert snn2hw.compile(model).model == before
    model.load_state_dict(other.state_dict())
    assert snn2hw.compile(model).model == snn2hw.compile(other).model


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_can_be_copied(name: str) -> None:
    target = load_target(name)
    assert copy.deepcopy(target) == target
