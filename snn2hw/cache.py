"""Where what is made once is kept between runs: nobody else can write there, one makes at a time, leftovers are swept.

What lies in the cache is loaded into this process and run. So a folder is used only where its owner is this user and nobody
else could put a file into it; an entry is checked before it is loaded, and made anew where it is damaged.
"""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep, time
from uuid import uuid4

from snn2hw.errors import Snn2hwWarning
from snn2hw.run.forks import close, own, unforked

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CACHE_VARIABLE = "SNN2HW_CACHE"
OTHERS, PRIVATE = stat.S_IWGRP | stat.S_IWOTH, 0o700
SHORT, LONG = 0.005, 0.1  # seconds between two looks at a lock
OLD = 86400.0  # seconds after which a leftover is swept where the file system has no locks
LOCK, WORK = ".lock", ".work"


def cache_folder() -> Path:
    """$SNN2HW_CACHE, else the user's cache folder."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snn2hw"


def private(name: str = "", *, make: bool = True) -> Path:
    """The folder `name` of the cache, or the cache itself, to which nobody else can write.

    Where others could write to it, the same folder below the folder for temporary files, and a warning says so.

    Args:
        make: whether it is made where it is not there; with mode 700.

    Raises:
        OSError: it cannot be made.
    """
    base = cache_folder()
    for folder in dict.fromkeys((base, base / name)):
        if why := exposed(folder):
            _warn(folder, why)
            base = _own()
            break
        if make:
            _make(folder)
    if make:
        _make(base / name)
    return base / name


def exposed(folder: Path) -> str:
    """Who else could put files into a folder, or another folder in its place; empty where nobody could."""
    if os.name != "posix":
        return ""
    whole = folder.resolve()
    for part in (whole, *whole.parents):
        try:
            facts = part.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue  # it would be made by us
        if facts.st_uid not in (os.geteuid(), 0):
            return f"{part} belongs to another user (number {facts.st_uid})"
        # In a folder like /tmp, nobody can take the place of what is somebody else's.
        if _others_write(facts) and not (part != whole and facts.st_mode & stat.S_ISVTX):
            return f"{part} can be written by other users"
    return ""


def read_kept(path: Path) -> bytes | None:
    """The bytes of a file of the cache; None where it is not there, no plain file, or one that others could have written."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            theirs = os.name == "posix" and (facts.st_uid not in (os.geteuid(), 0) or _others_write(facts))
            return None if theirs or not stat.S_ISREG(facts.st_mode) else file.read()
    except OSError:
        return None


def _others_write(facts: os.stat_result) -> bool:
    writing = facts.st_mode & OTHERS
    if facts.st_gid in (0, os.geteuid()):  # root's group, or the user's own, in which nobody else is
        writing &= ~stat.S_IWGRP
    return bool(writing)


def _make(folder: Path) -> None:
    for part in reversed((folder, *folder.parents)):
        if not os.path.lexists(part):
            with suppress(FileExistsError):
                part.mkdir(mode=PRIVATE)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if CACHE_VARIABLE not in os.environ and os.name == "posix":
        facts = folder.stat()
        if facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) != PRIVATE:
            folder.chmod(PRIVATE)  # of an earlier version


_WARNED: set[str] = set()


def _warn(folder: Path, why: str) -> None:
    if why in _WARNED:
        return
    _WARNED.add(why)
    warnings.warn(
        Snn2hwWarning(
            "others could put files into the cache folder, so that it is not used",
            where=str(folder),
            got=why,
            expected="a folder of your own, to which nobody else can write",
            do=f"set {CACHE_VARIABLE} to such a folder, or take this right from the others; {_own()} is used until then",
        ),
        stacklevel=4,
    )


def _own() -> Path:
    """A folder for temporary files of this user; of this process, where somebody has taken its name."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    folder = Path(tempfile.gettempdir()) / f"snn2hw-{user}"
    with suppress(OSError):
        folder.mkdir(mode=PRIVATE)
    facts = folder.lstat()
    mine = stat.S_ISDIR(facts.st_mode) and facts.st_uid == user and stat.S_IMODE(facts.st_mode) == PRIVATE
    return folder if mine and not exposed(folder) else _of_process()


@lru_cache(maxsize=1)
def _of_process() -> Path:
    folder, process = Path(tempfile.mkdtemp(prefix="snn2hw-")), os.getpid()
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # and not a child of a fork
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def making(entry: Path, limit: float) -> Iterator[Path]:
    """An empty folder beside an entry of the cache in which it is made, while no other thread or process makes the same.

    Look again whether the entry is there: somebody may have been faster. `put` gives what was made its name. The folder goes
    at the end; what a killed process left goes when the next entry is made.

    Args:
        limit: seconds to wait for another maker; then both make it, each aside.

    Raises:
        OSError: the folder of the entry cannot be written.
    """
    sweep(entry.parent)
    with _locked(entry.parent / f".{entry.name}{LOCK}", limit) as lock:
        work = lock.with_suffix(WORK)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=PRIVATE)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def put(made: Path, entry: Path) -> None:
    """Give a file or folder, made in the folder of `making`, the name of its entry; what stood there goes."""
    if made.is_dir() and os.path.lexists(entry):
        entry.rename(made.with_name(f"{made.name}.old"))
    made.replace(entry)


def sweep(folder: Path) -> None:
    """Remove what makers that were killed have left in a folder; what others are making stays."""
    for lock in folder.glob(f".*{LOCK}"):
        with suppress(OSError):
            descriptor, taken = _opened(lock, create=False)
            try:
                old = time() - os.fstat(descriptor).st_mtime > OLD
                if (taken and _is_same(descriptor, lock)) or (taken is None and old):
                    shutil.rmtree(lock.with_suffix(WORK), ignore_errors=True)
                    lock.unlink()
            finally:
                close(descriptor)


@contextmanager
def _locked(wanted: Path, limit: float) -> Iterator[Path]:
    """A lock file that is ours: this one, or one of another name where this cannot be had within the limit."""
    end, pause, lock = monotonic() + limit, SHORT, wanted
    while True:
        descriptor, taken = _opened(lock)
        if (taken and _is_same(descriptor, lock)) or (taken is None and lock != wanted):
            break
        close(descriptor)
        if taken is None or monotonic() > end:  # no locks here, or a maker that does not come to an end
            lock = wanted.with_name(f"{wanted.stem}-{uuid4().hex[:8]}{LOCK}")
        elif not taken:
            sleep(pause)
            pause = min(2 * pause, LONG)
    try:
        yield lock
    finally:
        lock.unlink(missing_ok=True)
        close(descriptor)


def _opened(lock: Path, create: bool = True) -> tuple[int, bool | None]:
    """A descriptor of the lock file, and whether its lock is ours now; None where the file system has no locks.

    The system frees the lock when we end, in whatever way: no number of a process is written down that could be another's later,
    or mean nothing in another container.
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | os.O_CREAT * create
    with unforked():
        descriptor = own(os.open(lock, flags, 0o600))
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor, True
        except BlockingIOError:
            return descriptor, False
        except OSError:
            pass
    return descriptor, None


def _is_same(descriptor: int, lock: Path) -> bool:
    """Whether the file still has its name: who had the lock before has removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    except FileNotFoundError:
        return False
