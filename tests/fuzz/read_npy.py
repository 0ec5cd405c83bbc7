"""Samples in a .npy file: damaged headers and data."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.user_models import read_samples
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

ARRAYS = (np.arange(24, dtype=np.float32).reshape(4, 6) / 24, np.ones((3, 2, 5), np.uint8), np.arange(6.0).reshape(3, 2).T)
SHAPES = (
    "(True, 6, 6)", "(-1, 6)", "(10**9,)", "(2000000000, 2000000000)", "(9223372036854775807,)", "(4.0, 6)", "(4,", "4", "()",
    "(0, 6)", "(99999999999999999999999,)", "(4, 6, " + "(" * 5000 + ")" * 5000 + ")", "('4', 6)", "None", "(1e3,)",
)  # fmt: skip
DTYPES = (
    "'|O'",
    "'<f16'",
    "'>f8'",
    "'|V8'",
    "'<U4'",
    "'|b1'",
    "'<c8'",
    "'<M8[ns]'",
    "[('a', '<i4')]",
    "'x'",
    "3",
    "None",
    "''",
    "'<f4,<f4'",
)


def saved(array: Any) -> bytes:
    """The array as a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def with_header(rng: random.Random, array: Any) -> tuple[str, bytes]:
    """A file whose header says something else than its data are."""
    shape, descr, order = str(array.shape), repr(array.dtype.str), "False"
    what = rng.randrange(5)
    if what == 0:
        shape = rng.choice(SHAPES)
    elif what == 1:
        descr = rng.choice(DTYPES)
    elif what == 2:
        order = rng.choice(("None", "1", "'x'", "()"))
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    if what == 3:
        header = rng.choice(
            (
                "{",
                "",
                "()",
                "{'shape': (4, 6)}",
                "__import__('os').getpid()",
                "{" * 9000,
                header * 2,
                "[" * 9000 + "]" * 9000,
                "\x00",
            )
        )
    text = header.encode() + b"\n"
    version = rng.choice(((1, 0), (2, 0), (3, 0), (9, 9))) if what == 4 else (1, 0)
    size = struct.pack("<H" if version == (1, 0) else "<I", min(len(text), 65535))
    return f"header {header[:90]!r}, version {version}", b"\x93NUMPY" + bytes(version) + size + text + array.tobytes()


def prepare(folder: Path) -> list[tuple[Any, bytes]]:
    """Arrays and their files."""
    return [(a, saved(a)) for a in ARRAYS]


def damage(rng: random.Random, folder: Path, good: list[tuple[Any, bytes]]) -> Attempt:
    """A damaged file, or a good array that is no set of samples."""
    array, data = rng.choice(good)
    how = rng.randrange(4)
    if how == 0:
        says, data = with_header(rng, array)
    elif how == 1:
        odd = rng.choice(
            (
                np.float32(0.5),
                np.array({"a": 1}, object),
                np.array(["a"]),
                np.array([1 + 2j]),
                np.zeros((0, 6)),
                np.array("2020", "M8[D]"),
            )
        )
        says, data = f"an array of {odd.dtype}, {odd.shape}", saved(odd)
    else:
        says, data = damaged_bytes(rng, data)
    (folder / "x.npy").write_bytes(data)
    if how == 1:
        return Attempt(says, lambda got: got.dtype.kind in "f" and got.size == 0)
    return Attempt(says, lambda got: plausible(got, data))


def plausible(got: Any, data: bytes) -> bool:
    """Whether every byte of an accepted array is one of the file, in its place."""
    return got.dtype.kind in "iufb" and got.ndim > 0 and data.endswith(got.tobytes("A")) and len(data) - got.nbytes < 70_000


def read(folder: Path, good: Any) -> Any:
    """What `--input` and `--sample` give."""
    return np.array(read_samples(folder / "x.npy"), order="K")


READER = Reader("npy", prepare, damage, read, quick=60)
