from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn, trace_model  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from tests.formats.torch.torch_models import STEPS, Model, Residual, sequential, trace  # noqa: E402

pytestmark = pytest.mark.torch


def randomised(model: Model, *shape: int, seed: int) -> Model:
    """Weights large enough for spikes, BatchNorm statistics of real activations, random coefficients."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.weight.normal_(0.5, 2.0).div_(module.weight[0].numel() ** 0.5)
            if isinstance(module, nn.Neuron):
                for name, p in module.named_parameters(recurse=False):
                    p.add_((0.1 if name == "a" else 0.5) * torch.randn_like(p))
    model = model.double()
    for _ in range(2):
        model.train()(torch.rand(STEPS, 4, *shape, dtype=torch.float64))
    return model.eval()


class Branches(torch.nn.Module):
    """Two branches that meet twice, a shared neuron, a residual block, and a mean at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.left = sequential(nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.BatchNorm2d(4))
        self.right = nn.Conv2d(2, 4, 1, bias=False)
        self.fire = nn.LNM(degree=4, channels=4, threshold=0.5, order="input_then_poly")
        self.block = Residual(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(36, 3)

    def forward(self, x: Any) -> Any:
        y = self.fire(self.left(x) + self.right(x))
        y = self.block(y)
        y += self.fire(y)
        return self.head(self.drop(y.flatten(2))).mean(0)


MODELS: dict[str, tuple[Callable[[], Model], tuple[int, ...]]] = {
    "lnm": (
        lambda: sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.BatchNorm2d(4),
            nn.LNM(degree=3, channels=4),
            nn.AvgPool2d(3),
            nn.Flatten(),
            nn.Linear(4, 6),
            nn.LNM(degree=5, reset="none", state_range=(-2, 2)),
            nn.Linear(6, 3),
        ),
        (2, 6, 6),
    ),
    "circulate": (
        lambda: sequential(
            nn.Conv2d(2, 4, (2, 3), dilation=(2, 1), groups=2),
            nn.CirculateFiring(levels=3, thresholds=(1.0, 0.5, 0.25), amplitudes=(1.0, 0.5, 0.25)),
            nn.MaxPool2d(2, padding=1),
            nn.Flatten(),
            nn.Linear(36, 5),
            nn.BatchNorm1d(5),
            nn.CirculateFiring(levels=2, signed=False, reset="value", reset_value=0.125, strict=True),
            nn.Linear(5, 2, bias=False),
        ),
        (2, 6, 6),
    ),
    "lif, if and plif": (
        lambda: sequential(
            nn.Linear(7, 9),
            nn.LIF(0.9, strict=True),
            nn.Linear(9, 9),
            nn.IF(reset="value"),
            nn.Linear(9, 9),
            nn.PLIF(0.3, channels=9, order="input_then_poly"),
            nn.Linear(9, 4),
            nn.LIF(channels=4, reset="none"),
        ),
        (7,),
    ),
    "polynomials that circulate, and a quadratic one": (
        lambda: sequential(
            nn.Linear(7, 9),
            nn.CirculateLNM(
                2, 3, init="qif", threshold=0.5, channels=9, amplitudes=(1.0, 0.5, 0.25), reset="value", learn_threshold=True
            ),
            nn.Linear(9, 9),
            nn.QIF(rest=-0.25, critical=0.25, curvature=0.125, threshold=0.5, surrogate=nn.Sigmoid(learnable=True)),
            nn.Linear(9, 4),
        ),
        (7,),
    ),
    "learned decays and thresholds": (
        lambda: sequential(
            nn.Linear(7, 9),
            nn.CirculateFiring(3, thresholds=(1.0, 0.5, 0.25), learn_threshold=True, learn_decay=True, channels=9),
            nn.Linear(9, 9),
            nn.CirculateFiring(2, signed=False, decay=0.9, learn_threshold=True, checkpoint=2, order="input_then_poly"),
            nn.Linear(9, 9),
            nn.LNM(3, init="plif", channels=9, strict=True, surrogate=nn.Triangle(steps=STEPS)),
            nn.Linear(9, 4),
        ),
        (7,),
    ),
    "thresholds by step": (
        lambda: sequential(
            nn.Linear(7, 9),
            nn.CirculateFiring(2, thresholds=(1.0, 0.5), threshold_by_step=(0.5, 1.25), learn_threshold=True),
            nn.Linear(9, 9),
            nn.CirculateLNM(2, 1, signed=False, threshold_by_step=[0.75] * STEPS + [8], reset="value"),
            nn.Linear(9, 4),
        ),
        (7,),
    ),
    "branches": (Branches, (2, 3, 3)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("which", MODELS)
def test_the_network_computes_what_the_model_computes(which: str, seed: int) -> None:
    build, shape = MODELS[which]
    model = randomised(build(), *shape, seed=seed)
    x = np.random.default_rng(seed).random((5, *shape))
    seen: dict[str, float] = {}
    net = trace_model(model, x, STEPS)
    got = run_real(net, x, lambda n, i, v: seen.update({n.name: seen.get(n.name, 0.0) + float((v != 0).mean())}))
    with torch.no_grad():
        out = model(nn.repeat(torch.as_tensor(x), STEPS))
    expected = (out * STEPS if out.ndim == 2 else out.sum(0)).numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    assert np.abs(expected).max() > 0.01
    assert all(seen[n.name] > 0 for n in net.neurons), "a silent layer proves nothing"


def test_the_network_of_a_temporal_sample_computes_what_the_model_computes() -> None:
    model = randomised(sequential(nn.Linear(4, 6), nn.LNM(), nn.Linear(6, 2)), 4, seed=3)
    x = np.random.default_rng(0).poisson(1.0, (5, 7, 4)).astype(np.float64)
    net = trace_model(model, x)
    with torch.no_grad():
        np.testing.assert_allclose(run_real(net, x), model(torch.as_tensor(x)).sum(0).numpy(), rtol=0, atol=1e-12)
    assert net.steps == 5


def test_tracing_changes_nothing_in_the_model() -> None:
    model = randomised(MODELS["branches"][0](), 2, 3, 3, seed=0).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    trace(model, 2, 3, 3)
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
