"""Where an output leads, and what is there; what the system says about it, in words of ours."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from snn2hw.errors import UsageError

A_FILE, A_FOLDER = "a file", "a folder"
NODES = {
    stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket",
    stat.S_IFREG: A_FILE, stat.S_IFDIR: A_FOLDER,
}  # fmt: skip


def found(path: Path) -> tuple[Path, str | None]:
    """Where a name leads, and what is there: nothing (None), or its kind in words."""
    try:
        linked = stat.S_ISLNK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return path, None
    if not linked and path.name != "..":
        return path, _what(path)
    place = Path(os.path.realpath(path))
    return place, _what(place) or "a symbolic link that leads nowhere"


def _what(path: Path) -> str | None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    return NODES.get(stat.S_IFMT(mode), "something that is neither file nor folder")


def check_rights(place: Path) -> None:
    """Whether something can be made in a folder; where it is not there, in the nearest that leads to it.

    Raises:
        PermissionError, NotADirectoryError: it cannot.
    """
    while not os.path.lexists(place):
        place = place.parent
    if not os.path.isdir(place):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def parents(folder: Path) -> Iterator[None]:
    """Folders that lead to a name are made, and go again where nothing is written."""
    missing, made = [], []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    try:
        for folder in reversed(missing):
            with suppress(FileExistsError):
                os.mkdir(folder)
                made.append(folder)
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                os.rmdir(folder)
        raise


@contextmanager
def named(what: str, path: Path) -> Iterator[None]:
    """What the system says becomes an error of ours."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise UsageError(
            what,
            where=str(path),
            got=getattr(error, "strerror", None) or str(error),
            do="choose a folder you can write to",
        ) from error
