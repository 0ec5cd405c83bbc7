"""The one module that writes what a user sees: a folder of ours, or a file, as a whole.

Whoever reads finds what was there before or what is there now, at any moment, also after a kill, a full disk or a lost
supply. What is not ours is never touched:

    a folder  that does not exist, is empty, or holds a manifest of its kind, may be written; of the latter only the files
              which that manifest lists are replaced, and somebody else's files beside them stay as they are
    a file    that does not exist, or that is as snn2hw wrote it (`seal`), may be written; others are, with force;
              where its kind is said (`kinds`), its name must end so, and only one of the same kind is replaced
    a node    (device, FIFO, socket), a link to nothing, a file for a folder or the other way round: refused

A folder with nothing else in it is written beside and exchanged with its name, in one call of the system. Where there is
something else in it, or the system cannot do that, its files are written within it and given their names one by one
(`record.COMMIT`): readers take those that have theirs already from there, and those that have not from the commit.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from snn2hw.errors import UsageError
from snn2hw.files import leftovers
from snn2hw.files.disk import create, exchange, rename_new, sync_folder
from snn2hw.files.kinds import FileKind, check_kind, check_name
from snn2hw.files.npz import write_arrays
from snn2hw.files.places import A_FILE, A_FOLDER, check_rights, found, named, parents
from snn2hw.files.record import COMMIT, RECORD, Kind, Record, changed, finish, is_regular, read_record, standing
from snn2hw.files.seal import seal, sealed

FOLDER, FILE = "the output folder cannot be written", "the file cannot be written"
SHOWN = 4
Content = bytes | Callable[[BinaryIO], object]


# folders


def check_folder(path: Path, kind: Kind, *, force: bool = False) -> Path:
    """The folder to write, its last link followed, after a look at what is there.

    Args:
        path: where it is to be. kind: says what one of ours looks like, and whether people edit it.
        force: whether files of ours that were edited may be replaced.

    Raises:
        UsageError: something is there that snn2hw did not write, or that somebody edited, or the folder cannot be written;
            nothing was touched.
    """
    with named(FOLDER, path):
        place = _looked_at(path, kind, (), force)[0]
        if not os.access(place, os.W_OK | os.X_OK):  # else it is written within, or beside
            check_rights(place.parent)
        return place


def write_folder(path: Path, files: Mapping[str, bytes], kind: Kind, *, force: bool = False) -> Path:
    """Write a folder with these files, one of which is the manifest that lists the others; returns it, links followed.

    Args:
        path, kind, force: as in `check_folder`. files: content by name, without folders in them.

    Raises:
        UsageError: as `check_folder`, or the folder cannot be written; what stood there stands there still.
    """
    assert RECORD in files
    with named(FOLDER, path):
        place, _ = _looked_at(path, kind, files, force)
        with parents(place.parent), leftovers.held(place.parent), leftovers.held(place):
            finish(place)
            place, before = _looked_at(path, kind, files, force)
            own = before.own if before is not None else set()
            if not (_alone(place, own) and _write_beside(place, files, own)):
                _write_within(place, files)
    return place


def _looked_at(path: Path, kind: Kind, files: Iterable[str], force: bool) -> tuple[Path, Record | None]:
    """The place to write, and the manifest that is there."""
    if not path.name:
        raise UsageError(
            "the output folder has no name", where=str(path), got=repr(str(path)), do="name a folder, such as build/mine"
        )
    place, what = found(path)
    if what is None:
        return place, None
    if what != A_FOLDER:
        raise UsageError(
            "the output is no folder", where=str(path), got=what, expected=_expected(kind), do="choose another folder"
        )
    names = {name for name in os.listdir(place) if not leftovers.is_leftover(name)}
    record = read_record(standing(place, RECORD), kind)
    if not names and record is None:
        return place, None
    former = record is None and kind.former is not None and kind.former(place)
    if record is None and not (force and former):
        _refuse_foreign(path, kind, names, former=former)
    before = read_record(place / RECORD, kind)  # another one, where a commit was not finished
    own = set(kind.names) if record is None else record.own | (before.own if before is not None else set())
    foreign = names - own
    clashing = [name for name in sorted(names) if name in (own | set(files)) and not is_regular(place / name)]
    clashing += [] if record is None else sorted(foreign & set(files))
    if (kind.alone and foreign) or clashing:
        _refuse_foreign(path, kind, set(clashing) or foreign)
    if kind.edited and not force and record is not None and (edited := changed(place, record)):
        raise UsageError(
            f"files of this {kind.says} were edited after snn2hw wrote them",
            where=str(path),
            got=_few(edited),
            expected="the files as they were written",
            do="keep them in another folder; or overwrite them with --force (force=True)",
        )
    return place, record


def _refuse_foreign(path: Path, kind: Kind, names: set[str], *, former: bool = False) -> None:
    remedy = "choose another folder"
    raise UsageError(
        "the output folder holds something else",
        where=str(path),
        got=f"{_few(names)}, " + ("written by a version that kept no checksums" if former else "which snn2hw did not write"),
        expected=_expected(kind),
        do=f"{remedy}; or overwrite it with --force (force=True)" if former else remedy,
    )


def _expected(kind: Kind) -> str:
    return f"a new folder, an empty one, or an earlier {kind.says}"


def _few(names: set[str] | list[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")


def _alone(place: Path, own: set[str]) -> bool:
    """Whether the folder may be replaced as a whole: nothing in it but ours, and nobody here works in it."""
    try:
        names = set(os.listdir(place))
    except FileNotFoundError:
        return True
    with suppress(OSError):
        if Path.cwd().samefile(place):
            return False
    return names <= own


def _write_beside(place: Path, files: Mapping[str, bytes], own: set[str]) -> bool:
    """Write a folder beside and exchange it; False, with nothing done, where that cannot be done here."""
    there = place.is_dir()
    aside = leftovers.fresh(place.parent, leftovers.NEW)
    try:
        os.mkdir(aside)
    except OSError as error:
        if not there or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return False  # a folder to write in one that is not
    try:
        _fill(aside, files)
        if not there:
            rename_new(aside, place)
        else:
            os.chmod(aside, stat.S_IMODE(os.stat(place).st_mode))
            swap = leftovers.fresh(place.parent, leftovers.SWAP)
            os.rename(aside, swap)
            aside = swap
            if not exchange(aside, place):
                return False
            if not set(os.listdir(aside)) <= own:
                exchange(aside, place)  # somebody put a file there this moment
                return False
        sync_folder(place.parent)
        return True
    finally:
        leftovers.remove(aside)


def _write_within(place: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder in the folder, and give each its name from there."""
    aside = leftovers.fresh(place, leftovers.NEW)
    try:
        os.mkdir(aside)
        _fill(aside, files)
        os.rename(aside, place / COMMIT)  # from here on the new files are those of the folder
        sync_folder(place)
        finish(place)
        sync_folder(place)
    finally:
        leftovers.remove(aside)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in sorted(files, key=lambda name: (name == RECORD, name)):
        create(folder / name, files[name])
    sync_folder(folder)


