"""N-MNIST's 40-bit events: genuine recordings, counted as others counted them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from snn2hw.data import NMNIST, read_nmnist
from snn2hw.errors import DataError, UsageError, ValueRangeError
from tests.data.published import forty_bits
from tests.refused import refused
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

EVENTS = [(0, 0, 33, 1), (5, 33, 0, 0), (5, 7, 8, 1), (2**23 - 1, 1, 2, 0)]


def folder(root: Path, split: str = "Train", count: int = 1) -> Path:
    for label in range(10):
        (root / split / str(label)).mkdir(parents=True)
        for n in range(count):
            (root / split / str(label) / f"{n:05d}.bin").write_bytes(forty_bits([(n, label, n, 1), (90, 20, label, 0)]))
    return root


def test_bits_are_read_back_exactly(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(forty_bits(EVENTS))
    read = read_nmnist(tmp_path / "x.bin")
    assert list(zip(*(a.tolist() for a in (read.t, read.x, read.y, read.p)), strict=True)) == EVENTS
    assert (read.height, read.width) == (34, 34)


def test_genuine_recordings_are_counted_as_they_were(tmp_path: Path) -> None:
    """Frames of 30.6 ms, what is later in the last of them: the counts that others made of the same recordings."""
    with np.load(shared_data("real/nmnist_small.npz")) as arrays:
        lengths, events, frames = arrays["lengths_test"][:30], arrays["events_test"], arrays["x_test"][:30]
        labels = arrays["y_test"][:30]
    ends = np.cumsum(lengths)
    folder(tmp_path, "Test")
    for n, (end, size, label) in enumerate(zip(ends, lengths, labels, strict=True)):
        own = events[end - size : end]
        path = tmp_path / "Test" / str(label) / f"{n + 1:05d}.bin"
        path.write_bytes(forty_bits(own.tolist()))
        read = read_nmnist(path)
        assert np.array_equal(np.stack([read.t, read.x, read.y, read.p], 1), own)
        early = read.until(306_000).frames(10, duration=306_000)
        late = own[own[:, 0] >= 306_000]
        np.add.at(early[9], (late[:, 3], late[:, 2], late[:, 1]), 1)
        assert np.array_equal(early, frames[n])
    data = NMNIST(tmp_path, "test", duration=306_000)
    assert len(data) == 40
    for i in range(len(data)):
        assert data[i][0].shape == (10, 2, 34, 34)
        number = int(data.path(i).stem)
        assert number == 0 or data[i][1] == labels[number - 1]


def test_names_labels_and_settings(tmp_path: Path) -> None:
    data = NMNIST(folder(tmp_path, count=3), steps=2, size=17)
    assert (len(data), data.shape, data.steps, data.classes) == (30, (2, 2, 17, 17), 2, tuple("0123456789"))
    assert data.labels.tolist() == [n // 3 for n in range(30)]
    sample, label = data[7]  # the second of class 2
    assert label == 2
    expected = torch.zeros(2, 2, 17, 17)
    expected[0, 1, 0, 1] = expected[1, 0, 1, 10] = 1  # t = 1 and 90 of 0..90
    assert torch.equal(sample, expected)
    assert torch.equal(NMNIST(tmp_path, duration=50)[7][0].sum(), torch.tensor(1.0))
    assert NMNIST(tmp_path, by="count", steps=1)[7][0].sum() == 2
    with pytest.raises(ValueRangeError, match="size"):
        NMNIST(tmp_path, size=35)
    with refused(
        UsageError,
        """
        a duration says nothing where events are counted off
          where:    N-MNIST
          got:      by='count', duration=10
          expected: by='time', or no duration
          do:       leave out one of the two
        """,
    ):
        NMNIST(tmp_path, by="count", duration=10)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a recording of N-MNIST is empty"),
        (bytes(250), "a recording of N-MNIST has zeros alone"),
        (forty_bits(EVENTS)[:-1], "19 bytes, 4 more than 3 events"),
        (forty_bits([(0, 34, 0, 1)]), r"column 34, row 0 in event 0; 1 of 1 events are off the sensor"),
        (forty_bits([(9, 1, 1, 1), (3, 1, 1, 1)]), "3 us behind 9 us in event 1"),
        (b"#!AER-DAT2.0\r\n#", "is of another camera"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_what_cannot_be_read(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_nmnist(tmp_path / "x.bin")
    with pytest.raises(DataError, match="cannot be read"):
        read_nmnist(tmp_path)


def test_other_folders(tmp_path: Path) -> None:
    with refused(
        DataError,
        f"""
        N-MNIST is not in this folder
          where:    {tmp_path}
          got:      an empty folder
          expected: a folder Train with folders 0 to 9 of recordings, 00002.bin and so on
          do:       unpack Train.zip of https://www.garrickorchard.com/datasets/n-mnist here
        """,
    ):
        NMNIST(tmp_path)
    folder(tmp_path)
    (tmp_path / "Train" / "4" / "00000.bin").unlink()
    with pytest.raises(DataError, match="nothing in 4"):
        NMNIST(tmp_path)
