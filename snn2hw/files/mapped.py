"""Arrays that lie in a file, sent to other processes as a path and a place: whoever needs the values reads them there."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import Snn2hwError, UsageError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Mapped:
    """A part of a file as an array.

    Args:
        path: absolute. offset: of the first element, in bytes. shape, strides, dtype: as NumPy has them.
        size, modified: of the whole file, bytes and nanoseconds, so that nobody reads another one.
    """

    path: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    size: int
    modified: int

    def array(self) -> Array:
        """The values, which stay on disk until they are used.

        Raises:
            Snn2hwError: the file cannot be read here. UsageError: it has changed meanwhile.
        """
        try:
            now = os.stat(self.path)
            if (now.st_size, now.st_mtime_ns) != (self.size, self.modified):
                raise UsageError(
                    "the file of the samples has changed while it was read",
                    where=self.path,
                    got=f"{now.st_size} bytes, or written anew",
                    expected=f"the {self.size} bytes that were there at the start",
                    do="leave the file alone until the work is done; give every worker the same file",
                )
            whole = np.memmap(self.path, np.uint8, "r")
        except (OSError, ValueError) as error:
            raise Snn2hwError(
                "a worker cannot read the samples",
                where=self.path,
                got=str(error),
                expected="the file that the samples were opened from, at the same place for every worker",
                do="put it on storage that all workers share, or load it first: np.load(path) sends its values",
            ) from error
        found: Array = np.ndarray(self.shape, self.dtype, buffer=whole, offset=self.offset, strides=self.strides)
        return found


def mapped(x: Array) -> Array | Mapped:
    """The array as a place in a file where it lies in one; else the array itself.

    Args:
        x: any array; views of a memory map are found as what they are.
    """
    root: Any = x
    while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
        root = root.base
    if not (isinstance(root, np.memmap) and isinstance(root.base, mmap.mmap) and root.filename is not None):
        return x
    if any(s < 0 for s in x.strides) or root.mode != "r":
        return x  # a map that can be written may have other values than the file
    path = os.path.abspath(root.filename)
    try:
        there = os.stat(path)
    except OSError:  # removed meanwhile; the map still has it
        return x
    offset = root.offset + _address(x) - _address(root)
    return Mapped(path, offset, x.shape, x.strides, x.dtype, there.st_size, there.st_mtime_ns)


def _address(x: Array) -> int:
    return int(x.__array_interface__["data"][0])


def unmapped(x: Array | Mapped) -> Array:
    """The array again."""
    return x.array() if isinstance(x, Mapped) else x
