"""What data sets on disk have in common: saying what was expected in a folder, and a bar while one is scanned."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from snn2hw.errors import DataError, UsageError
from snn2hw.files.read import is_folder

Item = TypeVar("Item")
SHOWN = 5
SPLITS = ("train", "test")


def listed(folder: Path) -> list[str]:
    """The names in a folder, in the order of their bytes.

    Raises:
        DataError: it cannot be listed.
    """
    try:
        return sorted(os.listdir(folder), key=os.fsencode)
    except OSError as error:
        raise DataError(
            "a folder cannot be listed",
            where=str(folder),
            got=error.strerror or type(error).__name__,
            expected="a folder that you may read",
            do="check the path and its permissions",
        ) from error


def given_folder(root: str | os.PathLike[str]) -> Path:
    """The path of a data set's folder as its user gives it, absolute, so that it stays the same wherever one goes later.

    Raises:
        UsageError: it is no path.
    """
    path = _given(root, "root", "the folder of a data set", "the folder that holds the set")
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no name of a file: who looks into it says what is missing
        return path


def given_file(path: str | os.PathLike[str]) -> Path:
    """The path of a file as its user gives it.

    Raises:
        UsageError: it is no path.
    """
    return _given(path, "path", "the file to read", "the path of the file")


def _given(given: object, where: str, what: str, do: str) -> Path:
    if not isinstance(given, (str, os.PathLike)) or not isinstance(path := os.fspath(given), str):
        raise UsageError(
            f"{what} is no path",
            where=where,
            got=repr(given)[:80],
            expected="a str or a pathlib.Path",
            do=f"pass {do}; an environment variable that is not set gives None",
        )
    return Path(path)


def wrong_folder(what: str, folder: Path, expected: str, do: str) -> DataError:
    """The error for a folder in which the data set `what` is not; it says what is there instead.

    Args:
        expected: what would be in the right one. do: how to get it.
    """
    if not is_folder(folder):
        got = "a file" if os.path.exists(folder) else "no such folder"
    else:
        names = [name + "/" * is_folder(folder / name) for name in listed(folder)]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        got = ", ".join(names[:SHOWN]) + more if names else "an empty folder"
    return DataError(f"{what} is not in this folder", where=str(folder), got=got, expected=expected, do=do)


def still_there(path: Path, what: str, do: str) -> os.stat_result:
    """What the system says of a recording that was there when the data set was opened.

    Args:
        path: of the recording. what: the data set. do: how to get it again.

    Raises:
        DataError: it is gone.
    """
    try:
        return path.stat()
    except OSError as error:
        raise DataError(
            f"a recording of {what} is gone",
            where=str(path),
            got=error.strerror or type(error).__name__,
            expected="the recordings that were there when the folder was opened",
            do=do,
        ) from error


def no_recordings(what: str, where: Path, got: str, expected: str, do: str) -> DataError:
    """The error for a split of the data set `what` in which there is nothing.

    Args:
        where: the folder, or the list of the split. got: what there is instead. expected: what would be in it.
        do: how to get the set.
    """
    return DataError(f"a split of {what} has no recordings", where=str(where), got=got, expected=expected, do=do)


def scanned(items: Collection[Item], says: str) -> Iterator[Item]:
    """The items, with a bar on standard error while they are gone through, where that is a terminal."""
    console = Console(file=sys.stderr)
    yield from track(items, description=says, console=console, transient=True, disable=not console.is_terminal)
