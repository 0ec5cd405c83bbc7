"""Names of what is half written: a killed process leaves them, the next one that writes there sweeps them.

Whoever writes in a folder holds a lock on it, which the system takes back from a process that dies. So a name of this
form that is found under the lock belongs to nobody alive on this machine, whatever became of process numbers since.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.files.record import COMMIT, RECORD, is_regular, read_record

NEW, SWAP, FILE = "new", "swap", "file"  # a folder being filled, one being exchanged, a file being written
NAME = re.compile(r"\.snn2hw-([0-9a-f]{12})-[0-9a-f]{12}\.(new|swap|file)")
SECONDS = 60.0  # that another writer is waited for


@lru_cache(maxsize=1)
def _machine() -> str:
    """Twelve digits of this machine: locks of another one may not reach here."""
    try:
        identity = Path("/etc/machine-id").read_bytes()
    except OSError:
        identity = b""
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return hashlib.sha256(identity or host.encode()).hexdigest()[:12]


def fresh(folder: Path, kind: str) -> Path:
    """A free name in a folder for what is being written; as short for the longest name as for others."""
    return folder / f".snn2hw-{_machine()}-{uuid4().hex[:12]}.{kind}"


def is_leftover(name: str) -> bool:
    """Whether a name in a folder is one of these, or that of an unfinished commit."""
    return NAME.fullmatch(name) is not None or name == COMMIT


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Be the only one who writes in a folder, and sweep it. Where it does not exist, or has no locks, nothing is swept.

    Raises:
        UsageError: another process holds it for longer than SECONDS.
    """
    descriptor = _lock(folder, SECONDS)
    try:
        if descriptor is not None:
            _sweep(folder)
        yield
    finally:
        if descriptor is not None:
            import fcntl

            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # a child that was forked meanwhile holds the same descriptor
            os.close(descriptor)


def _lock(folder: Path, seconds: float) -> int | None:
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except (ImportError, OSError):
        return None
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            busy = error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR)
            if busy and time.monotonic() < end:
                time.sleep(0.005)
                continue
            os.close(descriptor)
            if busy:
                raise UsageError(
                    "another process is writing in this folder",
                    where=str(folder),
                    got=f"a lock that was held for {seconds:g} seconds",
                    expected="a folder that others write in for moments only",
                    do="wait for the other process, or end it; or choose another folder",
                ) from error
            return None


def _sweep(folder: Path) -> None:
    """Remove what killed processes of this machine left in a folder that is held."""
    with suppress(OSError):
        for name in sorted(os.listdir(folder)):
            found = NAME.fullmatch(name)
            if found is not None and found[1] == _machine():
                remove(folder / name)


def remove(path: Path) -> None:
    """Remove what has a name of `fresh`, as far as it is ours beyond doubt; of the rest a warning says where it is."""
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            if is_regular(path):
                os.unlink(path)
            return
        own = set(os.listdir(path))
        if path.name.endswith(f".{SWAP}"):  # it may be what was replaced, and somebody may have put a file there since
            record = read_record(path / RECORD)
            own &= record.own if record is not None else set()
        # The manifest last: a kill in between leaves what says which files are ours.
        for name in sorted(own, key=lambda name: (name == RECORD, name)):
            if is_regular(path / name):
                os.unlink(path / name)
        left = os.listdir(path)
        if not left:
            os.rmdir(path)
            return
        warnings.warn(
            Snn2hwWarning(
                "files that snn2hw did not write are in a folder that it replaced",
                where=str(path),
                got=", ".join(sorted(left)[:4]),
                do="move them to where you want them, and remove the folder",
            ),
            stacklevel=2,
        )
