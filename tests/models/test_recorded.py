"""The models of recorded data: where the data are, how a training becomes integers, and what the stored weights reach."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn, train
from snn2hw.errors import DataError, UsageError
from snn2hw.user_models import find_model, load_source, models_folder
from tests.shared_data import VARIABLE, shared_data

pytestmark = pytest.mark.torch

MNIST = ("mnist_lif", "mnist_ternary", "mnist_lnm", "mnist_cf")
NAMES = (*MNIST, "nmnist_cnn")
FILES = {
    "nmnist_cnn": "real/nmnist_small.npz",
    "nmnist_cf": "real/nmnist_small.npz",
    "fashion_lnm": "real/fashion_mnist.npz",
    "fsdd_recurrent": "real/fsdd.npz",
    "watch_custom": "real/watch.npz",
} | dict.fromkeys(MNIST, "real/mnist_part.npz")
FEWEST = {"nmnist_cnn": 0.9, "nmnist_cf": 0.96, "fashion_lnm": 0.915, "fsdd_recurrent": 0.985, "watch_custom": 0.75}
FEWEST |= dict.fromkeys(MNIST, 0.97)
LATER = ("fashion_lnm", "nmnist_cf", "fsdd_recurrent", "watch_custom")


def source(name: str, file: str = "model.py") -> Any:
    return load_source(models_folder() / name / file)


def neighbour(name: str) -> ModuleType:
    source(NAMES[0])
    return importlib.import_module(name)


@pytest.fixture
def training() -> ModuleType:
    return neighbour("recorded_training")


def written(folder: Path, **arrays: Any) -> None:
    """A file of MNIST's name in a folder of shared data."""
    (folder / "real").mkdir()
    np.savez(folder / "real" / "mnist_part.npz", **arrays)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_built_and_says_its_widths(name: str) -> None:
    model = source(name)
    shape = (2, 34, 34) if name == "nmnist_cnn" else (1, 28, 28)
    module = model.build()
    assert module(torch.zeros(model.STEPS, 3, *shape)).shape == (model.STEPS, 3, 10)
    assert (model.OPTIONS.state_bits, model.OPTIONS.scales) == (8, "layer")
    weights = sum(p.numel() for p in module.parameters() if p.ndim > 1)
    assert weights * model.OPTIONS.weight_bits < 1.5e6  # bits of RAM


def test_images_are_read_in_their_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    written(tmp_path, x_train=pixels, y_train=np.array([1, 2, 3], np.uint8))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    images, labels = source("mnist_lif").train_data()
    assert images.dtype == torch.float32
    assert torch.equal((images[:, 0] * 255).round(), torch.from_numpy(pixels).float())
    assert labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("given", "short", "full"), [(None, 5, 2), (1, 0, 1), (2, 0, 2), (3, 1, 2), (9, 7, 2)])
def test_epochs_are_all_passes_in_floats(given: int | None, short: int, full: int) -> None:
    plan = neighbour("recorded_command").with_epochs(source("fashion_lnm", "train.py").PLAN, given)
    assert plan.floats.epochs == full
    assert (plan.short[1].epochs if plan.short else 0) == short
    assert neighbour("recorded_command").with_epochs(source("mnist_lif", "train.py").PLAN, 4).floats.epochs == 4


@pytest.mark.parametrize(("given", "simpler", "full"), [(None, 30, 8), (3, 0, 3), (8, 0, 8), (9, 1, 8), (50, 42, 8)])
def test_epochs_of_a_simpler_model_are_among_them(given: int | None, simpler: int, full: int) -> None:
    plan = neighbour("recorded_command").with_epochs(source("fsdd_recurrent", "train.py").PLAN, given)
    assert plan.floats.epochs == full
    assert (plan.simpler[1].epochs if plan.simpler else 0) == simpler


def test_a_training_of_three_parts_keeps_the_last_ones_longest() -> None:
    made = source("fsdd_recurrent", "train.py").PLAN
    short = (2, dataclasses.replace(made.floats, epochs=5))
    plan = neighbour("recorded_command").with_epochs(dataclasses.replace(made, short=short), 15)
    assert (plan.simpler[1].epochs, plan.short[1].epochs, plan.floats.epochs) == (2, 5, 8)


