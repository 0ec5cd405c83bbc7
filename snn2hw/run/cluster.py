"""Workers of a Dask cluster: a running scheduler is asked, with the same parts as worker processes of this machine get.

The job goes to every worker once, also to one that comes later. Parts are tasks; a task whose worker is killed is given to
another one by the scheduler. Results are taken here, each once; where the scheduler itself is started again, all parts
that have not arrived are sent anew.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any
from uuid import uuid4

from distributed import Client, Future, WorkerPlugin, get_worker, wait
from distributed.scheduler import KilledWorker

from snn2hw.errors import ExecutorUnavailableError, Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.run.job import Hand, Job, Outcome, Told
from snn2hw.version import __version__

ANSWER = 10.0  # seconds that a scheduler has to answer
WORKERS = 30.0  # seconds in which it must have a worker
AGAIN = 120.0  # seconds in which a scheduler that went away must be back
AHEAD = 2  # tasks for each thread of the cluster
WINDOW = 8  # tasks for each thread that may be done before their turn
WORTH = 0.5  # seconds that a task should take, beside which the milliseconds of its way do not count
TOGETHER = 8  # parts of a task at most
LOOK = 5.0  # seconds after which the connection is looked at
LOST = (OSError, CancelledError, TimeoutError)  # what is raised where the connection or the scheduler went away


Done = tuple[list[Outcome], float]  # of the parts of a task, and the seconds that they took


class Begun(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """The job, at a worker."""

    def __init__(self, job: Job, name: str) -> None:
        self.job, self.name, self.version = job, name, __version__

    def setup(self, worker: Any) -> None:
        """Called at the worker before its first task."""
        self.hand, self.lock = Hand(self.job), Lock()

    def do(self, parts: Sequence[Any]) -> Done:
        """One part at a time, however many threads the worker has."""
        if self.version != __version__:
            return [Outcome(error=_mismatch({get_worker().address: __version__}))], WORTH
        with self.lock:
            begun = monotonic()
            return [self.hand.do(part) for part in parts], monotonic() - begun


UNKNOWN = "this worker has no such job"  # of a scheduler that was started again and was told of none


def _task(name: str, parts: Sequence[Any]) -> Done | str:
    found: Begun | None = get_worker().plugins.get(name)
    return UNKNOWN if found is None else found.do(parts)


class Cluster:
    """A job on the workers of a Dask scheduler.

    Args:
        address: of the scheduler, tcp://host:port. job: what they do.

    Raises:
        ExecutorUnavailableError: no scheduler answers there, or it has no workers. UsageError: other versions of snn2hw.
    """

    def __init__(self, address: str, job: Job) -> None:
        self.address, self.job, self.name = address, job, f"snn2hw-{uuid4().hex}"

    def __enter__(self) -> Cluster:
        self._quiet = _quiet()
        self._quiet.__enter__()
        try:
            self.client, self.threads = self._connected(ANSWER)
        except BaseException:
            self._quiet.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.client.status == "running":
            with suppress(Exception):
                _within(lambda: self.client.unregister_worker_plugin(self.name), ANSWER)
        _closed(self.client)
        self._quiet.__exit__(None, None, None)

    def _connected(self, limit: float) -> tuple[Client, int]:
        """A client whose scheduler has workers of this version, which have the job; and their threads."""
        client = connected(self.address, limit)
        try:
            threads = _checked(client, self.address)
            client.register_plugin(Begun(self.job, self.name))
        except BaseException:
            _closed(client)
            raise
        return client, threads

    def results(self, parts: Iterable[Any]) -> Iterator[Any]:
        """The results in the order of the parts.

        Raises:
            Snn2hwError: of a part, when its turn comes. ExecutorUnavailableError: the scheduler went away and did not come back.
        """
        told, coming = Told(), iter(parts)
        has: dict[int, list[Any]] = {}  # parts of a task, by the number of its first one
        tasks: dict[int, Future] = {}
        done: dict[int, Outcome] = {}
        turn, taken, exhausted, together = 0, 0, False, 1
        while True:
            while turn in done:
                yield told.value(done.pop(turn))
                turn += 1
            while not exhausted and len(has) < AHEAD * self.threads and taken < turn + WINDOW * self.threads * together:
                some, error, exhausted = _taken(coming, together)
                if some:
                    has[taken], taken = some, taken + len(some)
                if error is not None:  # raised when its turn comes, as in one process
                    done[taken], taken = Outcome(error=error), taken + 1
            if exhausted and turn == taken:
                return
            if turn in done:
                continue
            try:
                for number in has.keys() - tasks.keys():
                    tasks[number] = self._submitted(number, has[number])
                for number, (outcomes, seconds) in self._arrived(tasks).items():
                    del tasks[number], has[number]
                    done |= dict(enumerate(outcomes, number))
                    together = max(1, min(TOGETHER, int(WORTH * len(outcomes) / max(seconds, 1e-6))))
            except LOST as error:
                tasks.clear()
                self._reconnect(error)

    def _submitted(self, number: int, part: Any) -> Future:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a batch is large
            return self.client.submit(_task, self.name, part, key=f"{self.name}-{number}-{uuid4().hex[:8]}", pure=False)

    def _arrived(self, tasks: dict[int, Future]) -> dict[int, Done]:
        """What is done, after waiting for something to be."""
        if self.client.status != "running":
            raise OSError(f"the connection is {self.client.status}")
        with suppress(TimeoutError), self.client.as_current():
            wait(list(tasks.values()), timeout=LOOK, return_when="FIRST_COMPLETED")
        ready = {number: future for number, future in tasks.items() if future.status != "pending"}
        if any(future.status in ("cancelled", "lost") for future in ready.values()):
            raise OSError("the scheduler has forgotten the tasks")
        return {number: self._outcome(number, future) for number, future in ready.items()}

    def _outcome(self, number: int, future: Future) -> Done:
        try:
            found: Done | str = future.result(timeout=AGAIN)
        except LOST:
            raise
        except KilledWorker as error:
            return [Outcome(error=_killed(self.job.what, number, error))], WORTH
        except Exception as error:
            return [Outcome(error=_failed(self.job.what, number, error))], WORTH
        if isinstance(found, str):
            raise OSError(found)
        return found

    def _reconnect(self, error: BaseException) -> None:
        warnings.warn(
            Snn2hwWarning(
                "the Dask scheduler went away; it is asked again, and what has not arrived is done anew, nothing twice",
                where=self.address,
                got=f"{type(error).__name__}: {error}".rstrip(": "),
                cause="the scheduler was stopped, or the network is down",
                do=f"start it again within {AGAIN:.0f} seconds, and its workers: {commands(self.address)}",
            ),
            stacklevel=2,
        )
        _closed(self.client)
        end = monotonic() + AGAIN
        while True:
            try:
                self.client, self.threads = self._connected(ANSWER)
                return
            except (ExecutorUnavailableError, *LOST):
                if monotonic() > end:
                    raise
                sleep(1)


def _taken(coming: Iterator[Any], most: int) -> tuple[list[Any], Snn2hwError | None, bool]:
    """The next parts, what was raised in the place of one, and whether there are no more."""
    some: list[Any] = []
    try:
        for _ in range(most):
            some.append(next(coming))
    except StopIteration:
        return some, None, True
    except Snn2hwError as error:
        return some, error, True
    return some, None, False


def commands(address: str) -> str:
    """The two commands that start a scheduler and a worker there."""
    port = address.rpartition(":")[2]
    scheduler = f"dask scheduler --port {port}" if port.isdigit() else "dask scheduler"
    return f"`{scheduler}` on that machine, and on each that is to work `dask worker {address} --nthreads 1 --nworkers 2`"


def connected(address: str, limit: float = ANSWER) -> Client:
    """A client of the scheduler at an address.

    Args:
        address: as Dask has it. limit: seconds.

    Raises:
        ExecutorUnavailableError: none answers there.
    """
    try:
        return _within(lambda: Client(address, timeout=limit, set_as_default=False, name="snn2hw"), limit + 1)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        raise ExecutorUnavailableError(
            "no Dask scheduler answers at this address",
            where=str(address),
            got=f"{type(error).__name__}: {reason}",
            expected=f"a scheduler that answers within {limit:g} seconds, such as tcp://127.0.0.1:8786",
            do=f"start one: {commands(str(address))}",
        ) from error


def _within(make: Callable[[], Any], limit: float) -> Any:
    """What `make` gives, or TimeoutError: what is no scheduler may take a connection and say nothing, and Dask would wait."""
    made: SimpleQueue[Any] = SimpleQueue()

    def run() -> None:
        try:
            made.put(make())
        except Exception as error:
            made.put(error)

    Thread(target=run, daemon=True).start()
    try:
        found = made.get(timeout=limit)
    except Empty:
        raise TimeoutError("something listens there that is no Dask scheduler") from None
    if isinstance(found, Exception):
        raise found
    return found


def _checked(client: Client, address: str) -> int:
    """The threads of all workers.

    Raises:
        ExecutorUnavailableError: there are no workers. UsageError: one of them has another version of snn2hw.
    """
    end = monotonic() + WORKERS
    while not (threads := sum(client.nthreads().values())):
        if monotonic() > end:
            raise ExecutorUnavailableError(
                "the Dask scheduler has no workers",
                where=address,
                got=f"none within {WORKERS:g} seconds",
                expected="one worker at least",
                do=f"start some: `dask worker {address} --nthreads 1 --nworkers 2`",
            )
        sleep(0.2)

    def version() -> str:  # sent as it stands, as the worker may have no snn2hw, or one without this file
        try:
            from snn2hw.version import __version__ as found
        except ImportError as error:
            return f"none ({error})"
        return str(found)

    versions = client.run(version)
    if others := {worker: found for worker, found in versions.items() if found != __version__}:
        raise _mismatch(others)
    return int(threads)


def _mismatch(others: dict[str, str]) -> UsageError:
    return UsageError(
        "workers of the cluster have another version of snn2hw",
        where=", ".join(others),
        got=", ".join(f"{worker}: {found}" for worker, found in others.items()),
        expected=f"snn2hw {__version__}, as here",
        do=f"install snn2hw {__version__} for these workers, and start them again",
    )


def _killed(what: str, number: int, error: Exception) -> Snn2hwError:
    return Snn2hwError(
        "workers of the cluster ended while they had the same batch",
        where=f"batch {number} of {what}, from 0",
        got=str(error).splitlines()[0],
        expected="a result",
        do="look for what kills them, often too little memory: `dask worker --memory-limit`, or fewer workers a machine",
    )


def _failed(what: str, number: int, error: Exception) -> Snn2hwError:
    return Snn2hwError(
        "a worker of the cluster cannot do a batch",
        where=f"batch {number} of {what}, from 0",
        got=f"{type(error).__name__}: {error}".splitlines()[0],
        expected="a result",
        do="install for all workers what is installed here: snn2hw, its extras, and packages with executors and layers",
    )


def _closed(client: Client) -> None:
    with suppress(Exception):
        _within(lambda: client.close(timeout=2), ANSWER)


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is said by us, once."""
    names = {name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"}  # some have levels
    before = {logger: logger.level for logger in map(logging.getLogger, names)}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
