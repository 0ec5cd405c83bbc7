"""What a fork of this process finds: free locks, none of its parent's descriptors, and one thread for torch.

A fork copies the memory of all threads and goes on with one of them. A lock that another thread held stays held in the child, a
pool has no threads behind it, and a descriptor that says "I am alive" says so for the child, too.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, suppress
from threading import Lock, RLock
from types import TracebackType
from typing import Any
from weakref import WeakSet

_GATE = RLock()  # held by a thread that opens, starts or loads something; a fork waits for it
_DESCRIPTORS: set[int] = set()
_INHERITED = {"torch": False}


class ForkLock:
    """A lock that every child of a fork finds free, whatever thread of its parent held it.

    What it guards must be whole whenever another thread can run: the child sees it as it was at the fork.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        with _GATE:
            _LOCKS.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process has a lock of its own."""
        return ForkLock, ()

    def renew(self) -> None:
        """Forget who holds it."""
        self._lock = Lock()


_LOCKS: WeakSet[ForkLock] = WeakSet()


def unforked() -> AbstractContextManager[object]:
    """Makes forks of this process wait: for the moments in which a child would get half of something."""
    return _GATE


def own(descriptor: int) -> int:
    """A descriptor that no child of a fork may keep open; call it under `unforked`, together with what opens it."""
    _DESCRIPTORS.add(descriptor)
    return descriptor


def close(descriptor: int) -> None:
    """Close a descriptor that `own` was told of."""
    with _GATE:
        _DESCRIPTORS.discard(descriptor)
        os.close(descriptor)


def one_torch_thread() -> None:
    """Let torch compute with one thread where this process was forked from one that had torch loaded.

    torch's threads are its parent's and are not there: whatever waited for them would wait for ever. `torch.set_num_threads`
    asks none of them, and from then on none is needed. A process that was spawned keeps all its threads.
    """
    torch = sys.modules.get("torch")
    if _INHERITED["torch"] and torch is not None and torch.get_num_threads() > 1:
        torch.set_num_threads(1)


def _in_child() -> None:
    for descriptor in _DESCRIPTORS:
        with suppress(OSError):
            os.close(descriptor)
    _DESCRIPTORS.clear()
    for lock in list(_LOCKS):
        lock.renew()
    _INHERITED["torch"] = "torch" in sys.modules
    _GATE.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_GATE.acquire, after_in_parent=_GATE.release, after_in_child=_in_child)