@pytest.mark.parametrize(
    ("given", "got", "expected", "do"),
    [
        (
            "--calibration --bits 4 --seed 0 --hold-out 0 --quiet",
            "--calibration, --bits, --hold-out, --seed",
            "--calibration by itself or with --quiet",
            "leave out --bits and --hold-out and --seed",
        ),
        ("--calibration --out w", "--calibration, --out", "--calibration by itself or with --quiet", "leave out --out"),
        ("--calibration --epochs 1", "--calibration, --epochs", "--calibration by itself or with --quiet", "leave out --epochs"),
        ("--calibration --again 1", "--calibration, --again", "--calibration by itself or with --quiet", "leave out --again"),
        ("--bits 4 --again 1 --epochs 3", "--bits, --epochs", "--bits without --epochs", "leave out --epochs"),
    ],
)
def test_options_that_would_change_nothing_are_refused(given: str, got: str, expected: str, do: str, tmp_path: Path) -> None:
    command, plan = neighbour("recorded_command"), source("mnist_lif", "train.py").PLAN
    with pytest.raises(UsageError) as refused:
        command.run(None, plan, tmp_path / "mnist_lif", given.split())
    assert str(refused.value) == (
        f"{given.split(maxsplit=1)[0]} has no use for other options that are given\n  where:    mnist_lif\n  got:      {got}\n"
        f"  expected: {expected}\n  do:       {do}"
    )


@pytest.mark.parametrize(
    ("out", "text"), [("w.pt", "this is no name for weights"), ("/dev/null/w.safetensors", "the file cannot be written")]
)
def test_a_file_that_cannot_be_written_is_said_before_anything_is_read(out: str, text: str, tmp_path: Path) -> None:
    command, plan = neighbour("recorded_command"), source("mnist_lif", "train.py").PLAN
    with pytest.raises(UsageError, match=text):
        command.run(None, plan, tmp_path / "mnist_lif", ["--out", out])


def test_a_file_that_is_not_there_or_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "real" / "mnist_part.npz"
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(DataError) as missing:
        source("mnist_lif").test_data()
    assert str(missing.value) == (
        f"the recorded data are not here\n  where:    {path}\n  got:      no such file\n"
        "  expected: an .npz with x_test uint8 [N, 28, 28] and y_test [N]\n"
        f"  do:       set {VARIABLE} to the folder that holds real/mnist_part.npz"
    )
    written(tmp_path, x_test=np.zeros((2, 28, 27), np.uint8), y_test=np.zeros(2, np.uint8))
    with pytest.raises(DataError) as other:
        source("mnist_lif").test_data()
    assert str(other.value) == (
        f"the recorded data cannot be read\n  where:    {path}\n  got:      samples uint8 [2, 28, 27], labels [2]\n"
        "  expected: an .npz with x_test uint8 [N, 28, 28] and y_test [N]\n  do:       copy the file again"
    )
    for damaged in (b"PK", path.read_bytes()[:200]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="the recorded data cannot be read"):
            source("mnist_lif").test_data()


def test_a_training_at_fewer_steps_comes_first(training: ModuleType) -> None:
    """Its weights are where the other begins: more epochs, and another end."""
    images, labels, said = torch.rand(32, 1, 6, 6), torch.arange(32) % 4, list[str]()
    made = plan(training)
    short = dataclasses.replace(made, short=(1, dataclasses.replace(made.floats, epochs=2)))
    one, other = (training.train(p, images, labels, 3, said.append).state_dict().values() for p in (made, short))
    assert [line.split("  loss")[0] for line in said] == ["epoch   1", "epoch   1", "epoch   2", "epoch   1", "epoch   1"]
    assert not all(map(torch.equal, one, other))


def test_images_are_bent_a_little_and_stay_in_their_range(training: ModuleType) -> None:
    images = torch.zeros(50, 1, 28, 28)
    images[:, 0, 10:18, 12:16] = 1.0
    with train.seeded(0):
        moved = training.bent(images)
    assert moved.shape == images.shape
    assert float(moved.min()) >= 0.0
    assert float(moved.max()) <= 1.0
    assert float((moved != images).flatten(1).any(1).float().mean()) == 1.0
    rows = torch.arange(28.0)
    centre = (moved[:, 0].sum(2) * rows).sum(1) / moved.sum((1, 2, 3))
    assert float((centre - 13.5).abs().max()) < 4.0
    assert float((moved.sum((1, 2, 3)) / 32).log().abs().max()) < 0.6


