"""A training that is killed and resumed ends where it would have ended, bit for bit; what cannot be resumed says why."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, random_split

from snn2hw import nn, train
from snn2hw.errors import CheckpointError, Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.train import checkpoint
from tests.clean_environment import ROOT
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

BATCHES = 4  # of an epoch of small.RECIPE
QUIET = train.Recipe(epochs=2, batch=16, drop_last=True)


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def records(fitted: train.Fitted) -> list[train.Epoch]:
    return [dataclasses.replace(e, seconds=0.0) for e in fitted.history]


@pytest.fixture(scope="module")
def uninterrupted() -> train.Fitted:
    return small.fitted(None)


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch_and_resumed(tmp_path: Path, uninterrupted: train.Fitted) -> None:
    """Two workers with noise of their own, an augmentation and dropout; killed in the second batch of the second epoch."""
    lines = (f"import torch; torch.set_num_threads({torch.get_num_threads()})", "import pathlib", "from tests.train import small",
             f"small.fitted(pathlib.Path({str(tmp_path)!r}))")  # fmt: skip
    environment = {**os.environ, small.KILL_AT: str(BATCHES + 2), "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    _, facts = checkpoint.read(tmp_path / checkpoint.FILE)
    assert [e["number"] for e in facts["history"]] == [1]
    resumed = small.fitted(tmp_path, resume=True)
    assert same(resumed.model, uninterrupted.model)
    assert records(resumed) == records(uninterrupted)
    again = small.fitted(tmp_path)  # all epochs are done: nothing is trained
    assert same(again.model, uninterrupted.model)
    assert again.history == resumed.history


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_interrupted_after_any_epoch_and_resumed(optimiser: str, tmp_path: Path) -> None:
    recipe = train.Recipe(epochs=3, batch=16, optimiser=optimiser, drop_last=True)

    def run(out: Path | None, stop: int = 0) -> train.Fitted:
        def at(epoch: train.Epoch) -> None:
            if epoch.number == stop:
                raise KeyboardInterrupt

        return train.fit(small.model(), small.data(), steps=2, recipe=recipe, out=out, progress=False, on_epoch=at)

    whole = run(None)
    for stop in (1, 2):
        out = tmp_path / str(stop)
        with pytest.raises(KeyboardInterrupt) as caught:
            run(out, stop)
        assert str(caught.value) == f"stopped after {stop} of 3 epochs, which are in {out}; the same call goes on from there"
        assert len((out / "history.jsonl").read_text().splitlines()) == stop
        resumed = run(out)
        assert same(resumed.model, whole.model)
        assert records(resumed) == records(whole)


@pytest.mark.parametrize("own", [False, True])
def test_interrupted_with_a_loader_and_resumed(own: bool, tmp_path: Path) -> None:
    """Its order is shuffled by torch's generator, or by one of its own: each starts in every epoch from (seed, epoch)."""

    def run(out: Path | None, stop: int = 0) -> train.Fitted:
        def at(epoch: train.Epoch) -> None:
            if epoch.number == stop:
                raise KeyboardInterrupt

        generator = torch.Generator() if own else None
        loader = DataLoader(TensorDataset(*small.data()), batch_size=16, shuffle=True, generator=generator)
        recipe = train.Recipe(epochs=3)
        return train.fit(small.model(), loader, steps=2, recipe=recipe, out=out, progress=False, on_epoch=at)

    whole = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 1)
    resumed = run(tmp_path)
    assert same(resumed.model, whole.model)
    assert records(resumed) == records(whole)


def test_interrupted_without_anything_kept(tmp_path: Path) -> None:
    def stop(x: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    recipe = train.Recipe(epochs=2, augment=stop)
    for out, text in ((None, "stopped after 0 of 2 epochs; nothing is kept, for no folder was given (out)"),
                      (tmp_path, "stopped before the first of 2 epochs was done; nothing is kept")):  # fmt: skip
        with pytest.raises(KeyboardInterrupt) as caught:
            train.fit(small.model(), small.data(), steps=2, recipe=recipe, out=out, progress=False)
        assert str(caught.value) == text


def test_what_is_written(tmp_path: Path) -> None:
    fitted = train.fit(small.model(), small.data(), small.data(30, 1), steps=2, recipe=QUIET, out=tmp_path, progress=False)
    assert {p.name for p in tmp_path.iterdir()} == {
        "checkpoint.safetensors", "history.jsonl", "last.safetensors", "best.safetensors"}  # fmt: skip
    last = small.model(1)
    last.load_state_dict(load_file(tmp_path / "last.safetensors"))
    assert same(last, fitted.model)
    written = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert written == [dataclasses.asdict(e) for e in fitted.history]
    best = small.model(1)
    best.load_state_dict(load_file(tmp_path / "best.safetensors"))
    assert train.evaluate(best, small.data(30, 1), 2) == fitted.best.validation


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("done")
    go_on(out)
    return out


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done, tmp_path / "out")
    return tmp_path / "out"


