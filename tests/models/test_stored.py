"""What is stored of a model that learned on its integers: compiled, it gives them again, whatever its layers are."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

import pytest
import torch

from snn2hw import nn, train
from snn2hw.nn import blocks
from snn2hw.quantize import prepare
from tests.models.stored import STEPS, differing, learned
from tests.models.test_recorded import neighbour, plan

pytestmark = pytest.mark.torch


@pytest.fixture
def training() -> ModuleType:
    return neighbour("recorded_training")


class Leaking(nn.CustomNeuron):
    states: ClassVar = {"v": nn.State(range=(-2.0, 2.0))}

    def __init__(self) -> None:
        super().__init__()
        self.keep = torch.nn.Parameter(torch.tensor(0.75))

    def step(self, x: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        v = self.keep * v + x
        s = nn.fire(v, 0.5)
        return s, {"v": v - s}


def circulating(channels: int) -> nn.CirculateFiring:
    return nn.CirculateFiring(2, signed=False, decay=0.6, learn_decay=True)


def hearing() -> torch.nn.Module:
    norm = nn.BatchNorm1d(8)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), norm, nn.Recurrent(circulating(8), nn.Linear(8, 8)), nn.Linear(8, 4))


def residual() -> torch.nn.Module:
    deep = blocks.MembraneBlock(4, 4, 1, circulating), blocks.MembraneBlock(4, 6, 2, circulating)
    return nn.Sequential(blocks.conv_norm(1, 4), *deep, circulating(6), nn.Flatten(), nn.Linear(96, 4))


def own() -> torch.nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8, bias=False), nn.BatchNorm1d(8), Leaking(), nn.Linear(8, 4))


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
@pytest.mark.parametrize(("build", "units"), [(hearing, 0), (residual, 1), (own, 0)])
def test_integers_are_stored_of_layers_in_blocks_and_without_a_bias_too(training: ModuleType, build: Any, units: int) -> None:
    """How the product of a learned decay is rounded is decided anew, which moves states by one unit at most."""
    with train.seeded(0):
        images, model = torch.rand(16, 1, 8, 8), build()
        for _ in range(9):
            model(nn.repeat(images * 2 - 0.5, STEPS))
        prepared = learned(model, images)
    found = differing(prepared, training.deployed(model, prepared), images)
    assert found.decays[0] == found.decays[1]
    assert found.spikes == 0
    assert found.farthest == units


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
@pytest.mark.parametrize("decay", [2.0**-20, 0.3, 0.5, 0.9, 1 - 2.0**-20])
def test_a_learned_decay_is_stored_as_its_integer(training: ModuleType, decay: float) -> None:
    """One for each channel; at 1 and about 0, too. How its product is rounded is decided anew."""
    with train.seeded(0):
        images = torch.rand(64, 1, 8, 8)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.PLIF(decay, channels=8), nn.Linear(8, 4))
        torch.nn.init.normal_(model[1].weight)
        prepared = learned(model, images)
    stored = training.deployed(model, prepared)
    found = differing(prepared, stored, images)
    assert found.decays[0] == found.decays[1]
    assert found.spikes <= 0.001 * found.values
    assert bool(stored[2].w.isfinite().all())


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
def test_a_learned_polynomial_is_rounded_anew(training: ModuleType) -> None:
    """Its states may be others, but no more of its spikes than last bits decide."""
    with train.seeded(0):
        images = torch.rand(64, 1, 8, 8)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.LNM(3), nn.Linear(32, 4))
        prepared = learned(model, images)
    stored = training.deployed(model, prepared)
    assert torch.equal(stored[2].a, prepared.layers["2"].neuron.a.float())
    found = differing(prepared, stored, images)
    assert found.states > 0
    assert found.spikes <= 0.001 * found.values


def test_a_bias_that_has_nowhere_to_be_stored_is_not_lost(training: ModuleType) -> None:
    with train.seeded(0):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8, bias=False), nn.LIF(), nn.Linear(8, 4)).eval()
        prepared = prepare(model, torch.rand(4, 1, 8, 8), steps=3)
    training.deployed(model, prepared)
    with torch.no_grad():
        prepared.layers["1"].bias[0] = 1000.0
    with pytest.raises(AssertionError, match="no BatchNorm keeps the bias"):
        training.deployed(model, prepared)


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
@pytest.mark.parametrize("weight_bits", [2, 3, 4, 8])
def test_what_is_stored_compiles_to_the_integers_that_were_trained(training: ModuleType, weight_bits: int) -> None:
    """Also where a neuron has lost all its weights."""
    with train.seeded(weight_bits):
        images, made = torch.rand(32, 1, 6, 6), plan(training, weight_bits)
        model = made.build()
        prepared = learned(model, images, made.options)
    with torch.no_grad():
        prepared.layers["1"].weight[2] = 0.0
    found = differing(prepared, training.deployed(model, prepared), images, made.options)
    assert (found.spikes, found.states) == (0, 0)


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
def test_what_a_batchnorm_did_is_in_the_integers_once(training: ModuleType) -> None:
    with train.seeded(0):
        images = torch.rand(32, 1, 6, 6)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LIF(), nn.Flatten(), nn.Linear(64, 4))
        for _ in range(20):
            model(nn.repeat(images * 3 + 1, STEPS))  # statistics that are neither 0 nor 1
        prepared = learned(model, images)
    found = differing(prepared, training.deployed(model, prepared), images)
    assert (found.spikes, found.states) == (0, 0)
