"""Samples shared out over threads, where there is enough to do: a thread that has to be woken takes longer than a small network.

What the last run took says how long this one will take; before the first, one sample is run and timed. Of many samples each
thread takes some; so few that threads would be left without one are run by all together, layer by layer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event
from time import perf_counter

from snn2hw.run.threads import in_parts

WORTH = 2e-3  # seconds of work, below which no other thread is woken: it may have to wait for its core
PARTS = 8  # that each thread gets of the samples, on average: one that is held up leaves its share to the others
SOON = 0.1  # seconds of work in one part, at most, where a sample is not more: Ctrl-C is seen between two of them
TEAM = 8  # threads on one sample, at most: a layer has two parts for each
BEGINNING = 2e-4  # seconds, that a thread waits for another one, at most
GAIN = 0.8  # of the time by samples, below which that of all together must be: they wait for each other at every layer
Part = Callable[[int, int], None]  # of what, from one to before another; called by several threads at once


def _once_another_has_begun(part: Part) -> Part:
    """The part, which its first caller begins when a second one has.

    Some systems wake a thread on the core of its caller, where it would wait until that one's time is over while another core is
    idle; a caller that waits leaves its core to the other, and is woken on the idle one.
    """
    begun = Event()

    def beginning(first: int, last: int) -> None:
        if first:
            begun.set()
        else:
            begun.wait(BEGINNING)
        part(first, last)

    return beginning


def shared(
    part: Part,
    samples: int,
    workers: int,
    each: float | None = None,
    together: Callable[[], AbstractContextManager[Part]] | None = None,
) -> float | None:
    """All samples, over at most so many threads.

    Args:
        part: runs samples from `first` to before `last`. samples, workers: how many.
        each: seconds that a sample took in the last run; None: not known yet.
        together: what gives a function that runs all samples, with whatever other threads call it; None: there is no such way.

    Returns:
        Seconds of work that a sample was in this run, for the next one; `each` where there was no sample. Where threads ran
        samples together they waited for each other, too, which is no work: so never more than before.
    """
    spent = list[float]()

    def timed(some: Part) -> Part:
        def timing(first: int, last: int) -> None:
            begun = perf_counter()
            some(first, last)
            spent.append(perf_counter() - begun)

        return timing

    if not samples:
        return each
    known = each is not None
    if each is None:
        timed(part)(0, 1)
        each = spent[0]
    left = samples if known else samples - 1
    threads = workers if left * each >= WORTH else 1
    team = min(threads, TEAM)
    if together is not None and known and samples / team < GAIN * -(-samples // threads):
        with together() as joined:
            in_parts(timed(_once_another_has_begun(joined)), range(team), team)
        return min(each, sum(spent) / samples)
    size = left // (threads * PARTS) if threads > 1 else left
    in_parts(timed(part), range(samples - left, samples, max(1, min(size, int(SOON / max(each, 1e-9))))), threads)
    return sum(spent) / samples
