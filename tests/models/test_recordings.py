"""Models of events, speech and motion: how samples are varied, what is trained first, and what is stored of any network."""

from __future__ import annotations

import dataclasses
import re
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from snn2hw import nn, train
from snn2hw.errors import CheckpointError, DataError
from snn2hw.user_models import find_model, models_folder
from tests.models.test_recorded import neighbour, plan, source, written
from tests.shared_data import VARIABLE, shared_data

pytestmark = pytest.mark.torch


@pytest.fixture
def training() -> ModuleType:
    return neighbour("recorded_training")


def jpeg(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    fromarray, file = pytest.importorskip("PIL.Image").fromarray, BytesIO()
    fromarray(pixels).save(file, "JPEG", quality=100, subsampling=0)
    return np.frombuffer(file.getvalue(), np.uint8)


def test_images_of_jpeg_files_are_read_as_the_files_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shades = np.array([[250, 20, 30], [0, 128, 255]], np.uint8)
    files = [jpeg(np.broadcast_to(shade, (32, 32, 3)).copy()) for shade in shades]
    ends, path = np.cumsum([0, *map(len, files)]), tmp_path / "real" / "cifar10_jpeg.npz"
    path.parent.mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    stored = {"jpeg_test": np.concatenate(files), "offsets_test": ends, "y_test": np.array([6, 9], np.uint8)}
    np.savez(path, **stored)
    images, labels = source("cifar_small").test_data()
    assert images.shape == (2, 3, 32, 32)
    assert float((images - torch.from_numpy(shades / 255)[:, :, None, None]).abs().max()) < 3 / 255
    assert torch.equal((images * 255).round() / 255, images)
    assert labels.tolist() == [6, 9]
    for wrong in ({"y_test": stored["y_test"][:1]}, {"offsets_test": ends // 2}, {"jpeg_test": stored["jpeg_test"][:-400]}):
        np.savez(path, **(stored | wrong))
        with pytest.raises(DataError, match=re.escape("image i is offsets_test[i] to [i + 1]")):
            source("cifar_small").test_data()


def test_spectra_are_varied_a_little_and_silence_stays(training: ModuleType) -> None:
    train_py, spectra = source("fsdd_recurrent", "train.py"), torch.zeros(40, 64, 32)
    spectra[8:24, :, 10:14] = 0.5
    with train.seeded(0):
        varied = train_py.varied(spectra)
    assert varied.shape == spectra.shape
    assert bool((varied == 0).flatten(1).any(1).all())
    sounding = varied > 0
    assert float(varied[sounding].min()) > 0.5 * 0.9 - 0.09
    assert float(varied[sounding].max()) < 0.5 * 1.1 + 0.09
    assert not sounding[:, :, :9].any()
    assert not sounding[:, :, 15:].any()
    lasting = sounding.any(2).sum(0)
    assert 13 <= int(lasting.min()) < 16 < int(lasting.max()) <= 19
    assert not torch.equal(varied[:, 0], varied[:, 1])


def test_motion_is_turned_and_scaled_around_its_middle(training: ModuleType) -> None:
    train_py, still = source("watch_custom", "train.py"), torch.full((100, 64, 6), 0.5)
    moving = still.clone()
    moving[:, :, :3] += torch.tensor([0.1, -0.05, 0.2])
    with train.seeded(0):
        assert torch.allclose(train_py.varied(still), still)
        varied = train_py.varied(moving) - 0.5
    assert torch.equal(varied[:, :, 3:], torch.zeros(100, 64, 3))
    length = varied.norm(dim=2)[0] / (moving - 0.5).norm(dim=2)[0]
    assert 0.75 < float(length.min()) < 0.95
    assert 1.05 < float(length.max()) < 1.3
    assert torch.equal(varied[0], varied[99])  # one turn for a window


def test_what_the_watch_is_divided_by_is_what_few_samples_exceed() -> None:
    recorded = neighbour("recorded")
    shared_data(recorded.WATCH)
    series, _ = recorded.watch("train")
    ranked = series.abs().flatten(0, 1).sort(dim=0).values
    assert tuple(round(x, 1) for x in ranked[int(0.995 * len(ranked))].tolist()) == recorded.WATCH_SPAN


def test_what_is_held_out_of_the_watch_are_its_last_seven_recordings() -> None:
    """Windows of 100 samples follow each other every 50: those of one recording share half with the next one."""
    shared_data("real/watch.npz")
    model = source("watch_custom")
    series, labels = (part.narrow(axis, -model.LAST - 1, model.LAST + 1) for part, axis in zip(whole(model), (1, 0), strict=True))
    begins = [k for k in range(1, model.LAST + 1) if not torch.equal(series[50:, k - 1], series[:50, k])]
    assert begins[0] == 1
    assert labels[begins].tolist() == [5, 2, 4, 5, 4, 5, 2]
    card = (models_folder() / "watch_custom" / "card.md").read_text(encoding="utf-8")
    assert "of exercises 5, 2, 4,\n5, 4, 5 and 2" in card
    ours = model.train_data()
    assert torch.equal(ours[1][-model.LAST :], labels[1:])


def whole(model: Any) -> Any:
    """The training split of the watch in the order of its file."""
    return model.recorded.watch("train")


def test_recordings_are_bent_alike_in_all_frames_and_stay_events(training: ModuleType) -> None:
    train_py, frames = source("nmnist_cf", "train.py"), torch.zeros(10, 20, 2, 34, 34)
    frames[:, :, 0, 12:20, 14:18] = 1.0
    with train.seeded(0):
        bent = train_py.bent(frames)
    assert bent.shape == frames.shape
    assert set(bent.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(bent[0], bent[9])
    assert not torch.equal(bent[:, 0], bent[:, 1])
    assert not bent[:, :, 1].any()


def test_a_simpler_model_comes_first(training: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it ends the other begins."""
    images, labels = torch.rand(32, 1, 6, 6), torch.arange(32) % 4
    made, ran = plan(training), list[tuple[int, dict[str, torch.Tensor], dict[str, torch.Tensor]]]()
    fit = training._fit

    def watched(model: torch.nn.Module, given: Any, recipe: train.Recipe, *data: Any) -> None:
        before = {k: v.clone() for k, v in model.state_dict().items()}
        fit(model, given, recipe, *data)
        ran.append((recipe.epochs, before, {k: v.clone() for k, v in model.state_dict().items()}))

    monkeypatch.setattr(training, "_fit", watched)
    simpler = dataclasses.replace(made, simpler=(made.build, dataclasses.replace(made.floats, epochs=3)))
    training.train(simpler, images, labels, 3, lambda text: None)
    (first, started, ended), (then, begun, _), _ = ran
    assert (first, then) == (3, 1)
    assert not torch.equal(started["1.weight"], ended["1.weight"])
    assert begun.keys() == ended.keys()
    assert all(torch.equal(begun[k], ended[k]) for k in begun)


def test_a_layer_begins_with_all_that_it_has_or_with_nothing(training: ModuleType) -> None:
    """A layer that the simpler model has not stays as it was built, and other names are refused."""
    begin_with = neighbour("beginnings").begin_with
    simpler, model = nn.Sequential(nn.Linear(4, 3)), nn.Sequential(nn.Linear(4, 3), nn.LIF(), nn.Linear(3, 2))
    own = model[2].weight.clone()
    begin_with(model, simpler)
    assert torch.equal(model[0].weight, simpler[0].weight)
    assert torch.equal(model[2].weight, own)
    for wrong, got in (
        (nn.Sequential(*[nn.Flatten()] * 3, nn.Linear(4, 3)), "it has no place for '3.weight', '3.bias'"),
        (nn.Sequential(nn.Linear(4, 3, bias=False)), "it does not get '0.bias'"),
        (nn.Sequential(nn.Linear(5, 3)), "it gets '0.weight' as [3, 5] for [3, 4]"),
        (nn.Sequential(nn.Linear(4, 2)), "it gets '0.weight' as [2, 4] for [3, 4], '0.bias' as [2] for [3]"),
        (nn.Sequential(nn.Linear(5, 3, bias=False)), "it does not get '0.bias'; it gets '0.weight' as [3, 5] for [3, 4]"),
    ):
        with pytest.raises(CheckpointError) as refused:
            begin_with(model, wrong)
        assert str(refused.value) == (
            "the model cannot begin with the weights of the simpler one\n  where:    Sequential\n"
            f"  got:      {got}\n  expected: the same names and shapes in both, but for layers that the simpler one has not\n"
            "  do:       give the layers of both models the same names and sizes"
        )


def test_a_network_that_does_not_hear_itself_has_the_names_of_one_that_does() -> None:
    model = source("fsdd_recurrent")
    hearing, deaf = model.build(), model.build(recurrent=False)
    hearing.load_state_dict(deaf.state_dict(), strict=False)
    assert hearing.state_dict().keys() - deaf.state_dict().keys() == {"5.synapse.weight", "5.synapse.bias"}
    assert not deaf.state_dict().keys() - hearing.state_dict().keys()
    x = torch.rand(40, 2, 32)
    assert torch.allclose(hearing.eval()(x), deaf.eval()(x), atol=1e-5)


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
def test_stored_weights_are_measured_and_trained_on_in_other_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (300, 28, 28), np.uint8), np.arange(300, dtype=np.uint8) % 10
    written(tmp_path, x_train=images, y_train=labels, x_test=images[:40], y_test=labels[:40])
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    stored = models_folder() / "mnist_lif" / "weights.safetensors"
    before, out = stored.read_bytes(), tmp_path / "two.safetensors"
    monkeypatch.setattr(sys, "argv", ["train.py", "--bits", "2", "--again", "1"])
    assert source("mnist_lif", "train.py").main() == 0
    first, epoch, seconds, last = capsys.readouterr().out.splitlines()
    assert first.startswith("stored weights in 2 bits, test split: floats 0.")
    assert epoch.startswith("epoch   1 ")
    assert seconds.endswith("wrote nothing")
    assert last.startswith("test split: floats 0.")
    assert stored.read_bytes() == before
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--out", str(out), "--quiet"])
    assert source("mnist_lif", "train.py").main() == 0
    module = find_model("mnist_lif", str(out), sampled=False).module
    assert {len(weight.unique()) for weight in (module[1].weight, module[3].weight)} == {3}  # -1, 0 and 1, times a scale


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")
@pytest.mark.parametrize(
    ("arguments", "default", "measured"),
    [
        ((), 0, ["test split"]),
        ((), 40, ["test split", "held out"]),
        (("--hold-out", "40"), 0, ["held out"]),
        (("--hold-out", "40"), 30, ["held out"]),
        (("--hold-out", "0"), 40, ["test split"]),
    ],
)
def test_the_test_split_is_left_alone_where_samples_are_held_out_to_choose(
    arguments: tuple[str, ...], default: int, measured: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    images, labels = torch.rand(300, 1, 28, 28), torch.arange(300) % 10
    model, read = source("mnist_lif"), list[str]()
    monkeypatch.setattr(model, "train_data", lambda: (images, labels))
    monkeypatch.setattr(model, "test_data", lambda: read.append("test split") or (images[:40], labels[:40]))
    command, stored = neighbour("recorded_command"), source("mnist_lif", "train.py").PLAN
    command.run(model, stored, models_folder() / "mnist_lif", ["--bits", "2", "--again", "1", *arguments], default)
    said = [line.split(": floats")[0] for line in capsys.readouterr().out.splitlines() if ": floats" in line]
    assert said == [f"stored weights in 2 bits, {name}" for name in measured] + measured
    assert read == [name for name in measured if name == "test split"]


@pytest.mark.parametrize(("default", "both"), [(0, ""), (200, ", with which both are measured")])
def test_help_says_when_the_test_split_is_read(default: int, both: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, plan = neighbour("recorded_command"), source("mnist_lif", "train.py").PLAN
    with pytest.raises(SystemExit):
        command.run(source("mnist_lif"), plan, models_folder() / "mnist_lif", ["--help"], default)
    says = " ".join(capsys.readouterr().out.split())
    assert f"where this is given and not 0, the test split is not read (default {default}{both})" in says


def test_samples_that_scales_are_taken_of_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8)
    written(tmp_path, **{f"{k}_{s}": v for s in ("train", "test") for k, v in {"x": images, "y": images[:, 0, 0]}.items()})
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    plan = source("mnist_lif", "train.py").PLAN
    neighbour("recorded_command").run(source("mnist_lif"), plan, tmp_path, ["--calibration", "--quiet"])
    with np.load(tmp_path / "calibration.npz") as arrays:
        assert np.array_equal(arrays["samples"], images[:256, None].astype(np.float32) / 255)
