"""The residual network for CIFAR-10: its three neurons, its integers on every back end, its script from end to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import snn2hw
from snn2hw import nn, train
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.nn import blocks
from snn2hw.user_models import find_model
from tests.models.test_recorded import source
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

NEURONS = ("cf", "lif", "lnm")


def settled(neuron: str, images: torch.Tensor, widths: tuple[int, int, int] | None = None) -> torch.nn.Module:
    model = source("cifar_small")
    model.WIDTHS = widths or model.WIDTHS
    with train.seeded(0):
        module: torch.nn.Module = model.build(neuron)
        blocks.settle(module, nn.repeat(images, 4))
    return module


def test_neurons_and_the_clamp_have_the_same_weights() -> None:
    model = source("cifar_small")
    built = {name: model.build(name) for name in model.NEURONS}
    weights = {name: {k for k, p in m.named_parameters() if p.ndim > 1 and not k.endswith(".a")} for name, m in built.items()}
    assert len({frozenset(w) for w in weights.values()}) == 1
    assert sum(p.numel() for p in built["cf"].parameters()) * 4 < 2_000_000
    assert built["cf"](torch.zeros(4, 1, 3, 32, 32)).shape == (4, 1, 10)


def test_circulate_firing_gives_the_clamp_in_sixteenths() -> None:
    """Of an input that stays: the mean over four steps is the clamped input, rounded down."""
    neuron, x = source("cifar_small").circulating(1), torch.linspace(-1.9, 1.9, 500).reshape(1, 1, 500)
    mean = neuron(x.expand(4, 1, 500)[:, :, None]).mean(0).flatten()
    wanted = torch.nn.functional.hardtanh(x.flatten(), 0.0, 1.0)
    assert float((wanted - mean).max()) <= 1 / 16 + 1e-6
    assert float((wanted - mean).min()) >= -1e-6


@pytest.mark.slow
@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize("executor", [*(e for e in EXECUTORS if e != "reference"), *SIDE_EXECUTORS])
@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
def test_every_integer_is_that_of_the_reference(neuron: str, executor: str) -> None:
    """With random weights, and statistics under which every layer fires; where a step is simulated slowly with few channels."""
    if reason := (EXECUTORS | SIDE_EXECUTORS)[executor].unavailable():
        pytest.skip(reason)
    images, widths = torch.rand(2, 3, 32, 32), (4, 8, 8) if executor in SIDE_EXECUTORS else None
    verdict = snn2hw.verify(snn2hw.compile(settled(neuron, images, widths), images, 4), images[:1], ("reference", executor))
    assert verdict.equal
    assert verdict.compared[executor] > (50_000 if widths else 500_000)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")  # it has learned nothing
def test_script_trains_and_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script: Any = source("cifar_small", "train.py")
    images, labels = torch.rand(60, 3, 32, 32).mul(255).round() / 255, torch.arange(60) % 10
    monkeypatch.setattr(script.source, "train_data", lambda: (images, labels))
    monkeypatch.setattr(script.source, "test_data", lambda: (images[:8], labels[:8]))
    for name, few in {"HELD_OUT": 20, "FEW": 16, "CALIBRATION": 4}.items():
        monkeypatch.setattr(script, name, few)
    monkeypatch.setitem(script.SPIKING, "cf", (1, 16))
    for name, batch in {"WEIGHTS": 20, "NEURONS": 8, "INTEGERS": 8}.items():
        monkeypatch.setattr(script, name, replace(getattr(script, name), epochs=1, batch=batch))
    said = []
    for _ in range(2):
        script.run(["--out", str(tmp_path)])
        said.append([line for line in capsys.readouterr().out.splitlines() if not line.startswith("epoch")])
    assert said[0] == said[1]
    assert [line.split(":")[0].split(",")[0] for line in said[0]] == [
        *("clamp", "floats"),
        *("integers of 8 bits", "integers of 8 bits", "their weights as floats"),
        *("integers of 4 bits", "integers of 4 bits", "their weights as floats"),
    ]
    for name in ("weights", "weights-8", "weights-4"):  # of floats, and of the integers of 8 and of 4 bits
        assert find_model("cifar_small", str(tmp_path / "cf" / f"{name}.safetensors"), sampled=False).steps == 4


@pytest.fixture(scope="module")
def stored() -> Any:
    """The network of the stored weights, compiled once for all back ends, and its test images and labels."""
    shared_data("real/cifar10_jpeg.npz")
    found: Any = find_model("cifar_small")
    artefact = snn2hw.compile(found.module, found.sample[:64], found.steps, options=found.source.OPTIONS)
    return artefact, *found.source.test_data()


@pytest.mark.slow
@pytest.mark.parametrize("executor", [*(e for e in EXECUTORS if e != "reference"), *SIDE_EXECUTORS])
@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")  # a membrane meets its bound on some images
def test_every_integer_of_the_stored_weights_is_that_of_the_reference(executor: str, stored: Any) -> None:
    """Of two test images; back ends that are slow have one."""
    if reason := (EXECUTORS | SIDE_EXECUTORS)[executor].unavailable():
        pytest.skip(reason)
    artefact, images, _ = stored
    count = 1 if executor in ("onnx-reference", "lava", "rtl") else 2
    verdict = snn2hw.verify(artefact, images[:count], ("reference", executor))
    assert verdict.equal
    assert verdict.compared[executor] > 500_000 * count


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
def test_the_stored_weights_reach_in_integers_what_the_card_says(stored: Any) -> None:
    """Of every fifth test image, near the 85.29 % of all."""
    if reason := EXECUTORS["fast"].unavailable():
        pytest.skip(reason)
    artefact, images, labels = stored
    predicted = snn2hw.simulate(artefact, images[::5], traces=False, executor="fast").predictions
    assert abs(float((predicted == labels[::5].numpy()).mean()) - 0.8529) < 0.02  # 2.5 standard errors of 2,000 images
