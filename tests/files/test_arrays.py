"""Arrays: headers are compared with the bytes that are there, and only what is asked for is unpacked."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.files.arrays import read_arrays, read_npy
from tests.fuzz.read_npy import saved

KINDS = [
    np.arange(24.0).reshape(4, 6),
    np.ones((2, 3, 4), np.uint8).T,
    np.zeros((0, 3)),
    np.float32(2),
    np.arange(3, dtype=">i4"),
]


@pytest.mark.parametrize("value", KINDS, ids=lambda v: f"{v.dtype}{list(v.shape)}")
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_numpy_writes_comes_back(value: Any, version: tuple[int, int], tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, np.asanyarray(value), version=version)
    got = read_npy(tmp_path / "x.npy")
    assert got.dtype == value.dtype
    np.testing.assert_array_equal(got, value)


def header(descr: str, shape: str, order: str = "False", rest: bytes = b"") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + rest


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header("'<f4'", "(2000000000, 2000000000)"), "which is 16000000000000000000 bytes; there are 0"),
        (header("'<f4'", "(9223372036854775807,)"), "is no shape of an array"),
        (header("'<f4'", "(True, 6, 6)"), "its header is not one of an array of numbers"),
        (header("'<f4'", "(-1, 6)"), "its header is not one of an array of numbers"),
        (header("'<f4'", "(4)", rest=bytes(16)), r"\(4\) is no shape of an array"),
        (header("'|O'", "(2,)"), r"its elements are '\|O', no numbers"),
        (header("'<f4'", "(4,)", "1"), "its header is not one of an array of numbers"),
        (header("'<f4'", "(4,)", rest=bytes(15)), "which is 16 bytes; there are 15"),
        (header("'<f4'", "(4,)", rest=bytes(17)), "which is 16 bytes; there are 17"),
        (header("'<f4'", "(" * 2000), "its header is not one of an array of numbers"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "its header is cut off, or longer than a header is"),
        (b"\x93NUMPY\x09\x09", "version 9.9 of .npy, which nothing here reads"),
        (b"", "No data left in file"),
    ],
)
def test_headers_that_cannot_be(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read_npy(tmp_path / "x.npy")


def test_only_arrays_that_are_asked_for_are_unpacked(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(3), b=np.array([{}], object))
    arrays, names, foreign = read_arrays(tmp_path / "x.npz", lambda name: name == "a")
    assert (list(arrays), names, foreign) == (["a"], ["a", "b"], [])
    with pytest.raises(ValueError, match=r"its elements are '\|O', no numbers"):
        read_arrays(tmp_path / "x.npz", lambda name: True)


def bomb(path: Path, size: int) -> None:
    """An archive of a few kB whose member states this size, and unpacks to a megabyte of it."""
    start = header("'|u1'", f"({size},)")
    member = start + bytes(1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", member)
    data = path.read_bytes()
    for at, field in ((data.rindex(b"PK\x01\x02"), 24), (0, 22)):
        data = data[: at + field] + struct.pack("<I", len(start) + size) + data[at + field + 4 :]
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("size", "reason"), [(3 << 30, "unpack to more than 64 times the file"), (2 << 20, "unpacks to another size|CRC")]
)
def test_sizes_that_an_archive_states(size: int, reason: str, tmp_path: Path) -> None:
    bomb(tmp_path / "x.npz", size)
    with pytest.raises(ValueError, match=reason):
        read_arrays(tmp_path / "x.npz", lambda name: True)


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", saved(np.arange(2)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", saved(np.arange(3)))
    with pytest.raises(ValueError, match="not all of different names"):
        read_arrays(tmp_path / "x.npz", lambda name: True)


def test_an_archive_that_expands_a_lot_is_read_where_it_is_small(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(1 << 20, np.uint8))
    assert (tmp_path / "x.npz").stat().st_size * 64 < 1 << 20
    assert read_arrays(tmp_path / "x.npz", lambda name: True)[0]["a"].size == 1 << 20
