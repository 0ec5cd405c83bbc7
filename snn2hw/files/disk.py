"""What the system is asked to do with names: swap two at once, give one only where it is free, keep what was written."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

HERE = -100  # AT_FDCWD: paths are relative to the working folder
NEW_ONLY, EXCHANGE = 1, 2  # RENAME_NOREPLACE, RENAME_EXCHANGE
# Another kernel, another file system, a sandbox, a folder that something is mounted on: it is done in another way then.
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV, errno.EBUSY)


@lru_cache(maxsize=1)
def _renameat2() -> Any:
    """The function of glibc 2.28 and later, of musl 1.2.4 and later; None elsewhere."""
    try:
        found = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return found


def _renamed(a: Path, b: Path, how: int) -> bool:
    function = _renameat2()
    if function is None:
        return False
    if function(HERE, os.fsencode(a), HERE, os.fsencode(b), how) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(a), None, str(b))


def exchange(a: Path, b: Path) -> bool:
    """Swap two names that exist, at once; False where that cannot be done here."""
    return _renamed(a, b, EXCHANGE)


def rename_new(a: Path, b: Path) -> None:
    """Give a file or a folder a name that is free.

    Raises:
        OSError: the name was taken in the meantime, or whatever else the system says.
    """
    if not _renamed(a, b, NEW_ONLY):
        if os.path.lexists(b):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(b))
        os.rename(a, b)


def create(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file of a name that is free; its content is on the disk when this returns."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o666)
    with os.fdopen(descriptor, "w+b") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Names in a folder are on the disk when this returns; some systems cannot be asked that of a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    finally:
        os.close(descriptor)
