"""Worker processes of this machine: spawned, one thread each, named when they are killed, and nothing is lost then.

A worker has a pipe to this process. It is sent the job once, and then parts, two at a time, so that it never waits for the
next one. A part is done when its result has arrived here, whole; where a worker ends before, its parts go to another one. So
each result is counted once, whoever was killed when.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from types import TracebackType
from typing import Any

from snn2hw.errors import Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.run.forks import unforked
from snn2hw.run.job import Hand, Job, Outcome, Told

AHEAD = 2  # parts that a worker has: one that it computes, one that waits
WINDOW = 8  # parts a worker that may be done before their turn
TRIES = 3  # workers that a part may end before it is given up
ENDING = 2.0  # seconds that a worker has to end by itself
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "SNN2HW_THREADS")
MARK = "SNN2HW_WORKER"  # stands in the environment of a worker while it starts
READY = "ready"


class Pool:
    """Processes that do a job; leave the block and they are gone.

    Args:
        job: that they do. workers: how many.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self.job, self.workers = job, workers
        self._crew: list[_Worker] = []
        self._unready = 0  # workers in a row that ended before they began
        self._bytes = _pickled(job)

    def __enter__(self) -> Pool:
        if os.environ.get(MARK):
            sys.exit(UNGUARDED)  # a script without a guard, imported by a worker that starts; its parent says so
        try:
            for _ in range(self.workers):
                self._crew.append(_Worker(self._bytes))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        for worker in self._crew:
            worker.end()
        for worker in self._crew:
            worker.gone()
        self._crew.clear()

    def results(self, parts: Iterable[Any]) -> Iterator[Any]:
        """The results in the order of the parts.

        Raises:
            Snn2hwError: of a part, when its turn comes; or workers that end again and again.
        """
        told, coming = Told(), enumerate(parts)
        waiting: deque[tuple[int, Any]] = deque()  # parts of workers that ended
        done: dict[int, Outcome] = {}
        ended: dict[int, int] = {}
        turn, taken, exhausted = 0, 0, False
        while True:
            while turn in done:
                yield told.value(done.pop(turn))
                turn += 1
            room = turn + WINDOW * self.workers
            for worker in (w for has in range(AHEAD) for w in self._crew if len(w.has) <= has):
                if not waiting and not exhausted and taken < room:
                    try:
                        waiting.append(next(coming))
                        taken += 1
                    except StopIteration:
                        exhausted = True
                    except Snn2hwError as error:  # raised when its turn comes, as in one process
                        done[taken] = Outcome(error=error)
                        exhausted, taken = True, taken + 1
                if waiting and worker.give(*waiting[0]):  # else it has ended, which is heard below
                    waiting.popleft()
            if exhausted and turn == taken:
                return
            self._hear(done, waiting, ended)

    def _hear(self, done: dict[int, Outcome], waiting: deque[tuple[int, Any]], ended: dict[int, int]) -> None:
        """Wait until something arrives or ends, and take it."""
        heard = wait([w.pipe for w in self._crew] + [w.process.sentinel for w in self._crew])
        for n, worker in enumerate(self._crew):
            if worker.pipe not in heard and worker.process.sentinel not in heard:
                continue
            done |= worker.heard()
            if worker.over:
                self._crew[n] = self._replaced(worker, waiting, ended)

    def _replaced(self, worker: _Worker, waiting: deque[tuple[int, Any]], ended: dict[int, int]) -> _Worker:
        """A new worker in the place of one that ended, whose parts are waiting again."""
        worker.gone()
        how = f"process {worker.process.pid} ended {_how(worker.process.exitcode)}"
        self._unready = 0 if worker.ready else self._unready + 1
        if self._unready and (worker.refusal or not _killed(worker) or self._unready >= TRIES):
            raise _never_began(self.job.what, how, worker)
        again = list(worker.has.items())
        if again:
            first = again[0][0]
            ended[first] = ended.get(first, 0) + 1
            if ended[first] >= TRIES:
                raise Snn2hwError(
                    f"{TRIES} worker processes ended while they had the same batch",
                    where=f"batch {first} of {self.job.what}, from 0",
                    got=f"the last one: {how}",
                    expected="a result",
                    do="look for what kills them, often too little memory: use fewer workers (--workers)",
                )
        warnings.warn(
            Snn2hwWarning(
                "a worker process has ended; another one does its batches again, and nothing is counted twice",
                where=f"workers of {self.job.what}",
                got=how + (f", with batch {' and '.join(str(n) for n, _ in again)} (from 0)" if again else ""),
                cause="something ended it from outside, such as `kill`, or the system where memory runs out",
                do="nothing, where it was meant; else use fewer workers (--workers)",
            ),
            stacklevel=2,
        )
        waiting.extendleft(reversed(again))
        return _Worker(self._bytes)