def go_on(out: Path | None, model: torch.nn.Module | None = None, n: int = small.N, **given: Any) -> train.Fitted:
    arguments: dict[str, Any] = {"steps": 2, "recipe": QUIET, "progress": False, **given}
    return train.fit(model or small.model(), small.data(n), out=out, **arguments)


@pytest.mark.parametrize(
    ("given", "got", "expected"),
    [
        ({"recipe": dataclasses.replace(QUIET, clip=0.5, epochs=3)}, "epochs 2, clip 1.0", "epochs 3, clip 0.5"),
        ({"seed": 1}, "seed 0", "seed 1"),
        ({"n": 65}, "samples 60, batches 3", "samples 65, batches 4"),
        ({"steps": 3}, "steps 2", "steps 3"),
        (
            {"recipe": dataclasses.replace(QUIET, augment=small.shifted)},
            "augment None",
            "augment <function shifted>",
        ),
    ],
)  # fmt: skip
def test_another_training_is_refused(given: dict[str, Any], got: str, expected: str, folder: Path) -> None:
    with refused(
        CheckpointError,
        f"""
        the checkpoint is of another training
          where:    {folder / "checkpoint.safetensors"}
          got:      {got}
          expected: {expected}
          do:       pass what it was begun with, or pass resume=False to start afresh over it, or another out
        """,
    ):
        go_on(folder, **given)


class Unlabelled(Dataset[Any]):
    """Samples of which nothing is known before they are read."""

    def __init__(self, seed: int) -> None:
        self.pairs = small.data(seed=seed)

    def __len__(self) -> int:
        return small.N

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.pairs[0][index], int(self.pairs[1][index])


class Labelled(Unlabelled):
    """Samples whose labels are known, under a name that Datasets have for them."""

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(seed)
        setattr(self, name, self.pairs[1] if name == "labels" else self.pairs[1].tolist())


def halves(seed: int) -> Subset[Any]:
    return random_split(Unlabelled(0), [30, 30], torch.Generator().manual_seed(seed))[0]


def one_sample_changed(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, labels = small.data()
    x[17, 0, 0, 0] += seed
    return x, labels


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (one_sample_changed, "data"),
        (lambda seed: DataLoader(TensorDataset(*small.data(seed=seed)), 16), "data"),
        (lambda seed: Labelled(seed, "labels"), "data"),
        (lambda seed: DataLoader(Labelled(seed, "targets"), 16), "data"),
        (halves, "data"),
        (halves, "validation"),
    ],
)
def test_other_data_of_the_same_size_are_refused(made: Callable[[int], Any], part: str, tmp_path: Path) -> None:
    def go(seed: int) -> train.Fitted:
        data = (made(seed),) if part == "data" else (small.data(), made(seed))
        return train.fit(small.model(), *data, steps=2, recipe=QUIET, out=tmp_path, progress=False)

    first = go(0)
    assert go(0).history == first.history
    _, facts = checkpoint.read(tmp_path / checkpoint.FILE)
    held = facts["checksums"][part]
    with pytest.raises(CheckpointError) as caught:
        go(1)
    other = str(caught.value.expected).removeprefix(f"{part} with checksum ")
    assert len(other) == 12
    assert not held.startswith(other)
    assert str(caught.value) == (
        "the checkpoint is of a training on other data\n"
        f"  where:    {tmp_path / checkpoint.FILE}\n"
        f"  got:      {part} with checksum {held[:12]}\n"
        f"  expected: {part} with checksum {other}\n"
        "  do:       pass the same samples in the same order, divided with the same seed, or pass resume=False to start afresh "
        "over it, or another out"
    )


def test_data_of_which_nothing_is_known_are_taken_as_the_same(tmp_path: Path) -> None:
    for seed in (0, 1):
        fitted = train.fit(small.model(), Unlabelled(seed), steps=2, recipe=QUIET, out=tmp_path, progress=False)
        assert len(fitted.history) == 2
    _, facts = checkpoint.read(tmp_path / checkpoint.FILE)
    assert facts["checksums"] == {"data": None}


