"""How a single file of ours is known, and whether it is as it was written: it ends in the sha256 of all that comes before.

A zip archive has the seal as its comment; readers of HDF5, PNG and HTML pass over what stands behind the end.
"""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from snn2hw.files.read import opened

MARK = b"snn2hw sha256:"
BLANK = MARK + b"0" * 64  # ends the content that is to be sealed
TAILS = (b"", b"\n", b" -->\n", b'"}\n')  # what may follow: the end of a comment, or of a JSON object whose last value it is
END = len(BLANK) + max(map(len, TAILS))
CHUNK = 1 << 20


def seal(file: BinaryIO) -> None:
    """Fill in the blank seal at the end of a file that is open for reading and writing."""
    at, _ = _found(file)
    digest = _digest(file, at)
    file.seek(at + len(MARK))
    file.write(digest)


def sealed(path: Path) -> bool | None:
    """Whether a regular file is as it was sealed; None where it has no seal.

    Raises:
        OSError: it cannot be read.
    """
    with opened(path) as file:
        try:
            at, stated = _found(file)
        except ValueError:
            return None
        return _digest(file, at) == stated


def content(data: bytes) -> bytes:
    """What was sealed, without its seal; the data themselves where they have none that fits them.

    The content of a file that states its own size, as HDF5 does, ends before the seal.
    """
    try:
        at, stated = _found(file := BytesIO(data))
    except ValueError:
        return data
    return data[:at] if _digest(file, at) == stated else data


def _found(file: BinaryIO) -> tuple[int, bytes]:
    """Where the seal begins, and its digest."""
    size = file.seek(0, os.SEEK_END)
    start = max(size - END, 0)
    file.seek(start)
    end = file.read()
    at = end.rfind(MARK)
    digest, tail = end[at + len(MARK) : at + len(BLANK)], end[at + len(BLANK) :]
    if at < 0 or len(digest) != 64 or tail not in TAILS:
        raise ValueError("no seal")
    return start + at, digest


def _digest(file: BinaryIO, size: int) -> bytes:
    """Of the first bytes."""
    file.seek(0)
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest().encode()
