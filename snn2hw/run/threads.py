"""Work in parts over threads of this process: whoever is free takes the next part, the caller among them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache


def in_parts(part: Callable[[int, int], None], parts: range, threads: int) -> None:
    """`part(first, behind the last)` for every step of `parts`, by at most so many threads, which are kept for the next call.

    With one thread the caller takes them one after another; between two of them it sees Ctrl-C. After a failure nobody begins
    another part, and nobody is at work any longer when it is raised: what parts write to may go away then. A thread that was
    not free meanwhile is not waited for.

    Args:
        part: called by several threads at once. parts: where parts begin; its stop is where the last one ends.
    """
    left = deque(parts)

    def some() -> None:
        try:
            while (first := _taken(left)) is not None:
                part(first, min(first + parts.step, parts.stop))
        finally:
            left.clear()

    others = list[Future[None]]()
    try:
        for _ in range(min(threads, len(parts)) - 1):
            others.append(pool(threads).submit(some))
        some()
    finally:
        left.clear()
        _end(others)
    for other in others:
        if not other.cancelled():
            other.result()


def _end(others: Sequence[Future[None]]) -> None:
    """Cancel whoever has not begun, and wait for all others; Ctrl-C is raised when they are done."""
    stopped = None
    while True:
        try:
            wait([other for other in others if not other.cancel()])
            break
        except KeyboardInterrupt as error:
            stopped = error
    if stopped is not None:
        raise stopped


def pool(threads: int) -> ThreadPoolExecutor:
    """At least so many threads of this process; one that nothing needs is not started."""
    return _pool(os.getpid(), max(threads, os.cpu_count() or 1))


@lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """A pool of this process: a child that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(threads, "snn2hw")


def _taken(left: deque[int]) -> int | None:
    try:
        return left.popleft()
    except IndexError:
        return None
