"""How a folder of ours is known: its manifest.json lists the sha256 of every file that was written into it.

While a folder is written from the inside (`write`), its new files stand in a folder COMMIT within it until each has its name.
`standing` says where a file is then, so that a reader finds either all the old ones or all the new ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.files.read import json_value, read_bytes

RECORD, COMMIT = "manifest.json", ".snn2hw-commit"
MOST = 16 << 20  # bytes of a manifest that is looked at
DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Kind:
    """A kind of folder that snn2hw writes.

    Args:
        says: what it is called in a message, such as "artefact".
        marks: files that the manifest of every folder of this kind lists.
        names: all that snn2hw may have put there, for folders without a manifest of this form.
        edited: whether people edit its files, so that one which was changed is not replaced unasked.
        alone: whether a file of somebody else's in it is refused; otherwise such files stay as they are.
        former: whether a folder without such a manifest is one that an earlier version wrote.
    """

    says: str
    marks: frozenset[str]
    names: frozenset[str] = frozenset()
    edited: bool = False
    alone: bool = False
    former: Callable[[Path], bool] | None = None


@dataclass(frozen=True)
class Record:
    """What a manifest says: files with their sha256, and names of what is made from them (object files)."""

    files: Mapping[str, str]
    made: tuple[str, ...]
    content: Mapping[str, Any]

    @property
    def own(self) -> set[str]:
        """Every name that is ours in the folder."""
        return {RECORD, *self.files, *self.made}


def sha256(data: bytes) -> str:
    """Hex digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def recorded(files: Mapping[str, bytes], facts: Mapping[str, Any], made: Iterable[str] = ()) -> dict[str, bytes]:
    """The files and a manifest that lists them, under what else it says.

    Args:
        files: content by name. facts: what the manifest says besides, JSON values by name.
        made: names of files that will be made of these and may be replaced with them.
    """
    content = {**facts, "files": {name: sha256(data) for name, data in files.items()}, "made": list(made)}
    return {**files, RECORD: (json.dumps(content, indent=2) + "\n").encode()}


def read_record(path: Path, kind: Kind | None = None) -> Record | None:
    """What a manifest says, of this kind where one is given; None where there is none of ours.

    Raises:
        OSError: there is one, and it cannot be looked at.
    """
    try:
        content = json_value(read_bytes(path, MOST))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        if is_regular(path):
            raise
        return None
    files = content.get("files") if isinstance(content, dict) else None
    made = content.get("made", []) if isinstance(content, dict) else None
    if not isinstance(files, dict) or not isinstance(made, list) or not files:
        return None
    if not all(isinstance(d, str) and DIGEST.fullmatch(d) for d in files.values()) or not all(map(_plain, [*files, *made])):
        return None
    if kind is not None and not kind.marks <= set(files):
        return None
    return Record(files, tuple(made), content)


def _plain(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..", RECORD) and "/" not in name and "\0" not in name


def is_regular(path: Path) -> bool:
    """Whether this very name is a regular file: no link, no folder, no node."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def changed(folder: Path, record: Record) -> list[str]:
    """Files that are not as they were written; those that are gone do not count."""
    there = {name: path for name in record.files if is_regular(path := standing(folder, name))}
    return [name for name, path in there.items() if sha256(read_bytes(path)) != record.files[name]]


def standing(folder: Path, name: str) -> Path:
    """Where a file of a folder is: under its name, or in a commit that was not finished."""
    committed = folder / COMMIT / name
    return committed if os.path.exists(committed) else folder / name  # False for names that the system does not take


def finish(folder: Path) -> None:
    """Give every file of an unfinished commit its name, the manifest last; nothing happens where there is no commit.

    It can be killed at any moment and called again. What the manifest before lists and the new one does not is removed, where
    it is as it was written.
    """
    commit = folder / COMMIT
    if commit.is_symlink():
        return
    try:
        names = sorted(os.listdir(commit), key=lambda name: (name == RECORD, name))
    except (FileNotFoundError, NotADirectoryError):
        return
    after, before = read_record(commit / RECORD), read_record(folder / RECORD)
    if after is not None and before is not None:
        edited = changed(folder, before)
        for name in sorted(before.own - after.own - set(edited)):
            if is_regular(folder / name):
                os.unlink(folder / name)
        for name in set(before.made) - set(names):  # made from what is replaced
            if is_regular(folder / name):
                os.unlink(folder / name)
    for name in names:
        os.replace(commit / name, folder / name)
    os.rmdir(commit)
