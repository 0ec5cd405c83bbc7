"""Arrays of .npy and .npz files. A header is compared with the bytes that are there before anything is allocated.

Raises OSError and ValueError, as `snn2hw.files.read` does.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from snn2hw.files.read import opened

Array = npt.NDArray[Any]

MAGIC = b"\x93NUMPY"
MOST_HEADER = 4096
MOST_AXES = 32
MOST_EXTENT = 1 << 40  # of one axis
MOST_MEMBERS = 1 << 16  # of an archive
UNPACKED, RATIO = 512 << 20, 64  # asked-for arrays may unpack to so many bytes, or to so many times the file
PIECE = 1 << 20
LOCAL = struct.Struct("<4s5H3L2H")  # the header before a member, without its name

_ENTRY = re.compile(
    r"""\s*['"](?:(?P<descr>descr)['"]\s*:\s*['"](?P<type>[^'"]{0,40})['"]
    |(?P<fortran_order>fortran_order)['"]\s*:\s*(?P<order>True|False)
    |(?P<shape>shape)['"]\s*:\s*\((?P<extents>[\d\s,]*)\))\s*(?:,|$)""",
    re.VERBOSE,
)
_TYPE = re.compile(r"[<>=|]?(?P<kind>[biufU])\d{1,4}")
_EXTENTS = re.compile(r"\s*(\d{1,20}\s*(,\s*\d{1,20}\s*)*,?\s*)?")


class _Header:
    """What a .npy header states: type, shape and order of the elements, and the bytes that they take."""

    def __init__(self, file: BinaryIO) -> None:
        start = file.read(len(MAGIC) + 2)
        if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 2:
            raise ValueError("it does not begin as a .npy file does" if start else "No data left in file")
        version = (start[-2], start[-1])
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"version {version[0]}.{version[1]} of .npy, which nothing here reads")
        form = "<H" if version == (1, 0) else "<I"
        stated = file.read(struct.calcsize(form))
        size = struct.unpack(form, stated)[0] if len(stated) == struct.calcsize(form) else MOST_HEADER + 1
        text = file.read(size) if size <= MOST_HEADER else b""
        if not text or len(text) != size:
            raise ValueError("its header is cut off, or longer than a header is")
        self.bytes_before = len(start) + len(stated) + size
        self._parse(text.decode("latin-1" if version < (3, 0) else "utf-8").strip())

    def _parse(self, text: str) -> None:
        found: dict[str, str] = {}
        rest = text[1:-1].strip() if text.startswith("{") and text.endswith("}") else "?"
        while rest and (match := _ENTRY.match(rest)):
            found |= {name: value for name, value in match.groupdict().items() if value is not None}
            rest = rest[match.end() :].strip()
        if rest or found.keys() != {"descr", "type", "fortran_order", "order", "shape", "extents"}:
            raise ValueError(f"its header is not one of an array of numbers: {text[:120]!r}")
        self.dtype = _element(found["type"])
        self.shape = _shape(found["extents"])
        self.order = "F" if found["order"] == "True" else "C"
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize

    def require(self, there: int) -> None:
        """Compare what the elements take with the bytes behind the header."""
        if self.nbytes != there:
            raise ValueError(
                f"its header states {list(self.shape)} of {self.dtype}, which is {self.nbytes} bytes; there are {there}"
            )


def _element(stated: str) -> np.dtype[Any]:
    match = _TYPE.fullmatch(stated)
    try:
        dtype = np.dtype(stated) if match else None
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.hasobject:
        raise ValueError(f"its elements are {stated!r}, no numbers")
    return dtype


def _shape(stated: str) -> tuple[int, ...]:
    shape = tuple(int(n) for n in stated.split(",") if n.strip()) if _EXTENTS.fullmatch(stated) else None
    if shape is None or (len(shape) == 1 and "," not in stated) or len(shape) > MOST_AXES or max(shape, default=0) > MOST_EXTENT:
        raise ValueError(f"({stated[:80]}) is no shape of an array")
    return shape


def read_npy(path: Path) -> Array:
    """The array of a .npy file, which stays on disk until its elements are needed.

    Raises:
        OSError, ValueError: as `snn2hw.files.read` says.
    """
    with opened(path) as file:
        header = _Header(file)
        header.require(os.fstat(file.fileno()).st_size - header.bytes_before)
        if header.size == 0 or not header.shape:
            return _formed(header, file.read(header.nbytes))
        mapped: Any = np.memmap(file, header.dtype, "r", header.bytes_before, header.shape, header.order)  # type: ignore[call-overload]
        mapped.filename = os.path.abspath(path)  # NumPy has it of files that it opens itself; `files/mapped.py` goes by it
        return np.asarray(mapped)


def _formed(header: _Header, data: bytes | bytearray) -> Array:
    formed: Array = np.frombuffer(data, header.dtype, header.size).reshape(header.shape, order=header.order)  # type: ignore[call-overload]
    return formed


@dataclass(frozen=True)
class Place:
    """Where a member of an archive lies in it: first byte, and how many."""

    start: int
    size: int


class Archive:
    """An open .npz file: the names of its arrays, and each array when it is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self.bytes_packed = os.fstat(file.fileno()).st_size
        self.left = max(UNPACKED, RATIO * self.bytes_packed)
        self._zip, self._file = zipfile.ZipFile(file), file
        entries = self._zip.infolist()
        if len(entries) > MOST_MEMBERS or len({e.filename for e in entries}) != len(entries):
            raise ValueError(f"{len(entries)} members, which are too many, or not all of different names")
        self.foreign = [e.filename for e in entries if not e.filename.endswith(".npy")]
        self._entries = {e.filename.removesuffix(".npy"): e for e in entries if e.filename.endswith(".npy")}

    @property
    def names(self) -> list[str]:
        """Of the arrays, in the file's order."""
        return list(self._entries)

    def place(self, name: str) -> Place | None:
        """Where an array lies as it is; None where it is packed."""
        entry = self._entries[name]
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.compress_size != entry.file_size:
            return None
        with self._zip.open(entry):  # compares the local header with that of the directory
            pass
        self._file.seek(entry.header_offset)
        local = self._file.read(LOCAL.size)
        if len(local) != LOCAL.size:
            raise ValueError(f"'{name}' has no header of its own")
        *_, names, extra = LOCAL.unpack(local)
        start = entry.header_offset + LOCAL.size + names + extra
        if start + entry.file_size > self.bytes_packed:
            raise ValueError(f"'{name}' reaches beyond the end of the file")
        return Place(start, entry.file_size)

    def array(self, name: str) -> Array:
        """One array, read and checked."""
        entry = self._entries[name]
        self.left -= entry.file_size
        if self.left < 0:
            raise ValueError(
                f"'{name}' and what was read before it unpack to more than {RATIO} times the file, and {UNPACKED} bytes"
            )
        with self._zip.open(entry) as packed:
            header = _Header(packed)  # type: ignore[arg-type]
            header.require(entry.file_size - header.bytes_before)
            data = bytearray()
            while piece := packed.read(PIECE):  # to the end, where the checksum is compared
                data += piece
                if len(data) > header.nbytes:
                    break
        if len(data) != header.nbytes:
            raise ValueError(f"'{name}' unpacks to another size than the archive states")
        return _formed(header, data)


@contextmanager
def archive(path: Path) -> Iterator[Archive]:
    """An .npz file, open as long as the block lasts.

    Raises:
        OSError, ValueError: as `snn2hw.files.read` says; whatever else reading a damaged archive raises is a ValueError.
    """
    with opened(path) as file:
        try:
            yield Archive(file)
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            LookupError,
            EOFError,
            RuntimeError,  # an encrypted member, or one whose way of packing is not known
            OverflowError,
        ) as error:
            raise ValueError(str(error) or type(error).__name__) from error


def read_arrays(path: Path, wanted: Callable[[str], bool]) -> tuple[dict[str, Array], list[str], list[str]]:
    """(the arrays whose names are wanted, all names, members that are no arrays) of an .npz file; nothing else is unpacked.

    Raises:
        OSError, ValueError: as `snn2hw.files.read` says.
    """
    with archive(path) as found:
        return {name: found.array(name) for name in found.names if wanted(name)}, found.names, found.foreign


def read_stored(path: Path, name: str) -> Array:
    """One array of an .npz file; it stays on disk where it is not packed (`np.savez`), and is then not held against its checksum.

    Raises:
        OSError, ValueError: as `snn2hw.files.read` says. KeyError: there is no such array.
    """
    with archive(path) as found:
        known = name in found.names
        place = found.place(name) if known else None
        if known and place is None:
            return found.array(name)
    if place is None:
        raise KeyError(name)
    with opened(path) as file:
        file.seek(place.start)
        header = _Header(file)
        header.require(place.size - header.bytes_before)
        if header.size == 0 or not header.shape:
            return _formed(header, file.read(header.nbytes))
        mapped: Any = np.memmap(file, header.dtype, "r", place.start + header.bytes_before, header.shape, header.order)  # type: ignore[call-overload]
        mapped.filename = os.path.abspath(path)
        return np.asarray(mapped)
