"""What deep models are chosen on: training samples that are held back, and never the test split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from snn2hw import train
from snn2hw.data import task
from snn2hw.errors import UsageError
from tests.models.deep import source
from tests.models.test_deep_command import published, run
from tests.models.test_recorded import neighbour

pytestmark = pytest.mark.torch

DIGITS = ("--data", "digits-events", "--width", "0.0625", "--device", "cpu")


def parts(name: str, root: Path, most: int | None = None, hold: bool = True, size: int = 16) -> Any:
    deep_data = neighbour("deep_data")
    steps = 10 if deep_data.SETS[name].temporal else 4
    return deep_data.parts(name, root, deep_data.How(steps, size), most, hold)


def test_what_is_held_back_is_of_the_training_split_and_not_trained_on() -> None:
    made, whole, test = parts("digits-events", Path()), task("digits-events", "train"), task("digits-events", "test")
    assert len(made.training) + len(made.validation) == len(whole.labels)
    assert len(made.tests) == len(test.labels)
    assert sorted(made.training.places + made.validation.places) == list(range(len(whole.labels)))
    place = made.validation.places[3]
    assert torch.equal(made.validation[3][0], whole.samples[place])
    assert made.validation[3][1] == int(whole.labels[place])


def test_images_that_are_held_back_are_cut_out_the_same_every_time(tmp_path: Path) -> None:
    made = parts("imagenet", published("lnm_sew_resnet34", tmp_path), size=32)
    assert len(made.validation) == 2
    assert torch.equal(made.validation[0][0], made.validation[0][0])
    assert not torch.equal(made.training[0][0], made.training[0][0])
    assert torch.equal(made.still[0][0], made.still[0][0])
    assert made.still.places == made.training.places


@pytest.mark.filterwarnings("ignore:an image is passed over")
def test_a_damaged_image_is_not_replaced_by_one_of_another_part(tmp_path: Path) -> None:
    """Of each image in turn: what is trained on, calibrated on, and held back have no image in common."""
    root, deep_data = published("lnm_sew_resnet34", tmp_path), neighbour("deep_data")
    images = sorted((root / "train").glob("*/*.JPEG"))
    how = deep_data.How(4, 32, skip=True)
    leaked = []
    for damaged in images:
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:100])
        made = deep_data.parts("imagenet", root, how, None, True)
        kept, held = ({x.numpy().tobytes() for x, _ in samples} for samples in (made.still, made.validation))
        leaked += [damaged.name] if kept & held else []
        damaged.write_bytes(whole)
    assert len(images) > 8
    assert leaked == []


@pytest.mark.parametrize("held", [True, False])
def test_a_training_is_given_samples_that_are_held_back_unless_there_shall_be_none(
    held: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def fit(model: torch.nn.Module, data: Any, validation: Any, **_: object) -> None:
        given.extend((data, validation))
        raise UsageError("this is far enough")

    monkeypatch.setattr(train, "fit", fit)
    arguments = (*DIGITS, "--samples", "200", "--out", str(tmp_path), *(() if held else ("--no-validation",)))
    assert run("lnm_vgg_dvs", monkeypatch, *arguments) == 2
    training, validation = given
    trained = task("digits-events", "train").samples
    if not held:
        assert (len(training), validation) == (200, None)
        return
    assert len(training) + len(validation) == 200
    assert not set(training.places) & set(validation.places)
    assert all(bool((trained == sample).flatten(1).all(1).any()) for sample, _ in (validation[k] for k in range(len(validation))))


@pytest.mark.filterwarnings("ignore::snn2hw.errors.Snn2hwWarning")  # so short a training leaves layers silent
@pytest.mark.parametrize(("more", "file"), [((), "best.safetensors"), (("--no-validation",), "last.safetensors")])
def test_what_is_measured_are_the_weights_of_the_file_that_is_named(
    more: tuple[str, ...], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[dict[str, torch.Tensor]] = []

    def evaluate(model: torch.nn.Module, *_: object, **__: object) -> float:
        measured.append({k: v.clone() for k, v in model.state_dict().items()})
        return 0.5

    class Falling(train.history.Epoch):
        """An epoch that is worse than those before it."""

        def score(self) -> float:
            return -float(self.number)

    monkeypatch.setattr(train.run, "Epoch", Falling)
    monkeypatch.setattr(train, "evaluate", evaluate)
    assert run("lnm_vgg_dvs", monkeypatch, *DIGITS, "--samples", "30", "--epochs", "2", "--out", str(tmp_path), *more) == 0
    stored = load_file(tmp_path / file)
    assert all(torch.equal(measured[0][k], v) for k, v in stored.items())
    number = 1 if file == "best.safetensors" else 2
    assert f"weights: {tmp_path / file}, of epoch {number}\n" in capsys.readouterr().out
    assert (tmp_path / "best.safetensors").exists() is (not more)


def test_too_few_samples_to_hold_some_back_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source("lnm_vgg_dvs")
    assert run("lnm_vgg_dvs", monkeypatch, *DIGITS, "--samples", "1") == 2
    assert capsys.readouterr().err.splitlines() == [
        "there are too few training samples to hold some of them back",
        "  where:    data set 'digits-events'",
        "  got:      1 samples of 1 classes",
        "  expected: 2 samples of a class or more",
        "  do:       take more samples, or give --no-validation to hold back none",
    ]
