"""Scales as users meet them: networks in other units, what one unit of the readout is, and what is said of a loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw import nn  # noqa: E402
from snn2hw.errors import Snn2hwWarning  # noqa: E402

pytestmark = pytest.mark.torch

X = np.random.default_rng(0).random((6, 8, 16)) < 0.4


def scaled(k: int) -> Any:
    """Weights, biases, thresholds and ranges 2**k times as small, the coefficients such that the membranes are, too."""
    torch.manual_seed(0)
    f = 2.0**-k
    ranges = {"threshold": 0.5 * f, "state_range": (-4.0 * f, 4.0 * f)}
    model: Any = nn.Sequential(
        nn.Linear(16, 12), nn.LNM(degree=2, **ranges), nn.Linear(12, 8),
        nn.LIF(0.5, threshold=f, state_range=(-4.0 * f, 4.0 * f)), nn.Linear(8, 3),
    ).eval()  # fmt: skip
    with torch.no_grad():
        model[1].a.copy_(torch.tensor([0.02 * f, 0.8, -0.05 / f]))
        for layer in (model[0], model[2], model[4]):
            layer.weight.mul_(3 * f)
            layer.bias.mul_(f)
    return model


def test_a_torch_network_times_a_power_of_two_fires_alike() -> None:
    before = snn2hw.compile(scaled(0), X, target="loihi2")
    wanted = snn2hw.simulate(before, X)
    assert all(0.02 < s.mean() < 0.9 for s in wanted.spikes.values())
    for k in (1, 7, 13, 30, 50):
        after = snn2hw.compile(scaled(k), X, target="loihi2")
        got = snn2hw.simulate(after, X)
        assert all((got.spikes[n] == s).all() for n, s in wanted.spikes.items()), f"k = {k}"
        assert (got.readout == wanted.readout).all(), f"k = {k}"
        assert after.scale == before.scale * 2.0**-k


@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
def test_one_unit_of_the_readout_is_worth_its_scale(scales: str) -> None:
    """In real units for every output alike, although one is a hundred times smaller than the others."""
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(16, 12), nn.IF(threshold=0.5), nn.Linear(12, 3)).eval()
    with torch.no_grad():
        model[0].weight.mul_(3)
        model[2].weight[2] /= 100
        model[2].bias.zero_()
    artefact = snn2hw.compile(model, X, options=snn2hw.Options(scales=scales))
    trace = snn2hw.simulate(artefact, X)
    real = np.einsum("tnf,cf->nc", trace.spikes["1"].astype(float), model[2].weight.detach().double().numpy())
    given = trace.readout * artefact.scale
    largest = np.abs(model[2].weight.detach().numpy()).max(1)
    step = largest if scales != "layer" else np.full(3, largest.max())
    assert (np.abs(given - real) <= 6 * 12 * step / 127).all()  # each of 12 weights, at each of 6 steps
    assert np.abs(given).max() > 0.5
    head = next(n for n in artefact.network.nodes if n.name == "2")
    assert (int(np.abs(vars(head)["weight"][2]).max()) > 60) == (scales != "layer")
    assert artefact.manifest["readout"] == {"scale": artefact.scale}


def test_a_loss_is_warned_of_and_stays_in_the_manifest(tmp_path: Any) -> None:
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(16, 4), nn.LIF(0.5, state_range=(-256.0, 256.0)), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        model[0].weight[2, 3] = 90.0
    options = snn2hw.Options(weight_bits=4, scales="layer")
    with pytest.warns(Snn2hwWarning, match="the weights of whole channels to 0") as caught:
        snn2hw.compile(model, X, options=options, out=tmp_path / "net")
    assert caught[0].filename == __file__
    (warning,) = snn2hw.load(tmp_path / "net").manifest["warnings"]
    assert warning["where"].startswith("0 (")
    assert "the largest weight is 90, in channel 2" in warning["cause"]
    assert 'scales="channel"' in warning["remedy"]
    assert snn2hw.compile(model, X, options=snn2hw.Options(weight_bits=4, scales="channel")).manifest["warnings"] == []
