"""Models inside of torch.compile, DataParallel and moving averages; and layers that were compiled one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import UnsupportedError
from snn2hw.formats.torch.wrapped import unwrapped, without_prefix
from tests.refused import refused

pytestmark = pytest.mark.torch
X = np.random.default_rng(0).random((5, 4, 8))


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 6), nn.LIF(0.5), nn.Linear(6, 3))


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        torch.nn.DataParallel,
        torch.optim.swa_utils.AveragedModel,
        lambda m: torch.compile(torch.nn.DataParallel(m)),
        lambda m: torch.nn.Sequential(*(torch.compile(layer) if isinstance(layer, torch.nn.Linear) else layer for layer in m)),
    ],
    ids=["compile", "DataParallel", "AveragedModel", "both", "compiled layers"],
)
def test_the_model_inside_is_compiled(wrap: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    expected, got = snn2hw.compile(model(), X), snn2hw.compile(wrap(model()), X)
    for a, b in zip(expected.network.nodes, got.network.nodes, strict=True):
        if hasattr(a, "weight"):
            np.testing.assert_array_equal(a.weight, b.weight)
            np.testing.assert_array_equal(a.bias, b.bias)
    np.testing.assert_array_equal(snn2hw.simulate(expected, X).readout, snn2hw.simulate(got, X).readout)


def test_weights_of_half_precision_are_read_as_they_are() -> None:
    half = model().half()
    single = model().half().float()
    a, b = snn2hw.compile(half, X), snn2hw.compile(single, X)
    np.testing.assert_array_equal(snn2hw.simulate(a, X).readout, snn2hw.simulate(b, X).readout)


def test_a_model_in_training_mode_is_read_in_evaluation_and_stays_as_it_was() -> None:
    made = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.LIF(0.5), nn.Dropout(0.5), nn.Linear(6, 3))
    made.train()
    trained = snn2hw.compile(made, X)
    assert all(m.training for m in made.modules())
    evaluated = snn2hw.compile(made.eval(), X)
    np.testing.assert_array_equal(snn2hw.simulate(trained, X).readout, snn2hw.simulate(evaluated, X).readout)


def test_sharded_weights_are_refused() -> None:
    class FullyShardedDataParallel(torch.nn.Module):
        """As torch's own, which needs a process group, is called."""

    with refused(
        UnsupportedError,
        """FullyShardedDataParallel holds only a part of the weights in this process
  where:    FullyShardedDataParallel
  got:      FullyShardedDataParallel
  expected: the model with all of its weights
  do:       gather a full state_dict, and load it into the model as it was before it was wrapped""",
    ):
        unwrapped(FullyShardedDataParallel())


def test_prefixes_are_taken_off_only_where_all_names_have_them() -> None:
    assert without_prefix(["module._orig_mod.a", "module._orig_mod.b"]) == {"module._orig_mod.a": "a", "module._orig_mod.b": "b"}
    assert without_prefix(["module.a", "b"]) == {"module.a": "module.a", "b": "b"}
    assert without_prefix([]) == {}
