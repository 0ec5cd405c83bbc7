"""CIFAR-10 and CIFAR-100: the binary version as published, in its real sizes (sparse files), and what is wrong with others."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from snn2hw.data import CIFAR10, CIFAR100
from snn2hw.errors import DataError, UsageError
from tests.data.writers import NAMES, write_cifar10, write_cifar100, write_records
from tests.refused import refused

pytestmark = pytest.mark.torch


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 32, 32))


@pytest.fixture
def ten(tmp_path: Path) -> Iterator[Path]:
    given = {
        "data_batch_1.bin": {0: ((3,), image(0)), 9_999: ((9,), image(1))},
        "data_batch_2.bin": {0: ((1,), image(2))},
        "data_batch_5.bin": {9_999: ((7,), image(3))},
        "test_batch.bin": {1: ((2,), image(4))},
    }
    return write_cifar10(tmp_path, given)


def test_cifar10_is_read_back_exactly(ten: Path) -> None:
    train, test = CIFAR10(ten), CIFAR10(ten.parent, "test")
    assert (len(train), len(test)) == (50_000, 10_000)
    assert (train.shape, train.steps, train.static, train.classes) == ((3, 32, 32), None, True, tuple(NAMES[10]))
    for data, at, label, seed in (
        (train, 0, 3, 0),
        (train, 9_999, 9, 1),
        (train, 10_000, 1, 2),
        (train, -1, 7, 3),
        (test, 1, 2, 4),
    ):
        sample, got = data[at]
        assert got == label == int(data.labels[at])
        assert sample.dtype == torch.float32
        assert np.array_equal(np.rint(sample.numpy() * 255), image(seed))
        assert torch.equal(sample, torch.tensor(image(seed)).float() / 255)
    assert int(train.labels.sum()) == 3 + 9 + 1 + 7


def test_cifar100_has_two_labels(tmp_path: Path) -> None:
    train = {0: ((19, 5), image(0)), 49_999: ((1, 99), image(1))}
    write_cifar100(tmp_path, {"train.bin": train, "test.bin": {7: ((2, 3), image(2))}})
    fine, coarse, test = CIFAR100(tmp_path), CIFAR100(tmp_path, labels="coarse"), CIFAR100(tmp_path, "test")
    assert (len(fine), len(test)) == (50_000, 10_000)
    assert (fine.classes, coarse.classes) == (tuple(NAMES[100]), tuple(NAMES[20]))
    assert (fine[0][1], coarse[0][1], fine[-1][1], coarse[-1][1], test[7][1]) == (5, 19, 99, 1, 3)
    for data, at, seed in ((fine, 0, 0), (coarse, 49_999, 1), (test, 7, 2)):
        assert torch.equal(data[at][0], torch.tensor(image(seed)).float() / 255)


def test_classes_are_numbers_where_the_list_is_missing(ten: Path) -> None:
    (ten / "batches.meta.txt").unlink()
    assert CIFAR10(ten, "test").classes == tuple("0123456789")
    (ten / "batches.meta.txt").write_text("a\nb\n")
    with refused(
        DataError,
        f"""
        the list of class names is of another set
          where:    {ten / "batches.meta.txt"}
          got:      2 names
          expected: 10 lines with a name
          do:       unpack the archive again
        """,
    ):
        CIFAR10(ten, "test")


def test_workers_map_the_files_themselves_and_read_the_same(ten: Path) -> None:
    data = CIFAR10(ten)
    before = data[9_999][0]
    sent = pickle.dumps(data)
    assert len(sent) < 500_000  # the labels; a map would be 150 MB
    assert torch.equal(pickle.loads(sent)[9_999][0], before)  # noqa: S301
    some = Subset(data, [0, 9_999, 10_000, 49_999])
    alone, two = (list(DataLoader(some, batch_size=2, num_workers=n)) for n in (0, 2))
    assert all(torch.equal(a, b) for x, y in zip(alone, two, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize(("size", "says"), [(30_729_999, "truncated"), (30_733_073, "too long"), (0, "empty")])
def test_a_file_of_another_size_is_refused(ten: Path, size: int, says: str) -> None:
    with (ten / "data_batch_4.bin").open("r+b") as file:
        file.truncate(size)
    CIFAR10(ten, "test")
    with refused(
        DataError,
        f"""
        a file of CIFAR-10 is {says}
          where:    {ten / "data_batch_4.bin"}
          got:      {size} bytes
          expected: 30730000 bytes: 10000 records of 3073
          do:       unpack cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html again
        """,
    ):
        CIFAR10(ten)


def test_a_label_out_of_range_is_refused(ten: Path) -> None:
    write_records(ten / "test_batch.bin", 10_000, 1, {5: ((10,), image(0)), 8: ((255,), image(0))})
    with refused(
        DataError,
        f"""
        a label is out of range
          where:    {ten / "test_batch.bin"}, record 5
          got:      10; 2 of 10000 records have such labels
          expected: 0..9, the lines of batches.meta.txt
          do:       check that the file is of this set, and unpack it again
        """,
    ):
        CIFAR10(ten, "test")


def test_another_folder_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    for name in ("batches.meta", *(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "cifar-10-batches-py").mkdir()
    with refused(
        DataError,
        f"""
        CIFAR-10 in its binary version is not in this folder
          where:    {tmp_path}
          got:      batches.meta, cifar-10-batches-py/, data_batch_1, data_batch_2, data_batch_3 and 3 more
          expected: test_batch.bin, or a folder cifar-10-batches-bin with them
          do:       unpack cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html here
        """,
    ):
        CIFAR10(tmp_path, "test")


@pytest.mark.parametrize(("made", "got"), [(None, "no such folder"), ("file", "a file"), ("folder", "an empty folder")])
def test_no_folder_is_said(tmp_path: Path, made: str | None, got: str) -> None:
    path = tmp_path / "data"
    if made == "file":
        path.write_text("")
    elif made == "folder":
        path.mkdir()
    with pytest.raises(DataError, match=r"CIFAR-100 in its binary version is not in this folder") as caught:
        CIFAR100(path)
    assert (caught.value.got, caught.value.where) == (got, str(path))
    assert caught.value.expected == "train.bin, or a folder cifar-100-binary with them"


def test_a_name_that_no_system_takes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CIFAR-10 in its binary version is not in this folder"):
        CIFAR10(tmp_path / ("x" * 300))


def test_unknown_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown split"):
        CIFAR10(tmp_path, "val")
    with pytest.raises(UsageError, match="unknown labels"):
        CIFAR100(tmp_path, labels="both")