def test_a_checkpoint_of_before_has_no_checksums_of_data(folder: Path) -> None:
    tensors, facts = checkpoint.read(folder / checkpoint.FILE)
    del facts["checksums"]
    (folder / checkpoint.FILE).write_bytes(checkpoint.content(tensors, facts))
    assert len(go_on(folder).history) == 2


def test_another_model_is_refused_and_stays_as_it_was(folder: Path) -> None:
    other = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 16), nn.LIF(), nn.Linear(16, 3))
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with refused(
        CheckpointError,
        f"""
        the checkpoint is of another model
          where:    {folder / "checkpoint.safetensors"}
          got:      1.weight: [4] float32 in the file, [16, 32] float32 in the model; 1.bias: [4] float32 in the file, [16] float32 in the model; 2.decay: missing in the file, [1] float32 in the model; 3.weight: missing in the file, [3, 16] float32 in the model; and 13 more
          expected: the names, shapes and types of this model
          do:       build the model that was trained, or pass resume=False to start afresh over it, or another out
        """,  # noqa: E501
    ):
        go_on(folder, other)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def cut(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:-9])
    return "; there are "


def cut_in_the_header(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:100])
    return "its header is cut off"


def empty(path: Path) -> str:
    path.write_bytes(b"")
    return "its header is cut off"


def foreign(path: Path) -> str:
    save_file(small.model().state_dict(), path)
    return "no metadata 'snn2hw.train'"


def later(path: Path) -> str:
    save_file({}, path, {checkpoint.KEY: '{"format": 3}'})
    return "format 3"


def former(path: Path) -> str:
    save_file({}, path, {checkpoint.KEY: '{"format": 1}'})
    return "format 1"


def nothing(path: Path) -> str:
    path.unlink()
    return "No such file"


@pytest.mark.parametrize("damage", [cut, cut_in_the_header, empty, foreign, later, former, nothing])
def test_a_damaged_or_foreign_file_is_refused(damage: Callable[[Path], str], folder: Path) -> None:
    path = folder / checkpoint.FILE
    reason = damage(path)
    with pytest.raises(CheckpointError) as caught:
        go_on(folder, resume=True)
    assert caught.value.what == "this is no checkpoint that can be read"
    assert caught.value.where == str(path)
    assert reason in caught.value.got
    assert caught.value.expected == "a safetensors file as snn2hw.train writes it, format 2"
    assert caught.value.do == "pass resume=False to start afresh over it, or another out"
    go_on(folder, resume=False)
    assert len(checkpoint.read(path)[1]["history"]) == 2


def test_starting_afresh_leaves_nothing_of_the_training_before(folder: Path) -> None:
    (folder / "best.safetensors").write_bytes(b"of another training")
    go_on(folder, resume=False)
    assert not (folder / "best.safetensors").exists()


def test_other_threads_are_said(folder: Path) -> None:
    path, now = folder / checkpoint.FILE, torch.get_num_threads()
    tensors, facts = checkpoint.read(path)
    facts["machine"]["threads"] = now + 1
    path.write_bytes(checkpoint.content(tensors, facts))
    with pytest.warns(Snn2hwWarning) as warned:
        go_on(folder)
    assert str(warned[0].message) == (
        f"this training is resumed, but not bit for bit\n  where:    {path}\n  got:      threads {now}\n"
        f"  expected: threads {now + 1}\n  do:       resume where it was begun, or take the difference in the last bits"
    )


def test_resume_needs_a_folder(tmp_path: Path) -> None:
    with refused(
        UsageError,
        """
        there is nothing to resume
          where:    fit
          got:      resume=True, out=None
          expected: the folder of the training to go on with
          do:       pass out
        """,
    ):
        go_on(None, resume=True)
    (tmp_path / "file").write_text("")
    with refused(
        UsageError,
        f"""
        the output folder cannot be made
          where:    {tmp_path / "file"}
          got:      File exists
          do:       choose a folder you can write to
        """,
    ):
        go_on(tmp_path / "file")
    with refused(
        UsageError,
        """
        unknown resume
          where:    fit
          got:      'yes'
          expected: 'auto', True or False
          do:       pass resume as one of these
        """,
    ):
        go_on(tmp_path, resume="yes")


def test_a_state_that_is_no_tensor_is_refused(tmp_path: Path) -> None:
    class Odd(torch.nn.Linear):
        def get_extra_state(self) -> str:
            return "text"

        def set_extra_state(self, state: Any) -> None: ...

    model = torch.nn.Sequential(nn.Flatten(), Odd(32, 3))
    with pytest.raises(Snn2hwError, match="the model's state holds something else than tensors"):
        go_on(tmp_path, model)
