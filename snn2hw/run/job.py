"""Work that falls into parts: in this process, in several, or on a cluster; results come in the order of the parts.

    begin(given)   is called once in each process that takes part; it makes the function of a part
    function(part) gives the result of a part, and depends on nothing but the part

So no number of processes, no order in which they finish and no process that is killed changes what comes out.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from snn2hw.errors import MissingExtraError, Snn2hwError, Snn2hwWarning, UsageError

Function = Callable[[Any], Any]
MOST_WORKERS = 1024


@dataclass(frozen=True)
class Job:
    """What processes are to do. All of it can be pickled.

    Args:
        what: the work is called in messages: "verify".
        begin: a function of a module. given: its argument, sent once to every process.
    """

    what: str
    begin: Callable[[Any], Function]
    given: Any


@dataclass(frozen=True)
class Outcome:
    """What became of one part.

    Args:
        value: the function's result. error: what it raised instead. warned: warnings on the way.
    """

    value: Any = None
    error: Snn2hwError | None = None
    warned: tuple[Snn2hwWarning, ...] = ()


class Hand:
    """A process that takes part: the job is begun with its first part, and one part is done at a time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._function: Function | None = None

    def do(self, part: Any) -> Outcome:
        """The outcome of a part; whatever goes wrong is in it."""
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                if self._function is None:
                    self._function = self.job.begin(self.job.given)
                value, error = self._function(part), None
            except Snn2hwError as refused:
                value, error = None, refused
            except Exception as failed:
                value, error = None, _failed(self.job.what, failed)
        return Outcome(value, error, tuple(w.message for w in told if isinstance(w.message, Snn2hwWarning)))


def _failed(what: str, error: Exception) -> Snn2hwError:
    return Snn2hwError(
        f"{what} failed in a worker",
        got=f"{type(error).__name__}: {error}",
        expected="a result",
        do="run it with workers=1 (--workers 1) to see where; it is a fault of snn2hw, or of a package that it calls",
    )


class Told:
    """Passes on the warnings of all processes, each once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def value(self, outcome: Outcome) -> Any:
        """The result of a part.

        Raises:
            Snn2hwError: what the part raised.
        """
        for warning in outcome.warned:
            if str(warning) not in self._said:
                self._said.add(str(warning))
                warnings.warn(warning, stacklevel=2)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value


def checked_workers(workers: Any, cluster: Any = None) -> int:
    """How many processes are asked for.

    Raises:
        UsageError: no whole number of at least 1, or a cluster is named besides.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise UsageError(
            "this is no number of worker processes",
            where="workers",
            got=repr(workers),
            expected=f"a whole number from 1 to {MOST_WORKERS}",
            do="give as many as the machine has cores to spare",
        )
    if cluster is not None and workers != 1:
        raise UsageError(
            "a cluster brings its own workers",
            got=f"workers={workers} and cluster={cluster!r}",
            expected="one of the two",
            do="leave workers (--workers) out, and start more `dask worker` processes instead",
        )
    return workers


@contextmanager
def crew(job: Job, workers: int = 1, cluster: str | None = None) -> Iterator[Callable[[Iterable[Any]], Iterator[Any]]]:
    """What gives the results of parts, in their order; it may be called several times. What was started ends with the block.

    Args:
        job: the work. workers: processes; 1 is this one. cluster: the address of a Dask scheduler, whose workers do it.

    Raises:
        Snn2hwError: that of the first part that has one, when its turn comes. UsageError: no such number, or no such cluster.
    """
    if cluster is not None:
        checked_workers(workers, cluster)
        if importlib.util.find_spec("distributed") is None:
            raise MissingExtraError("distributed", "cluster", "work on a cluster")
        from snn2hw.run.cluster import Cluster

        with Cluster(cluster, job) as there:
            yield there.results
    elif checked_workers(workers) > 1:
        from snn2hw.run.pool import Pool

        with Pool(job, workers) as pool:
            yield pool.results
    else:
        function = job.begin(job.given)
        yield lambda parts: map(function, parts)


@contextmanager
def results(job: Job, parts: Iterable[Any], workers: int = 1, cluster: str | None = None) -> Iterator[Iterator[Any]]:
    """The results of all parts in their order. Parts are taken as they are needed.

    Args:
        job, workers, cluster: as in `crew`. parts: of the work.

    Raises:
        Snn2hwError: as `crew`.
    """
    with crew(job, workers, cluster) as function:
        yield function(parts)
