"""The three tasks of the digits scans: shapes, values, learnability, the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from torch.utils.data import DataLoader

from snn2hw.cache import CACHE_VARIABLE
from snn2hw.data import TASKS, Task, digits, saccades, task
from snn2hw.errors import UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch

SHAPES = {"digits": (1, 8, 8), "digits-sequential": (8, 8), "digits-events": (10, 2, 16, 16)}
STEPS = {"digits": None, "digits-sequential": 8, "digits-events": 10}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield folder


@pytest.mark.parametrize("name", SHAPES)
def test_task_says_what_it_holds(name: str) -> None:
    assert list(TASKS) == list(SHAPES)
    train, test = task(name, "train"), task(name, "test")
    for part, size in ((train, 1437), (test, 360)):
        assert part.samples.shape == (size, *SHAPES[name])
        assert (part.samples.dtype, part.labels.dtype) == (torch.float32, torch.int64)
        assert (len(part), part.shape, part.steps, part.static) == (size, SHAPES[name], STEPS[name], STEPS[name] is None)
        assert part.classes == tuple("0123456789")
    assert torch.equal(train.labels, digits.load("train")[1])


@pytest.mark.parametrize("name", SHAPES)
def test_task_is_a_data_set(name: str) -> None:
    part = task(name, "test")
    sample, label = part[-1]
    assert torch.equal(sample, part.samples[359])
    assert (type(label), label) == (int, int(part.labels[359]))
    with pytest.raises(IndexError):
        part[360]
    for workers in (0, 2):
        batches = list(DataLoader(part, batch_size=128, num_workers=workers))
        assert torch.equal(torch.cat([x for x, _ in batches]), part.samples)
        assert torch.equal(torch.cat([y for _, y in batches]), part.labels)


def test_sequence_is_the_rows_from_the_top() -> None:
    images, rows = task("digits", "test").samples, task("digits-sequential", "test").samples
    assert all(torch.equal(rows[:, t], images[:, 0, t]) for t in range(8))


def learned(train: Task, test: Task) -> float:
    """Test accuracy of a linear classifier of the flattened samples."""
    x, y = (part.samples.flatten(1).numpy() for part in (train, test))
    return float(RidgeClassifier(alpha=10.0).fit(x, train.labels.numpy()).score(y, test.labels.numpy()))


@pytest.mark.parametrize("name", SHAPES)
def test_a_linear_classifier_learns_it(name: str) -> None:
    reached = learned(task(name, "train"), task(name, "test"))
    print(f"{name}: test accuracy {reached:.4f}")
    assert reached > 0.9


def test_events_are_the_same_on_every_machine() -> None:
    counts = torch.cat([task("digits-events", split).samples for split in digits.SPLITS]).to(torch.uint8)
    per_scan = counts.long().sum((1, 2, 3, 4))
    print(f"events per scan: {int(per_scan.min())} to {int(per_scan.max())}, {float(per_scan.double().mean()):.0f} in the mean")
    print(f"cells with an event: {float((counts > 0).double().mean()):.1%}; most in one: {int(counts.max())}")
    assert int(counts.sum()) == COUNT
    assert hashlib.sha256(counts.numpy().tobytes()).hexdigest()[:16] == HASH


def test_frames_are_those_of_the_recorded_events() -> None:
    part = task("digits-events", "test")
    scans = np.rint(digits.load("test")[0][:4, 0].numpy() * digits.WHITE).astype(np.int64)
    for sample, events in zip(part.samples, saccades.record(scans), strict=False):
        by_hand = np.zeros((10, 2, 16, 16))
        np.add.at(by_hand, (events.t // 30_000, events.p, events.y, events.x), 1)
        assert np.array_equal(sample.numpy(), by_hand)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Forty scans and a cache of their own."""
    some = tuple(part[:40] for part in digits.load("test"))
    monkeypatch.setattr(digits, "load", lambda split: some)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_cache_is_read_and_rebuilt_where_it_is_damaged(few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, calls = task("digits-events", "test").samples, []
    record = saccades.record
    monkeypatch.setattr(saccades, "record", lambda scans: calls.append(1) or record(scans))
    assert torch.equal(task("digits-events", "test").samples, made)
    assert calls == []
    (path,) = (few / "data").iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[:-100], whole[:5000] + bytes([whole[5000] ^ 255]) + whole[5001:]):
        path.write_bytes(damaged)
        calls.clear()
        assert torch.equal(task("digits-events", "test").samples, made)
        assert calls == [1]
        assert path.read_bytes() == whole
    np.savez_compressed(path, array=np.zeros((40, 10, 2, 16, 15), np.uint8))
    assert torch.equal(task("digits-events", "test").samples, made)


@pytest.mark.usefixtures("few")
def test_other_constants_are_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    made = task("digits-events", "test").samples
    monkeypatch.setattr(saccades, "CONTRAST", 0.5)
    assert task("digits-events", "test").samples.sum() < 0.7 * made.sum()


@pytest.mark.usefixtures("few")
def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = task("digits-events", "test").samples
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert torch.equal(task("digits-events", "test").samples, made)


def test_unknown_task_is_refused() -> None:
    with refused(
        UsageError,
        """
        unknown task
          where:    snn2hw.data.task
          got:      'mnist'
          expected: one of 'digits', 'digits-sequential', 'digits-events'
          do:       pass task as one of these
        """,
    ):
        task("mnist", "train")


COUNT = 3_591_832
HASH = "e12d833e253404a0"
