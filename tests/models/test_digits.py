"""The digits models: a fixed seed, a short training, the stored weights."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from snn2hw import nn, train
from snn2hw.data import digits
from snn2hw.user_models import load_source, models_folder
from snn2hw.weights import load_weights

pytestmark = pytest.mark.torch

NAMES = ("digits_lnm", "digits_cf")
SAMPLES = {"train": 1437, "test": 360}


def source(name: str, file: str = "model.py") -> Any:
    return load_source(models_folder() / name / file)


@pytest.fixture
def training() -> ModuleType:
    source(NAMES[0])
    return importlib.import_module("digits_training")


@pytest.fixture
def process_arguments(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    arguments = ["train.py"]
    monkeypatch.setattr(sys, "argv", arguments)
    return arguments


@pytest.mark.parametrize("name", NAMES)
def test_network_is_built_and_offers_its_data(name: str) -> None:
    model = source(name)
    images, labels = model.test_data()
    assert model.STEPS == 4
    assert model.build()(nn.repeat(images[:3], model.STEPS)).shape == (4, 3, 10)
    assert (len(labels), len(model.train_data()[1])) == (360, 1437)


def test_shift_moves_by_at_most_a_pixel(training: ModuleType) -> None:
    images = torch.zeros(200, 1, 8, 8)
    images[:, 0, 4, 4] = 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        moved = training.shifted(images)
    assert moved.shape == images.shape
    assert torch.equal(moved.sum((1, 2, 3)), torch.ones(200))
    assert torch.equal(moved[:, 0, 3:6, 3:6].sum((1, 2)), torch.ones(200))
    assert 0 < int((moved == images).all(dim=(1, 2, 3)).logical_not().sum()) < 100


@pytest.mark.parametrize("name", NAMES)
def test_training_depends_on_its_seed_only(name: str, training: ModuleType) -> None:
    build, (images, labels) = source(name).build, (t[:192] for t in digits.load("train"))
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first = training.fit(build, images, labels, seed=3, epochs=2, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    torch.rand(7)
    second = training.fit(build, images, labels, seed=3, epochs=2, progress=False)
    other = training.fit(build, images, labels, seed=4, epochs=2, progress=False)
    assert not first.model.training
    assert [e.number for e in first.history] == [1, 2]
    assert first.history[1].loss < first.history[0].loss
    a, b, c = (list(fitted.model.state_dict().values()) for fitted in (first, second, other))
    assert all(map(torch.equal, a, b))
    assert not all(map(torch.equal, a, c))


def test_command_writes_weights_that_load(
    tmp_path: Path,
    training: ModuleType,
    process_arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = {split: tuple(t[:96] for t in digits.load(split)) for split in SAMPLES}
    monkeypatch.setattr(digits, "load", small.__getitem__)
    out = tmp_path / "weights.safetensors"
    process_arguments += ["--out", str(out), "--epochs", "1", "--seed", "5"]
    assert source("digits_lnm", "train.py").main() == 0
    printed = capsys.readouterr().out
    assert "epoch  1  loss" in printed
    assert "seed 5: test accuracy" in printed
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]
    load_weights(source("digits_lnm").build(), out)
    process_arguments += ["--quiet"]
    assert source("digits_lnm", "train.py").main() == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--epochs", "0"], "nothing to train"),
        (["--out", "/dev/null/folder/w.safetensors"], "the file cannot be written"),
        (["--out", "w.txt"], "this is no name for weights"),
    ],
)
def test_command_says_what_is_wrong_before_it_trains(
    arguments: list[str],
    text: str,
    training: ModuleType,
    process_arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(training, "train", lambda *_, **__: pytest.fail("it has begun"))
    process_arguments += arguments
    assert source("digits_lnm", "train.py").main() == 2
    assert text in capsys.readouterr().err


def test_command_that_is_interrupted_says_what_is_kept(
    training: ModuleType, process_arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(images: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "RECIPE", dataclasses.replace(training.RECIPE, augment=stop))
    process_arguments += ["--quiet", "--out", "w.safetensors"]
    assert source("digits_lnm", "train.py").main() == 130
    assert capsys.readouterr().err == "stopped after 0 of 30 epochs; nothing is kept, for no folder was given (out)\n"


@pytest.mark.parametrize(("more", "said"), [((), "stopped\n"), (("stopped; nothing is kept",), "stopped; nothing is kept\n")])
def test_command_says_that_it_was_interrupted(
    training: ModuleType, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the interruption says nothing of itself."""

    def stop() -> None:
        raise KeyboardInterrupt

    assert importlib.import_module("exit_codes").exit_code(stop, *more) == 130
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", NAMES)
def test_stored_weights_reach_the_accuracy_on_their_card(name: str) -> None:
    folder, model = models_folder() / name, source(name)
    module = model.build()
    load_weights(module, folder / "weights.safetensors")
    assert (folder / "weights.safetensors").stat().st_size < 2_000_000
    reached = train.evaluate(module, model.test_data(), model.STEPS)
    assert f"| test accuracy (float model, stored weights) | {reached:.4f} |" in (folder / "card.md").read_text()
    assert reached >= 0.983


def test_learned_polynomials_stay_inside_the_state_range() -> None:
    module = source("digits_lnm").build()
    load_weights(module, models_folder() / "digits_lnm" / "weights.safetensors")
    u = torch.linspace(-4, 4, 801)
    for neuron in (m for m in module.modules() if isinstance(m, nn.LNM)):
        powers = torch.stack([u**k for k in range(neuron.coefficients.shape[1])])
        assert float((neuron.coefficients.detach() @ powers).abs().max()) <= 4.0
