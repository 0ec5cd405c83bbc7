"""The bytes of one file of a data set, within a limit, with an error that says what was to be there."""

from __future__ import annotations

import zlib
from pathlib import Path

from snn2hw.errors import DataError
from snn2hw.files import pointers
from snn2hw.files.read import MOST_BYTES, read_bytes

GZIP = b"\x1f\x8b"
WINDOW = 31  # of zlib: a gzip header, the largest window


def content(path: Path, what: str, expected: str, do: str, most: int = MOST_BYTES) -> bytes:
    """The whole of a regular file.

    Args:
        path: the file. what: a name for it in messages, such as "a recording of N-MNIST". expected: what it should be.
        do: how to get it. most: bytes that it may have.

    Raises:
        DataError: it cannot be read, is empty, or a pointer to a file that was not downloaded.
    """
    try:
        data = read_bytes(path, most)
    except OSError as error:
        got = error.strerror or str(error)
        do = "allow yourself to read it" if isinstance(error, PermissionError) else do
        raise DataError(f"{what} cannot be read", where=str(path), got=got, expected=expected, do=do) from error
    if pointers.is_pointer(data):
        raise DataError(f"{what} is not the file itself", where=str(path), got=pointers.GOT, expected=expected, do=pointers.DO)
    if not data:
        raise DataError(f"{what} is empty", where=str(path), got="0 bytes", expected=expected, do=do)
    return data


def unpacked(data: bytes, most: int) -> bytes:
    """The first `most` bytes of what gzip packed, all where it is less.

    Raises:
        ValueError: it is cut off, damaged, or followed by something else.
    """
    unpacker = zlib.decompressobj(WINDOW)
    try:
        made = unpacker.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"damaged gzip: {error}") from error
    if len(made) < most and not unpacker.eof:
        raise ValueError("gzip that is cut off")
    if unpacker.eof and unpacker.unused_data:
        raise ValueError(f"gzip with {len(unpacker.unused_data)} bytes behind its end")
    return made