UNGUARDED = 93  # exit code of a worker that was about to start workers itself


class _Worker:
    """One process, seen from here."""

    def __init__(self, job: bytes) -> None:
        self.has: dict[int, Any] = {}
        self.ready, self.over, self.refusal = False, False, ""
        with unforked(), _one_thread():
            self.pipe, theirs = multiprocessing.Pipe()
            self.process: BaseProcess = multiprocessing.get_context("spawn").Process(target=_work, args=(theirs,), daemon=True)
            try:
                self.process.start()
            finally:
                theirs.close()
        with suppress(OSError):
            self.pipe.send_bytes(job)

    def give(self, number: int, part: Any) -> bool:
        """Send a part; whether it still listens."""
        try:
            self.pipe.send((number, part))
        except OSError:
            return False
        self.has[number] = part
        return True

    def heard(self) -> dict[int, Outcome]:
        """What has arrived of it, all that it finished before it ended."""
        found: dict[int, Outcome] = {}
        try:
            while self.pipe.poll():
                said = self.pipe.recv()
                if said == READY:
                    self.ready = True
                elif isinstance(said, str):
                    self.refusal = said
                else:
                    number, outcome = said
                    if self.has.pop(number, None) is not None:
                        found[number] = outcome
        except (OSError, EOFError, pickle.UnpicklingError):
            self.over = True
        if not self.over and not self.process.is_alive() and not self.pipe.poll():
            self.over = True
        return found

    def end(self) -> None:
        """Let it end: it finds its pipe closed."""
        self.pipe.close()
        self.process.terminate()

    def gone(self) -> None:
        """Wait until it is gone."""
        self.pipe.close()
        self.process.join(ENDING)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextmanager
def _one_thread() -> Iterator[None]:
    """The environment of a worker: libraries read their number of threads when they are loaded."""
    names = (*ONE_THREAD, MARK)
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _work(pipe: Connection) -> None:
    """A worker, from its start to its end."""
    os.environ.pop(MARK, None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of them; the first process ends the others
    with suppress(OSError, EOFError):
        try:
            hand = Hand(pipe.recv())
        except (EOFError, OSError):
            return
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
            return
        pipe.send(READY)
        parts: queue.SimpleQueue[Any] = queue.SimpleQueue()
        Thread(target=_receive, args=(pipe, parts), daemon=True).start()
        while (given := parts.get()) is not None:
            number, part = given
            pipe.send((number, hand.do(part)))


def _receive(pipe: Connection, parts: queue.SimpleQueue[Any]) -> None:
    """Take what comes while a part is computed, so that neither side waits for the other to listen."""
    with suppress(OSError, EOFError):
        while True:
            parts.put(pipe.recv())
    parts.put(None)


def _pickled(job: Job) -> bytes:
    try:
        return pickle.dumps(job)
    except Exception as error:
        raise UsageError(
            "this cannot be sent to other processes",
            where=job.what,
            got=f"{type(error).__name__}: {error}",
            expected="what Python can pickle: executors by name, or objects of a class that a module defines",
            do="define the class in a file that can be imported, or use one process (workers=1)",
        ) from error


def _killed(worker: _Worker) -> bool:
    return (worker.process.exitcode or 0) < 0


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
        return f"by signal {-code} ({name})"
    return f"with exit code {code}"


def _never_began(what: str, how: str, worker: _Worker) -> Snn2hwError:
    if worker.process.exitcode == UNGUARDED:
        return UsageError(
            "a script that starts workers is imported by each of them, and would start workers again",
            where=what,
            got="a call with workers outside of `if __name__ == '__main__':`",
            expected="the call below that line",
            do="write `if __name__ == '__main__':` in front of what the script does",
        )
    return Snn2hwError(
        "a worker process ended before it began",
        where=what,
        got=worker.refusal or how,
        expected="a process that takes batches",
        do="define executors and layers in files that can be imported, and what a script does under "
        "`if __name__ == '__main__':`; or use one process (workers=1)",
    )
