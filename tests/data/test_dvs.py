"""CIFAR10-DVS: folders, split, frames, the cache, workers, and what is refused."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from snn2hw.cache import CACHE_VARIABLE
from snn2hw.data import CIFAR10DVS, dvs
from snn2hw.errors import DataError, UsageError, ValueRangeError
from tests.data.published import aedat4, event_packet
from tests.data.writers import NAMES, aedat, write_dvs
from tests.refused import refused

pytestmark = pytest.mark.torch

SITE = "https://doi.org/10.6084/m9.figshare.4724671"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path, cache: Path) -> Iterator[Path]:
    write_dvs(tmp_path / "dvs", each=10)
    return tmp_path / "dvs"


def by_hand(events: list[tuple[int, int, int, int]], steps: int, size: int, by: str) -> np.ndarray:
    frames = np.zeros((steps, 2, size, size))
    for i, (t, x, y, p) in enumerate(events):
        frame = i * steps // len(events) if by == "count" else t * steps // (events[-1][0] + 1)
        frames[frame, p, y * size // 128, x * size // 128] += 1
    return frames


@pytest.mark.parametrize(("steps", "size", "by"), [(10, 64, "count"), (4, 48, "time")])
def test_recordings_become_frames(tmp_path: Path, cache: Path, steps: int, size: int, by: str) -> None:
    written = write_dvs(tmp_path / "dvs", each=10)
    seen = set()
    for split, each in (("train", 9), ("test", 1)):
        data = CIFAR10DVS(tmp_path / "dvs", split, steps=steps, size=size, by=by)
        assert (len(data), data.shape, data.steps, data.static) == (10 * each, (steps, 2, size, size), steps, False)
        assert data.classes == tuple(NAMES[10])
        for index in range(len(data)):
            path, (sample, label) = data.path(index), data[index]
            seen.add(path)
            assert path.parent.name == data.classes[label]
            assert sample.dtype == torch.float32
            assert np.array_equal(sample.numpy(), by_hand(written[path], steps, size, by))
    assert seen == set(written)
    assert {p.stem[-2:] for p in map(data.path, range(10))} == {"_9"}


def test_recordings_are_read_once(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, read = CIFAR10DVS(root, "test"), []
    exact = dvs.read_dvs128
    monkeypatch.setattr(dvs, "read_dvs128", lambda path: read.append(path) or exact(path))
    second = CIFAR10DVS(root, "test")
    assert torch.equal(first[3][0], second[3][0])
    assert read == []
    (kept,) = (cache / "data" / "cifar10-dvs").glob("cifar10_cat_9-*.npz")
    kept.write_bytes(kept.read_bytes()[:-30])
    assert torch.equal(first[3][0], second[3][0])
    assert read == [root / "cat" / "cifar10_cat_9.aedat"]
    read.clear()
    assert CIFAR10DVS(root, "test", steps=5).shape[0] == 5
    assert len(read) == 10
    path = root / "cat" / "cifar10_cat_9.aedat"
    path.write_bytes(aedat([(0, 0), (0, 5)]))
    assert int(CIFAR10DVS(root, "test")[3][0].sum()) == 2


def test_a_cache_that_cannot_be_written_is_no_failure(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = CIFAR10DVS(root, "test")
    expected = [x for x, _ in kept]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    data, read = CIFAR10DVS(root, "test"), []
    assert all(torch.equal(a, b) for a, (b, _) in zip(expected, data, strict=False))
    exact = dvs.read_dvs128
    monkeypatch.setattr(dvs, "read_dvs128", lambda path: read.append(path) or exact(path))
    CIFAR10DVS(root, "test")
    assert len(read) == 1  # and then the scan gives up


def test_workers_read_the_same(root: Path) -> None:
    data = CIFAR10DVS(root)
    alone, two = (list(DataLoader(data, batch_size=16, num_workers=n)) for n in (0, 2))
    assert all(torch.equal(a, b) for x, y in zip(alone, two, strict=True) for a, b in zip(x, y, strict=True))
    assert len(pickle.dumps(data)) < 10_000


def test_another_folder_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "airplane").mkdir()
    (tmp_path / "airplane" / "cifar10_airplane_0.aedat4").write_bytes(b"")
    with refused(
        DataError,
        f"""
        CIFAR10-DVS is not in this folder
          where:    {tmp_path}
          got:      airplane/
          expected: folders airplane/ to truck/ with cifar10_airplane_0.aedat and so on (AEDAT 2.0)
          do:       unpack the ten archives of {SITE} here
        """,
    ):
        CIFAR10DVS(tmp_path)


def test_missing_recordings_are_named(root: Path) -> None:
    (root / "dog" / "cifar10_dog_4.aedat").unlink()
    with refused(
        DataError,
        f"""
        recordings of CIFAR10-DVS are missing
          where:    {root / "dog"}
          got:      9 recordings; no cifar10_dog_4.aedat
          expected: 10, numbered 0 to 9, as in the other classes
          do:       unpack dog.zip of {SITE} again
        """,
    ):
        CIFAR10DVS(root)
    shutil.rmtree(root / "dog")
    with pytest.raises(DataError, match=r"0 recordings; no cifar10_dog_0\.aedat"):
        CIFAR10DVS(root)


def test_a_number_with_zeros_before_it_is_none(root: Path) -> None:
    (root / "cat" / "cifar10_cat_3.aedat").rename(root / "cat" / "cifar10_cat_03.aedat")
    with pytest.raises(DataError, match=r"9 recordings; no cifar10_cat_3\.aedat"):
        CIFAR10DVS(root)


def test_a_recording_that_vanishes_is_named(root: Path) -> None:
    data = CIFAR10DVS(root, "test")
    path = root / "cat" / "cifar10_cat_9.aedat"
    path.unlink()
    with refused(
        DataError,
        f"""
        a recording of CIFAR10-DVS is gone
          where:    {path}
          got:      No such file or directory
          expected: the recordings that were there when the folder was opened
          do:       unpack cat.zip of {SITE} again
        """,
    ):
        data[3]


def test_a_damaged_recording_is_named_in_the_first_scan(root: Path) -> None:
    path = root / "truck" / "cifar10_truck_9.aedat"
    path.write_bytes(path.read_bytes()[:-3])
    CIFAR10DVS(root, "train")
    with pytest.raises(DataError, match="a recording is cut off") as caught:
        CIFAR10DVS(root, "test")
    assert caught.value.where == str(path)


def test_a_recording_in_aedat_4_is_none_of_the_set(root: Path) -> None:
    path = root / "truck" / "cifar10_truck_9.aedat"
    path.write_bytes(aedat4([event_packet(0, [(5, 6, 7, 1)])], [("EVTS", 128, 128)]))
    with refused(
        DataError,
        f"""
        a recording of a published set is in AEDAT 4
          where:    {path}
          got:      it begins with '#!AER-DAT4.0'
          expected: AEDAT 2.0 or 3.1, as the set is published
          do:       unpack the recording of the set again
        """,
    ):
        CIFAR10DVS(root, "test")


def test_a_split_of_nothing_is_refused(tmp_path: Path, cache: Path) -> None:
    write_dvs(tmp_path / "dvs", each=1)
    assert len(CIFAR10DVS(tmp_path / "dvs")) == 10
    with refused(
        DataError,
        f"""
        a split of CIFAR10-DVS has no recordings
          where:    {tmp_path / "dvs"}
          got:      split='test' of 1 recordings in each class
          expected: 1000 in each class
          do:       unpack the whole set from {SITE}
        """,
    ):
        CIFAR10DVS(tmp_path / "dvs", "test")


def test_unknown_words_and_sizes_are_refused(root: Path) -> None:
    for options in ({"split": "val"}, {"by": "events"}):
        with pytest.raises(UsageError, match="unknown"):
            CIFAR10DVS(root, **options)
    for numbers in ({"size": 129}, {"steps": 0}):
        with pytest.raises(ValueRangeError, match="out of range"):
            CIFAR10DVS(root, **numbers)
