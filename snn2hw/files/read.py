"""Bytes that a user gives are read here, and nowhere else: regular files only, and no more than was asked for.

Every function of this module raises one of two errors, which its caller turns into a message with place and remedy:

    OSError      the path cannot be opened, is no regular file (a FIFO, a device, a folder), or is larger than the caller takes
    ValueError   the content is not what it should be; the text says in which way

What a file states about its own size is compared with the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 1 << 30  # of a file that is read as a whole: a model, packed weights
MOST_TEXT = 64 << 20  # of a JSON file
MOST_TOML = 64 << 10  # of a TOML file; its parser takes quadratic time for some texts
MOST_VALUES = 4_000_000  # of a JSON text: each is some 60 bytes in memory
MOST_DEPTH = 64  # of JSON and TOML; nothing that snn2hw writes is deeper than 12
MOST_DOTS = 200  # in a line of TOML
KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


def is_file(path: str | Path) -> bool:
    """Whether a regular file can be found here; False, too, for names that the system does not take."""
    return os.path.isfile(path)


def is_folder(path: str | Path) -> bool:
    """Whether a folder can be found here; False, too, for names that the system does not take."""
    return os.path.isdir(path)


def opened(path: str | Path, most: int | None = None) -> BinaryIO:
    """A regular file, opened for reading; nothing else is opened, so that no FIFO is waited for.

    Args:
        most: bytes that it may have.

    Raises:
        OSError: as the module says.
    """
    try:
        _require_regular(os.stat(path), most)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except ValueError as error:  # a NUL character, or one that no file name can have
        raise OSError(errno.EINVAL, f"no name of a file: {error}") from error
    try:
        _require_regular(os.fstat(descriptor), most)  # once more: another file may have taken the name
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _require_regular(status: os.stat_result, most: int | None) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"{KINDS.get(kind, 'something else')}, not a file")
    if most is not None and status.st_size > most:
        raise OSError(errno.EFBIG, f"{status.st_size} bytes, more than the {most} that are read")


def read_bytes(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: as the module says.
    """
    with opened(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(size)
        if len(data) != size or file.read(1):
            raise OSError(errno.EIO, f"it has another size than the {size} bytes that the system states")
        return data


def json_value(data: bytes | str, *, constants: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        constants: whether NaN and Infinity, which are no JSON, are taken.

    Raises:
        ValueError: no JSON, a key twice in one object, a number that no float holds, too many values, or nested too deep.
    """
    if len(data) > MOST_TEXT:
        raise ValueError(f"{len(data)} bytes, more than the {MOST_TEXT} that are read")
    marks: Iterable[Any] = (b",", b"[", b"{") if isinstance(data, bytes) else (",", "[", "{")
    if sum(data.count(mark) for mark in marks) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    try:
        value = json.loads(
            data,
            object_pairs_hook=_without_doubles,
            parse_float=float if constants else _finite,
            parse_constant=None if constants else _no_constant,
        )
    except RecursionError as error:
        raise ValueError(f"nested deeper than {MOST_DEPTH}") from error
    _require_shallow(value)
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return made


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"{text[:40]} is beyond every float")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def toml_value(data: bytes) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: no TOML, no UTF-8, too long, or nested too deep.
    """
    if len(data) > MOST_TOML:
        raise ValueError(f"{len(data)} bytes, more than the {MOST_TOML} that are read")
    if any(line.count(b".") > MOST_DOTS for line in data.splitlines()):
        raise ValueError(f"a line with more than {MOST_DOTS} dots")
    try:
        value: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError(f"nested deeper than {MOST_DEPTH}") from error
    _require_shallow(value)
    return value


def _require_shallow(value: Any) -> None:
    """Level by level, for a function that calls itself would meet the same fault."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            member
            for outer in level
            if isinstance(outer, dict | list)
            for member in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(member, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"nested deeper than {MOST_DEPTH}")
