"""A file that one process writes in at a time. The system frees the lock when its process ends, in whatever way."""

from __future__ import annotations

import os
import re

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCKS = "/proc/locks"


def hold(descriptor: int) -> bool | None:
    """Whether an open file is this process's alone from now on; None where the file system has no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def free(descriptor: int) -> None:
    """Let another process have it, also where a child of this one has the file open."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder(descriptor: int) -> int | None:
    """The number of the process that holds an open file; None where the system does not say."""
    there = os.fstat(descriptor)
    own = f"{os.major(there.st_dev):02x}:{os.minor(there.st_dev):02x}:{there.st_ino}"
    try:
        with open(LOCKS, encoding="ascii") as file:
            found = re.search(rf"FLOCK +ADVISORY +WRITE +(\d+) +{own} ", file.read())
    except (OSError, ValueError):
        return None
    return None if found is None or found[1] == "0" else int(found[1])
