"""The kinds of single files that snn2hw writes and seals: how their names end, and how one is told from another.

A seal says that a file is ours, not what is in it: a mapping must not become a report because somebody mistyped a name.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from snn2hw.errors import UsageError
from snn2hw.files.read import opened

STIMULUS = "payloads.npy"  # of a trace; constants of a layer have a dot before that of the ending


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Args:
        says: what people call one. ending: of its name. holds: whether a file that is open for reading, and ours, is one.
    """

    says: str
    ending: str
    holds: Callable[[BinaryIO], bool]


def _begins(mark: bytes) -> Callable[[BinaryIO], bool]:
    return lambda file: file.read(len(mark)) == mark


def _arrays(*, stimulus: bool) -> Callable[[BinaryIO], bool]:
    """An .npz file with the stimulus of a run, or without."""

    def holds(file: BinaryIO) -> bool:
        try:
            with zipfile.ZipFile(file) as archive:
                return (STIMULUS in archive.namelist()) == stimulus
        except zipfile.BadZipFile:
            return False

    return holds


REPORT = FileKind("a report", ".html", _begins(b"<!doctype html>"))
PICTURE = FileKind("a picture", ".png", _begins(b"\x89PNG"))
MAPPING = FileKind("a mapping", ".json", _begins(b'{"version"'))
NIR_FILE = FileKind("a NIR file", ".nir", _begins(b"\x89HDF"))
TRACE = FileKind("a trace", ".npz", _arrays(stimulus=True))
CONSTANTS = FileKind("a file of constants", ".npz", _arrays(stimulus=False))
KINDS = (REPORT, PICTURE, MAPPING, NIR_FILE, TRACE, CONSTANTS)


def check_name(path: Path, says: str, ending: str) -> None:
    """Refuse a name by which nobody would find what is in the file.

    Args:
        path: of the file. says: what people call one. ending: that the name must have, in large or small letters.

    Raises:
        UsageError: the name ends otherwise.
    """
    if path.suffix.lower() != ending:
        raise UsageError(
            f"this is no name for {says}", got=str(path), expected=f"*{ending}", do=f"name it so, such as net{ending}"
        )


def check_kind(path: Path, place: Path, kind: FileKind) -> None:
    """Refuse to replace a sealed file by one of another kind.

    Args:
        path: as the user names it. place: where it lies. kind: of what is to be written.

    Raises:
        UsageError: the file is of another kind.
    """
    found = next((each for each in KINDS if _is_one(place, each)), None)
    if found is not kind:
        raise UsageError(
            "the output file is another result of snn2hw",
            where=str(path),
            got="a file of no kind that is known" if found is None else found.says,
            expected=f"a new file, or {kind.says} that snn2hw wrote",
            do="choose another name, or remove the file",
        )


def _is_one(place: Path, kind: FileKind) -> bool:
    with opened(place) as file:
        return kind.holds(file)