def plan(training: ModuleType, weight_bits: int = 3) -> Any:
    recipe = train.Recipe(epochs=1, batch=16, learning_rate=5e-3)
    options = snn2hw.Options(state_bits=8, weight_bits=weight_bits, scales="layer")

    def build() -> torch.nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.LIF(), nn.Linear(8, 4))

    return training.Plan(build, 3, options, recipe, dataclasses.replace(recipe, augment=training.bent), 0.1)


def test_a_training_depends_on_its_seed_only(training: ModuleType) -> None:
    images, labels = torch.rand(32, 1, 6, 6), torch.arange(32) % 4
    said: list[str] = []
    one, same, other = (
        training.train(plan(training), images, labels, seed, said.append).state_dict().values() for seed in (3, 3, 4)
    )
    assert all(map(torch.equal, one, same))
    assert not all(map(torch.equal, one, other))
    assert len(said) == 6
    assert said[0].startswith("epoch   1  loss ")


def test_events_are_what_costs(training: ModuleType) -> None:
    """With the same seed, a weight on what is fired leaves less of it."""
    images, labels = torch.rand(64, 1, 6, 6), torch.arange(64) % 4
    rates = []
    for quiet in (0.0, 5.0):
        made = dataclasses.replace(plan(training), quiet=quiet)
        made = dataclasses.replace(made, floats=dataclasses.replace(made.floats, epochs=5))
        model = training.train(made, images, labels, 0, lambda text: None)
        with nn.observe(model) as seen:
            model(nn.repeat(images, 3))
        rates.append(float(seen["2"].rate.mean()))
    assert rates[1] < 0.8 * rates[0]


def test_command_trains_and_says_what_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (600, 28, 28), np.uint8), np.arange(600, dtype=np.uint8) % 10
    written(tmp_path, x_train=images, y_train=labels, x_test=images[:40], y_test=labels[:40])
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    out = tmp_path / "w.safetensors"
    arguments = ["train.py", "--out", str(out), "--epochs", "1", "--again", "1", "--hold-out", "50"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert source("mnist_lif", "train.py").main() == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[-2:]] == ["seed 0", "held out"]
    assert "of 50; spikes per neuron and step: layer 2 " in said[-1]
    assert find_model("mnist_lif", str(out), sampled=False).steps == source("mnist_lif").STEPS
    monkeypatch.setattr(sys, "argv", [*arguments[:-1], "400"])
    assert source("mnist_lif", "train.py").main() == 2
    assert capsys.readouterr().err == (
        "too few samples are left to train on\n  where:    --hold-out\n  got:      400\n  expected: 0 to 344\n"
        "  do:       hold out fewer\n"
    )


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")  # silent neurons, membranes at the lower bound
@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in LATER)])
def test_stored_weights_reach_the_accuracy_on_their_card(name: str) -> None:
    shared_data(FILES[name])
    model, found = source(name), find_model(name)
    assert (models_folder() / name / "weights.safetensors").stat().st_size < 2_000_000
    tests, labels = model.test_data()
    layout = None if found.steps else "TN"
    card = (models_folder() / name / "card.md").read_text(encoding="utf-8")
    floats = train.evaluate(found.module, (tests, labels), found.steps, layout=layout)
    assert f"| test accuracy (float model, stored weights) | {floats:.4f} |" in card
    artefact = snn2hw.compile(found.module, found.sample, found.steps, options=model.OPTIONS, layout=layout)
    predicted = snn2hw.simulate(artefact, tests, "torch", traces=False).predictions
    integers = float((predicted == labels.numpy()).mean())
    assert f"| test accuracy (integers) | {integers:.4f} |" in card
    assert integers >= FEWEST[name]
    limit = 2 ** (model.OPTIONS.weight_bits - 1) - 1
    weights = [n.weight for n in artefact.network.nodes if isinstance(n, snn2hw.layers.IntSynapse)]
    assert {int(np.abs(w).max()) <= limit for w in weights} == {True}
    assert f"{sum(prod(w.shape) for w in weights):,} weights" in card
