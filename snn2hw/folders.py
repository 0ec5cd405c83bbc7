"""Folders and files that are written aside and renamed as a whole: nobody sees half of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from snn2hw.errors import UsageError


def free(folder: Path, ours: Callable[[Path], bool], kind: str) -> Path:
    """The folder to write, links followed, after a look at what is there: only what is `ours` may be replaced.

    Raises:
        UsageError: no name, a file, or a folder with something else in it; `kind` is what would have been accepted.
    """
    if not folder.name:
        raise UsageError(
            "the output folder has no name", where=str(folder), got=repr(str(folder)), do="name a folder, such as build/mine"
        )
    folder = folder.resolve() if folder.is_symlink() else folder
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not ours(folder)):
        raise UsageError(
            "the output folder holds something else",
            where=str(folder),
            got=f"files that are no {kind} of snn2hw",
            expected=f"a new folder, an empty one, or an earlier {kind}",
            do="choose another folder",
        )
    return folder


def replace(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a new folder aside, and put it where an earlier one may stand.

    Raises:
        UsageError: it cannot be written; what stood there stands there still, and nothing is left half-written.
    """
    aside, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{part}") for part in ("new", "old"))
    try:
        aside.mkdir(parents=True)
        fill(aside)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except OSError as error:
        raise UsageError(
            "the output folder cannot be written",
            where=str(folder),
            got=error.strerror or str(error),
            do="choose a folder you can write to",
        ) from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file, whose folder exists, where an earlier one may stand; it is on the disk before it has its name.

    Raises:
        UsageError: it cannot be written; what stood there stands there still.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise UsageError(
            "the file cannot be written",
            where=str(path),
            got=error.strerror or str(error),
            expected="a folder that exists and can be written",
            do="choose another folder",
        ) from error
    finally:
        aside.unlink(missing_ok=True)