# files


def check_file(path: Path, kind: FileKind | None = None, *, force: bool = False) -> Path:
    """The file to write, its last link followed, after a look at what is there.

    Args:
        path: where it is to be. kind: of what is to be written; None: of none that a name or a content would tell.
        force: whether any regular file may be replaced, not only one of this kind that is as snn2hw wrote it.

    Raises:
        UsageError: something is there that may not be replaced, the name is of another kind, or the folder cannot be written;
            nothing was touched.
    """
    with named(FILE, path):
        place, what = found(path)
        if what not in (None, A_FILE):
            raise UsageError(
                "the output is no file",
                where=str(path),
                got=str(what),
                expected="a new file, or one that snn2hw wrote",
                do="choose another name",
            )
        if kind is not None:
            check_name(path, kind.says, kind.ending)
        check_rights(place.parent)
        if what is None or force:
            return place
        as_it_was = sealed(place)
        if not as_it_was:
            raise UsageError(
                "the output file is not as snn2hw wrote it",
                where=str(path),
                got="a file that " + ("snn2hw did not write" if as_it_was is None else "was edited since"),
                expected="a new file, or one that snn2hw wrote",
                do="choose another name, or remove the file",
            )
        if kind is not None:
            check_kind(path, place, kind)
        return place


def write_file(path: Path, content: Content, *, sealing: bool = False, force: bool = False) -> None:
    """Write a file as a whole; folders that lead to it are made.

    Args:
        path: where it is to be, its last link followed.
        content: bytes, or a function that writes them into a file open for reading and writing.
        sealing: fill in the blank seal with which the content ends (`seal.BLANK`), by which it may be replaced later.
        force: as in `check_file`.

    Raises:
        UsageError: as `check_file`, or the file cannot be written; what stood there stands there still.
    """

    def sealed_content(file: BinaryIO) -> None:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        if sealing:
            seal(file)

    place = check_file(path, force=force)
    with named(FILE, path), parents(place.parent), leftovers.held(place.parent):
        there = os.path.lexists(check_file(path, force=force))
        aside = leftovers.fresh(place.parent, leftovers.FILE)
        try:
            create(aside, sealed_content)
            if there:
                os.replace(aside, place)
            else:
                rename_new(aside, place)
            sync_folder(place.parent)
        finally:
            leftovers.remove(aside)


def write_npz(path: Path, arrays: Mapping[str, Any], level: int = 6, *, comment: bytes = b"", force: bool = True) -> None:
    """Arrays as an .npz file (`npz`); `comment=BLANK` seals it.

    Args:
        path: of the file. arrays: by name. level: of deflation, 0 to 9. force: as in `check_file`.

    Raises:
        UsageError: as `write_file`.
    """
    write_file(path, lambda file: write_arrays(file, arrays, level, comment), sealing=bool(comment), force=force)


def remove_file(path: Path) -> None:
    """Remove a regular file where there is one.

    Raises:
        UsageError: it cannot be removed, or something else has this name.
    """
    check_file(path, force=True)
    with named("the file cannot be removed", path):
        path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder, with those that lead to it, where there is none.

    Raises:
        UsageError: it cannot be made, or something else has this name.
    """
    with named("the output folder cannot be made", path):
        path.mkdir(parents=True, exist_ok=True)
