"""The training scripts of the deep models, on small sets in the published formats: killed, resumed, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from snn2hw import train
from snn2hw.cache import CACHE_VARIABLE
from snn2hw.errors import UsageError
from snn2hw.user_models import find_model, models_folder
from tests.clean_environment import ROOT
from tests.data.writers import NAMES, write_cifar10, write_dvs, write_image
from tests.models.deep import NAMES as MODELS
from tests.models.deep import source

pytestmark = pytest.mark.torch

Capture = pytest.CaptureFixture[str]
SMALL = {"lnm_sew_resnet34": "0.03", "cf_spike_driven": "0.03", "cf_spikformer": "0.0625"}
RATE = {
    "lnm_resnet18": "0.05",
    "cf_resnet19": "0.05",
    "lnm_sew_resnet34": "0.05",
    "lnm_vgg_dvs": "0.005",
    "cf_spike_driven": "0.005",
    "cf_spikformer": "0.005",
}


def run(name: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    code: int = source(name, "train.py").main()
    return code


def picture(label: int, seed: int) -> np.ndarray:
    """Bright where its class says, noise elsewhere."""
    pixels = np.random.default_rng(seed).integers(0, 60, (3, 32, 32))
    pixels[label % 3, 3 * label : 3 * label + 3] = 255
    return pixels


def published(name: str, root: Path) -> Path:
    """A set of the kind the model is trained on, in its published layout; what can be learned of it is plain to see."""
    if name == "lnm_vgg_dvs":
        write_dvs(root, each=10)
    elif name == "lnm_sew_resnet34":
        for split in ("train", "val"):
            for k, wnid in enumerate(("n01440764", "n01443537")):
                for n in range(6):
                    write_image(root / split / wnid / f"{wnid}_{n}.JPEG", seed=100 * k + (n if split == "train" else 10 + n))
    else:
        train, test = {}, {}
        for file in range(1, 6):
            train[f"data_batch_{file}.bin"] = {
                place: ((place // 500 % 10,), picture(place // 500 % 10, place)) for place in range(0, 10_000, 500)
            }
        test["test_batch.bin"] = {
            place: ((place // 500 % 10,), picture(place // 500 % 10, place)) for place in range(0, 10_000, 500)
        }
        write_cifar10(root, {**train, **test})
    return root


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_training_on_the_published_format_learns_and_is_resumed_without_a_bit_of_difference(name: str, tmp_path: Path) -> None:
    root = published(name, tmp_path / "data")
    samples = "12" if name == "lnm_sew_resnet34" else "100"
    common = ["--data", str(root), "--epochs", "4", "--samples", samples, "--batch", "12", "--width", SMALL.get(name, "0.0625")]
    common += ["--device", "cpu", "--learning-rate", RATE[name]]
    command = [sys.executable, str(models_folder() / name / "train.py"), *common, "--out"]
    settings = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", CACHE_VARIABLE: str(tmp_path / "cache")}
    environment = {**os.environ, **settings}
    subprocess.run([*command, str(tmp_path / "whole")], env=environment, check=True, capture_output=True)
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], env=environment, stdout=subprocess.DEVNULL)
    while not (tmp_path / "killed" / "checkpoint.safetensors").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() != 0
    assert len((tmp_path / "killed" / "history.jsonl").read_text().splitlines()) < 4
    subprocess.run([*command, str(tmp_path / "killed")], env=environment, check=True, capture_output=True)
    a, b = (load_file(tmp_path / run / "last.safetensors") for run in ("whole", "killed"))
    assert list(a) == list(b)
    assert all(bool((a[k] == b[k]).all()) for k in a)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "whole" / "history.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]


@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")  # so short a training leaves layers silent
@pytest.mark.parametrize(("given", "balance"), [((), 1e-2), (("--balance", "0"), 0.0)])
def test_integers_are_trained_with_the_balance_that_floats_were(
    given: tuple[str, ...], balance: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = list[train.Recipe]()
    fitting = train.fit

    def fit(model: torch.nn.Module, *arguments: Any, recipe: train.Recipe, **named: Any) -> Any:
        recipes.append(recipe)
        return fitting(model, *arguments, recipe=recipe, **named)

    monkeypatch.setattr(train, "fit", fit)
    small = ("--data", "digits-events", "--width", "0.0625", "--device", "cpu", "--samples", "30", "--epochs", "1")
    assert run("lnm_vgg_dvs", monkeypatch, *small, "--integers", "--finetune", "1", "--out", str(tmp_path), *given) == 0
    assert [r.balance for r in recipes] == [balance] * 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")  # so short a training leaves layers silent
def test_digits_are_trained_on_and_the_integers_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    out = tmp_path / "out"
    arguments = (
        "--data",
        "digits-events",
        "--samples",
        "40",
        "--epochs",
        "2",
        "--width",
        "0.0625",
        "--integers",
        "--finetune",
        "1",
    )
    assert run("lnm_vgg_dvs", monkeypatch, *arguments, "--out", str(out), "--device", "cpu") == 0
    printed = capsys.readouterr().out
    assert "lnm_vgg_dvs on digits-events: 30 samples, 10 held back" in printed
    for line in (
        f"weights: {out / 'best.safetensors'}, of epoch ",
        "float accuracy on the test split: ",
        "integer accuracy as compiled: ",
        "integer accuracy after 1 epochs",
    ):
        assert line in printed
    assert (out / "integers" / "model.onnx").is_file()
    assert (out / "trained_integers" / "model.onnx").is_file()


@pytest.mark.parametrize("name", MODELS)
def test_the_recipes_have_balance_and_learned_widths_that_can_be_left_out(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[tuple[bool, float]] = []

    def fit(model: torch.nn.Module, *_: object, recipe: train.Recipe, **__: object) -> None:
        begun.append((any(key.endswith("log_width") for key in model.state_dict()), recipe.balance))
        raise UsageError("this is far enough")

    monkeypatch.setattr(train, "fit", fit)
    plan = source(name, "train.py").PLAN
    (data, *_) = [s for s in plan.presets if s.startswith("digits")] or [str(published(name, tmp_path))]
    common = ["--data", data, "--width", SMALL.get(name, "0.03"), "--quiet", "--out", str(tmp_path / "out")]
    for more in ([], ["--surrogate-widths", "fixed"], ["--balance", "0"], ["--surrogate-widths", "fixed", "--balance", "0"]):
        assert run(name, monkeypatch, *common, *more) == 2
    assert begun == [(True, 0.01), (False, 0.01), (True, 0.0), (False, 0.0)]


def test_another_folder_is_refused_with_what_was_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "pictures").mkdir()
    assert run("cf_resnet19", monkeypatch, "--data", str(tmp_path)) == 2
    assert capsys.readouterr().err.splitlines() == [
        "CIFAR-10 in its binary version is not in this folder",
        f"  where:    {tmp_path}",
        "  got:      pictures/",
        "  expected: data_batch_1.bin, data_batch_2.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin, "
        "or a folder cifar-10-batches-bin with them",
        "  do:       unpack cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html here",
    ]
    for name, text in (
        ("lnm_sew_resnet34", "a set of images in class folders is not in this folder"),
        ("lnm_vgg_dvs", "CIFAR10-DVS is not in this folder"),
    ):
        assert run(name, monkeypatch, "--data", str(tmp_path)) == 2
        assert capsys.readouterr().err.startswith(text)


def test_samples_of_another_number_of_steps_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run("lnm_vgg_dvs", monkeypatch, "--data", "digits-events", "--steps", "4") == 2
    assert capsys.readouterr().err.splitlines() == [
        "the samples have another number of steps than the model",
        "  where:    data set 'digits-events'",
        "  got:      T = 10",
        "  expected: T = 4",
        "  do:       train with --steps 10, or bin the events into 4 frames",
    ]


def test_a_set_the_model_is_not_trained_on_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run("lnm_sew_resnet34", monkeypatch, "--data", "digits") == 2
    assert capsys.readouterr().err.splitlines() == [
        "the model is not trained on this data set",
        "  where:    --data",
        "  got:      digits",
        "  expected: a folder",
        "  do:       give the folder of imagenet",
    ]


def test_no_samples_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run("lnm_resnet18", monkeypatch, "--data", "digits", "--samples", "0") == 2
    assert "--samples" in capsys.readouterr().err


def test_a_model_without_its_data_compiles_on_samples_that_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    module = source("lnm_vgg_dvs").build()
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    found = find_model("lnm_vgg_dvs", str(tmp_path / "weights.safetensors"), sampled=False)
    assert (found.sample, found.steps) == (None, None)
    monkeypatch.setenv("SNN2HW_DATA", str(tmp_path / "dvs"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    write_dvs(tmp_path / "dvs", each=10)
    sampled = find_model("lnm_vgg_dvs", str(tmp_path / "weights.safetensors")).sample
    assert sampled is not None
    assert sampled.shape == (10, 90, 2, 48, 48)


def test_calibration_samples_are_spread_over_the_classes() -> None:
    source("lnm_resnet18")
    import deep_data

    digits: Any = deep_data.SETS["digits"].open(Path(), "train", deep_data.How(4, 32))
    x, labels = deep_data.with_largest(digits, 50)
    assert x.shape == (50, 1, 32, 32)
    assert float(x.min()) >= 0
    assert float(x.max()) <= 1
    assert len(labels.unique()) == len(NAMES[10])
    part = digits.part(deep_data.spread(digits, 7))
    assert len(part) == 7
    assert bool((part[3][0] == digits[part.places[3]][0]).all())


def test_the_largest_event_count_of_all_is_among_the_samples_that_ranges_are_taken_from() -> None:
    source("lnm_vgg_dvs")
    import deep_data

    events: Any = deep_data.SETS["digits-events"].open(Path(), "train", deep_data.How(10, 16))
    x = torch.stack([events[k][0] for k in deep_data.spread(events, 64)]).transpose(0, 1)
    wider, _ = deep_data.with_largest(events, 64)
    assert float(x.max()) < float(wider.max()) == float(events.samples.max())
    assert bool((x[:, :-1] == wider[:, :-1]).all())


def test_images_are_cut_out_at_random_for_training_and_the_same_every_time_for_scales(tmp_path: Path) -> None:
    source("lnm_sew_resnet34")
    import deep_data

    root, found = published("lnm_sew_resnet34", tmp_path), deep_data.SETS["imagenet"]
    moving, still = (found.open(root, "train", deep_data.How(4, 32, still=s)) for s in (False, True))
    assert not bool((moving[3][0] == moving[3][0]).all())
    assert bool((still[3][0] == still[3][0]).all())


def test_damaged_images_are_errors_or_passed_over_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """In the middle of an epoch, read by a worker; the message is that of a reading without one."""
    root = published("lnm_sew_resnet34", tmp_path / "data")
    damaged = sorted((root / "train").glob("*/*.JPEG"))[4]
    damaged.write_bytes(damaged.read_bytes()[:100])
    arguments = ("--data", str(root), "--size", "32", "--width", "0.03", "--epochs", "1", "--batch", "4", "--workers", "1")
    arguments += ("--device", "cpu", "--out", str(tmp_path / "out"), "--no-validation", "--quiet")
    assert run("lnm_sew_resnet34", monkeypatch, *arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["an image cannot be decoded", f"  where:    {damaged}"]
    assert len(said) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the worker's is its own; silent layers after one epoch
        assert run("lnm_sew_resnet34", monkeypatch, *arguments, "--skip-corrupt", "--samples", "12") == 0


def test_epochs_on_integers_that_are_not_asked_for_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run("lnm_resnet18", monkeypatch, "--data", "digits", "--finetune", "2") == 2
    assert capsys.readouterr().err.splitlines() == [
        "no training on integers was asked for",
        "  where:    --finetune",
        "  got:      --finetune 2 without --integers",
        "  expected: --finetune with --integers",
        "  do:       give --integers, too, or leave out --finetune",
    ]


def test_event_counts_beyond_those_of_the_training_are_its_largest(tmp_path: Path) -> None:
    """A test split with larger counts than the training's: the integer input does not hold them."""
    source("lnm_vgg_dvs")
    import deep_integers

    from snn2hw import nn
    from snn2hw.data import Samples

    class Counts(Samples):
        steps, classes, shape = 2, ("a", "b"), (2, 1, 4, 4)

        def __init__(self, most: int) -> None:
            self.labels = torch.arange(8) % 2
            self.counts = torch.randint(0, most + 1, (8, *self.shape), generator=torch.Generator().manual_seed(most)).float()

        def sample(self, index: int) -> torch.Tensor:
            return self.counts[index]

    few, many = Counts(3), Counts(9)
    torch.manual_seed(0)
    net = torch.nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.LIF(), nn.Linear(8, 2))
    settings = deep_integers.Settings(None, train.Recipe(epochs=1, batch=4), 0, tmp_path, "cpu")
    said = list[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # silent layers
        deep_integers.measure(net, few, many, few, settings, said.append)
    assert len(said) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("lnm_resnet18", ("--width", "0"), "--width is not positive"),
        ("lnm_resnet18", ("--width", "nan"), "--width is not finite"),
        ("lnm_resnet18", ("--set", "cifar100"), "two data sets are named"),
        ("lnm_resnet18", ("--size", "12"), "size is no multiple of 8"),
        ("lnm_vgg_dvs", ("--size", "12"), "the samples have one size"),
        ("lnm_resnet18", ("--skip-corrupt",), "there are no images that could be passed over"),
        ("lnm_resnet18", ("--integers", "--finetune", "0"), "epochs is out of range"),
        ("lnm_resnet18", ("--data", "digitss"), "there is neither a folder nor a data set of this name"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    name: str, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    digits = "digits" if name == "lnm_resnet18" else "digits-events"
    monkeypatch.setattr(train, "fit", lambda *_, **__: pytest.fail("it has begun"))
    assert run(name, monkeypatch, "--data", digits, *arguments) == 2
    assert capsys.readouterr().err.startswith(says)
