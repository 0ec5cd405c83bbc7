"""Samples shared out over threads, where there is enough to do: a thread that has to be woken takes longer than a small network.

What the last run took says how long this one will take; before the first, one sample is run and timed.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from snn2hw.run.threads import in_parts

WORTH = 4e-3  # seconds of work, below which no other thread is woken: it may have to wait for its core
PARTS = 8  # that each thread gets of the samples, on average: one that is held up leaves its share to the others
SOON = 0.1  # seconds of work in one part, at most, where a sample is not more: Ctrl-C is seen between two of them


def shared(part: Callable[[int, int], None], samples: int, workers: int, each: float | None = None) -> float | None:
    """`part(first, last)` for all samples, in parts of them, over at most so many threads.

    Args:
        part: runs samples from `first` to before `last`; it is called by several threads at once. samples, workers: how many.
        each: seconds that a sample took in the last run; None: not known yet.

    Returns:
        Seconds that a sample took in this run, in its thread, for the next one; `each` where there was no sample.
    """
    spent = list[float]()

    def timed(first: int, last: int) -> None:
        begun = perf_counter()
        part(first, last)
        spent.append(perf_counter() - begun)

    if not samples:
        return each
    known = each is not None
    if each is None:
        timed(0, 1)
        each = spent[0]
    left = samples if known else samples - 1
    threads = workers if left * each >= WORTH else 1
    size = left // (threads * PARTS) if threads > 1 else left
    in_parts(timed, range(samples - left, samples, max(1, min(size, int(SOON / max(each, 1e-9))))), threads)
    return sum(spent) / samples
