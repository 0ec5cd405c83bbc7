"""A channel whose weights are far smaller than its neighbours' fires as it does in float."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import Snn2hwWarning

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("scales", ["auto", "layer", "channel"])
@pytest.mark.parametrize("target", ["loihi2", "generic"])
def test_a_pruned_channel_that_its_bias_drives(target: str, scales: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 4), nn.LIF(0.5), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        model[0].weight[1:] *= 8
        model[0].weight[0] *= 1e-3
        model[0].bias[0] = 0.9
    x = np.random.default_rng(0).random((6, 8, 16)) < 0.4
    lost = pytest.warns(Snn2hwWarning, match="the weights of whole channels to 0") if scales == "layer" else nullcontext()
    with lost:
        artefact = snn2hw.compile(model, x, target=target, options=snn2hw.Options(scales=scales))
    assert snn2hw.simulate(artefact, x).spikes["1"][:, 0, 0].tolist() == [0, 1, 1, 0, 1, 1]
