"""SHD and SSC: spikes counted exactly, workers, and what is refused."""

from __future__ import annotations

import resource
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from snn2hw.data import SHD, SSC
from snn2hw.data.lists import stated_lengths
from snn2hw.errors import DataError, UsageError, ValueRangeError
from tests.refused import refused

h5py = pytest.importorskip("h5py", reason="SHD is published in HDF5")
pytestmark = pytest.mark.torch

TIMES = [[0.0, 0.0135, 0.5, 1.5], [], [1.3999]]
UNITS = [[0, 4, 699, 3], [], [350]]
SWAPPED = ">" if sys.byteorder == "little" else "<"


def write(
    root: Path,
    name: str = "shd_train.h5",
    labels: Any = (19, 0, 7),
    times: Any = TIMES,
    units: Any = UNITS,
    kinds: tuple[Any, Any, Any] = (np.int64, np.float16, np.int64),
) -> Path:
    """kinds: types of labels, times and units."""
    with h5py.File(root / name, "w") as file:
        file["labels"] = np.array(labels, kinds[0])
        spikes = file.create_group("spikes")
        for part, kind, values in (("times", kinds[1], times), ("units", kinds[2], units)):
            made = spikes.create_dataset(part, (len(values),), h5py.vlen_dtype(np.dtype(kind)))
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


def test_labels_in_the_other_order_of_bytes_are_read(tmp_path: Path) -> None:
    data = SHD(write(tmp_path, kinds=(SWAPPED + "i4", np.float16, np.int64)))
    assert data.labels.tolist() == [19, 0, 7]


def test_a_spike_right_before_the_end_is_in_the_last_step(tmp_path: Path) -> None:
    last = np.nextafter(0.7, 0)  # times 46 / 0.7 is rounded to 46
    data = SHD(
        write(tmp_path, labels=(1,), times=[[last]], units=[[5]], kinds=(np.int64, np.float64, np.int64)), seconds=0.7, steps=46
    )
    assert data[0][0][45].sum() == data[0][0].sum() == 1


@pytest.mark.parametrize("unit", [1.5, np.inf, np.nan])
def test_a_unit_that_is_no_whole_number_is_refused(unit: float, tmp_path: Path) -> None:
    data = SHD(write(tmp_path, labels=(1,), times=[[0.1]], units=[[unit]], kinds=(np.int64, np.float16, np.float32)))
    with pytest.raises(DataError, match="a unit that is none of 700, in recording 0"):
        data[0]


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
    "order of times": (
        lambda root: write(root, kinds=(np.int64, SWAPPED + "f4", np.int64)),
        "spikes/times in another order of bytes than this machine's",
    ),
    "order of units": (
        lambda root: write(root, kinds=(np.int64, np.float16, SWAPPED + "i4")),
        "spikes/units in another order of bytes than this machine's",
    ),
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


LISTS = "spikes/times", "spikes/units"
STORED: dict[str, dict[str, Any]] = {
    "in one piece": {},
    "in pieces": {"chunks": (2,)},
    "gzip": {"chunks": (2,), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (2,), "compression": "lzf"},
}


def _store(root: Path, how: dict[str, Any]) -> Path:
    """The recordings of `write`, with lists that are stored in another way."""
    with h5py.File(write(root) / "shd_train.h5", "r+") as file:
        for name in LISTS:
            values, kind = file[name][()], file[name].dtype
            del file[name]
            made = file.create_dataset(name, (3,), kind, **how)
            for n, value in enumerate(values):
                made[n] = value
    return root / "shd_train.h5"


@pytest.mark.parametrize("how", STORED)
def test_the_lengths_of_lists_are_known_before_they_are_read(how: str, tmp_path: Path) -> None:
    with h5py.File(_store(tmp_path, STORED[how])) as file:
        for name in LISTS:
            assert stated_lengths(file[name]).tolist() == [4, 0, 1]
    assert [float(x.sum()) for x, _ in SHD(tmp_path)] == [3, 0, 1]  # type: ignore[attr-defined]


def test_a_piece_that_was_not_packed_beside_one_that_was(tmp_path: Path) -> None:
    with h5py.File(_store(tmp_path, STORED["gzip"]), "r+") as file:
        for name in LISTS:
            piece = zlib.decompress(file[name].id.read_direct_chunk((0,))[1])
            file[name].id.write_direct_chunk((0,), piece, 0b11)  # of two filters none
    with h5py.File(tmp_path / "shd_train.h5") as file:
        assert [stated_lengths(file[name]).tolist() for name in LISTS] == [[4, 0, 1]] * 2
    assert [float(x.sum()) for x, _ in SHD(tmp_path)] == [3, 0, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["in one piece", "in pieces"])
