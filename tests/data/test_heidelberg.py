"""SHD and SSC: spikes counted exactly, workers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from snn2hw.data import SHD, SSC
from snn2hw.errors import DataError, UsageError
from tests.refused import refused

h5py = pytest.importorskip("h5py", reason="SHD is published in HDF5")
pytestmark = pytest.mark.torch

TIMES = [[0.0, 0.0135, 0.5, 1.5], [], [1.3999]]
UNITS = [[0, 4, 699, 3], [], [350]]


def write(root: Path, name: str = "shd_train.h5", labels: Any = (19, 0, 7), times: Any = TIMES, units: Any = UNITS) -> Path:
    with h5py.File(root / name, "w") as file:
        file["labels"] = np.array(labels, np.int64)
        spikes = file.create_group("spikes")
        for part, kind, values in (("times", np.float16, times), ("units", np.int64, units)):
            made = spikes.create_dataset(part, (len(values),), h5py.vlen_dtype(kind))
            for n, value in enumerate(values):
                made[n] = np.array(value, kind)
    return root


def test_spikes_are_counted_exactly(tmp_path: Path) -> None:
    data = SHD(write(tmp_path))
    assert (len(data), data.shape, data.steps, data.labels.tolist()) == (3, (100, 140), 100, [19, 0, 7])
    assert data.classes[19] == "german 9"
    for sample, places in ((0, [(0, 0), (0, 0), (35, 139)]), (1, []), (2, [(99, 70)])):
        expected = torch.zeros(100, 140)
        for place in places:
            expected[place] += 1
        assert torch.equal(data[sample][0], expected)
    loaded = [x for x, _ in DataLoader(data, batch_size=None, num_workers=1)]  # one forks while the file is open here
    assert all(torch.equal(x, data[n][0]) for n, x in enumerate(loaded))
    assert SHD(tmp_path, seconds=2.0, steps=2, bands=1)[0][0].tolist() == [[3.0], [1.0]]
    write(tmp_path, "ssc_valid.h5", labels=(34, 1, 2))
    assert SSC(tmp_path, "valid")[0][1] == 34
    with pytest.raises(UsageError, match="split"):
        SHD(tmp_path, "valid")


def _elsewhere(root: Path) -> None:
    with h5py.File(root / "shd_train.h5", "r+") as file:
        del file["labels"]
        file["labels"] = h5py.ExternalLink("other.h5", "/labels")


def _virtual(root: Path) -> None:
    with h5py.File(root / "shd_train.h5", "r+") as file:
        del file["labels"]
        layout = h5py.VirtualLayout((3,), np.int64)
        layout[:] = h5py.VirtualSource("other.h5", "labels", (3,))
        file.create_virtual_dataset("labels", layout)


def _absurd(root: Path) -> None:
    with h5py.File(root / "shd_train.h5", "r+") as file:
        del file["labels"]
        file.create_dataset("labels", (10**12,), np.int64, chunks=(1024,))


def _cut(root: Path) -> None:
    data = (root / "shd_train.h5").read_bytes()
    (root / "shd_train.h5").write_bytes(data[: len(data) // 2])


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "elsewhere": (_elsewhere, "no labels in the file itself"),
    "virtual": (_virtual, "labels lies elsewhere"),
    "absurd": (_absurd, "labels with 1000000000000 entries"),
    "cut": (_cut, "truncated file|cannot be read"),
    "no HDF5": (lambda root: (root / "shd_train.h5").write_bytes(b"PK\3\4"), "signature not found"),
    "empty": (lambda root: (root / "shd_train.h5").write_bytes(b""), "cannot be read"),
    "labels": (lambda root: write(root, labels=(20, 0, 1)), r"labels 0\.\.20"),
    "counts": (lambda root: write(root, labels=(1, 0)), r"2 labels, times of \(3,\)"),
    "none": (lambda root: write(root, labels=(), times=[], units=[]), "no recording"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read(fault: str, tmp_path: Path) -> None:
    spoil, says = FAULTS[fault]
    write(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=says):
        SHD(tmp_path)


@pytest.mark.parametrize(
    ("times", "units", "says"),
    [
        ([[0.1, 0.2]], [[1]], "2 times and 1 units of recording 0"),
        ([[0.1]], [[700]], "a unit that is none of 700, in recording 0"),
        ([[0.1]], [[-1]], "a unit that is none of 700, in recording 0"),
        ([[-0.1]], [[1]], "a time below 0"),
        ([[np.nan]], [[1]], "a time below 0"),
    ],
)
def test_spikes_that_are_none(times: Any, units: Any, says: str, tmp_path: Path) -> None:
    data = SHD(write(tmp_path, labels=(1,), times=times, units=units))
    with pytest.raises(DataError, match=says):
        data[0]


def test_another_folder(tmp_path: Path) -> None:
    with refused(
        DataError,
        f"""
        SHD is not in this folder
          where:    {tmp_path}
          got:      an empty folder
          expected: shd_test.h5
          do:       unpack shd_test.h5.gz of https://zenkelab.org/resources/spiking-heidelberg-datasets-shd here
        """,
    ):
        SHD(tmp_path, "test")
