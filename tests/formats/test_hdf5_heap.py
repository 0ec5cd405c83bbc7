"""The heap of words of an HDF5 file, read from its bytes: as h5py reads it, and to an end where it is damaged."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from snn2hw.errors import FileFormatError
from snn2hw.formats.hdf5 import Kind, read_tree
from snn2hw.formats.hdf5_heap import Heap

h5py = pytest.importorskip("h5py", reason="reading HDF5 files needs the netx extra")


def element(length: int, address: int, index: int) -> bytes:
    return struct.pack("<IQI", length, address, index)


def collection(*objects: tuple[int, bytes], size: int | None = None) -> bytes:
    held = b"".join(struct.pack("<HHIQ", index, 1, 0, len(data)) + data + bytes(-len(data) % 8) for index, data in objects)
    return struct.pack("<4sB3xQ", b"GCOL", 1, size if size is not None else 16 + len(held)) + held


def test_words_are_those_that_h5py_reads(here: Path) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcé✓ ", k=rng.randrange(40))) for _ in range(5000)]  # several collections
    with h5py.File(here, "w") as file:
        file.create_dataset("x", data=words, dtype=h5py.string_dtype())
        file["one"] = "naïve"
    tree = read_tree(here, Kind("a file", "write it again"), lambda path: True)
    with h5py.File(here) as file:
        assert tree["x"].tolist() == [w.decode() for w in file["x"][()]] == words
    assert tree["one"] == "naïve"


def test_what_is_not_in_the_file() -> None:
    good = collection((1, b"word"), (2, b"others"))
    assert Heap(good + element(4, 0, 1) + element(6, 0, 2) + element(0, 99, 9)).words(len(good), 3) == [b"word", b"others", b""]
    for data, words in (
        (good, element(5, 0, 1)),  # longer than the object
        (good, element(4, 0, 3)),  # no such object
        (good, element(4, 8, 1)),  # no collection there
        (good, element(4, 2**63, 1)),
        (collection((1, b"word"), (1, b"other")), element(4, 0, 1)),
        (collection((1, b"word"), size=2**62), element(4, 0, 1)),
        (collection((1, b"word"), size=20), element(4, 0, 1)),
        (collection((1, b"word")).replace(struct.pack("<Q", 4), struct.pack("<Q", 2**64 - 1)), element(4, 0, 1)),
        (good, element(4, 0, 1)[:-1]),
    ):
        with pytest.raises(ValueError, match=r"heap|beyond the end"):
            Heap(data + words).words(len(data), 1)


def test_a_file_on_which_the_library_never_ends(here: Path) -> None:
    """A size of an object became 0, and its index that of free space: HDF5 2.0 looks for the next object for ever."""
    with h5py.File(here, "w") as file:
        file.create_dataset("x", data=["input", "output"] * 5, dtype=h5py.string_dtype())
    good = here.read_bytes()
    heap = good.index(b"GCOL")
    for at in range(heap, heap + 64):
        for bit in range(8):
            data = bytearray(good)
            data[at] ^= 1 << bit
            here.write_bytes(data)
            try:
                read_tree(here, Kind("a file", "write it again"), lambda path: True)
            except FileFormatError as error:
                assert "'x' is" in error.what  # noqa: PT017


@pytest.mark.parametrize(("stated", "read"), [(40, True), (39, False), (41, False), (0, False), (2**40, False)])
def test_the_free_space_is_all_that_is_left(stated: int, read: bool) -> None:
    """HDF5's own library refuses the whole file where it is not."""
    free = struct.pack("<HHIQ", 0, 0, 0, stated) + bytes(24)
    word = struct.pack("<HHIQ", 1, 1, 0, 4) + b"word" + bytes(4)
    data = struct.pack("<4sB3xQ", b"GCOL", 1, 16 + len(word) + len(free)) + word + free
    if read:
        assert Heap(data + element(4, 0, 1)).words(len(data), 1) == [b"word"]
        return
    with pytest.raises(ValueError, match=f"the free space of the heap at 0 is {stated} bytes, and 40 are left"):
        Heap(data + element(4, 0, 1)).words(len(data), 1)