def test_lists_that_were_never_written_are_empty(how: str, tmp_path: Path) -> None:
    with h5py.File(write(tmp_path) / "shd_train.h5", "r+") as file:
        for name in LISTS:
            kind = file[name].dtype
            del file[name]
            file.create_dataset(name, (3,), kind, **STORED[how])
    assert float(SHD(tmp_path)[2][0].sum()) == 0


@pytest.mark.parametrize(
    ("how", "there"), [("in one piece", "0 of 24 bytes"), ("in pieces", "0 of 3 pieces"), ("in part", "1 of 3 pieces")]
)
def test_labels_that_were_never_written_are_not_class_0(how: str, there: str, tmp_path: Path) -> None:
    with h5py.File(write(tmp_path) / "shd_train.h5", "r+") as file:
        del file["labels"]
        made = file.create_dataset("labels", (3,), np.int64, chunks=None if how == "in one piece" else (1,))
        if how == "in part":
            made[0] = 7
    with pytest.raises(DataError) as caught:
        SHD(tmp_path)
    assert caught.value.got == f"labels that are declared, but not all in the file: {there}"


def _lengthen(path: Path, name: str) -> None:
    """The last list states 2^31 - 1 numbers instead of one."""
    with h5py.File(path, "r+") as file:
        item = file[name].id
        if item.get_offset() is None:
            unused, piece = item.read_direct_chunk((2,))
            packed = unused == 1  # by gzip alone: the library does not shuffle lists
            piece = zlib.decompress(piece) if packed else piece
            piece = struct.pack("<I", 2**31 - 1) + piece[4:]
            item.write_direct_chunk((2,), zlib.compress(piece) if packed else piece, unused)
            return
        at = item.get_offset() + 2 * 16
    data = path.read_bytes()
    path.write_bytes(data[:at] + struct.pack("<I", 2**31 - 1) + data[at + 4 :])


@pytest.mark.parametrize("how", ["in one piece", "in pieces", "gzip"])
@pytest.mark.parametrize("part", ["times", "units"])
def test_a_list_longer_than_its_file_takes_no_memory(how: str, part: str, tmp_path: Path) -> None:
    path = _store(tmp_path, STORED[how])
    _lengthen(path, f"spikes/{part}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(
        DataError,
        f"""
        a file of SHD cannot be read
          where:    {path}
          got:      2147483647 numbers in recording 2 of spikes/{part}, more than {path.stat().st_size} bytes hold
          expected: HDF5 with labels [N], spikes/times and spikes/units [N], each a list of numbers
          do:       unpack shd_train.h5.gz of https://zenkelab.org/resources/spiking-heidelberg-datasets-shd again
        """,
    ):
        SHD(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def _compact(file: Any, name: str) -> None:
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.COMPACT)
    kind = h5py.h5t.py_create(h5py.vlen_dtype(np.float16), logical=True)
    h5py.h5d.create(file["spikes"].id, name.encode(), kind, h5py.h5s.create_simple((3,)), how)


def _wide(file: Any, name: str) -> None:
    made = file["spikes"].create_dataset(
        name, (3,), h5py.vlen_dtype(np.float16), maxshape=(None,), chunks=(10**8,), compression=9
    )
    made.id.write_direct_chunk((0,), zlib.compress(bytes(10**6)))


@pytest.mark.parametrize(
    ("store", "says"),
    [
        (_compact, "/spikes/times with lists that are stored in an unusual way"),
        (_wide, r"spikes/times in pieces of \(100000000,\) entries"),
    ],
)
def test_lists_that_are_stored_in_an_unusual_way(store: Callable[[Any, str], None], says: str, tmp_path: Path) -> None:
    with h5py.File(write(tmp_path) / "shd_train.h5", "r+") as file:
        del file["spikes/times"]
        store(file, "times")
    with pytest.raises(DataError, match=says):
        SHD(tmp_path)


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


def test_more_steps_than_a_computer_holds(tmp_path: Path) -> None:
    with refused(
        ValueRangeError,
        """
        a sample would be absurdly large
          where:    SHD
          got:      [1000000000000, 140], 140,000,000,000,000 numbers
          expected: at most 268,435,456
          do:       ask for fewer steps, less time, or a smaller size
        """,
    ):
        SHD(tmp_path, "test", steps=10**12)
