"""Samples shared out over threads, where there is enough to do: a thread that has to be woken takes longer than a small network.

The first sample is run by the caller and timed; it says how long the others will take. What is worth it then goes in small
parts to whoever is free, the caller among them. The pool is kept between calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock
from time import perf_counter

WORTH = 4e-3  # seconds of work that are left, below which no other thread is woken: it may have to wait for its core
PARTS = 8  # that each thread gets of the samples, on average: one that is held up leaves its share to the others


def shared(part: Callable[[int, int], None], samples: int, workers: int) -> None:
    """`part(first, last)` for all samples, in parts of them, over at most so many threads.

    Args:
        part: runs samples from `first` to before `last`; it is called by several threads at once. samples, workers: how many.
    """
    begun = perf_counter()
    part(0, 1)
    left = samples - 1
    if workers < 2 or left < 2 or left * (perf_counter() - begun) < WORTH:
        if left:
            part(1, samples)
        return
    parts, taking = iter(range(1, samples, step := max(1, left // (workers * PARTS)))), Lock()

    def some() -> None:
        while True:
            with taking:
                first = next(parts, None)
            if first is None:
                return
            part(first, min(first + step, samples))

    others = [_pool(os.getpid(), workers).submit(some) for _ in range(min(workers, left) - 1)]
    some()
    for other in others:
        other.result()


@lru_cache(maxsize=1)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """The pool of this process: a child that was forked has none of its parent's threads."""
    return ThreadPoolExecutor(workers, "snn2hw")
