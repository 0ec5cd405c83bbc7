"""Work in several processes: the same results in the same order, whoever is killed when."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.run.job import Hand, Job, Told, checked_workers, results
from snn2hw.run.pool import Pool
from tests.clean_environment import ROOT
from tests.copied import copied
from tests.processes import gone
from tests.refused import refused
from tests.run.jobs import begin


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job("squares", begin, str(tmp_path))


def test_one_process_is_this_one_and_takes_parts_as_it_needs_them(job: Job) -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for n in range(4):
            taken.append(n)
            yield n

    with results(job, parts()) as each:
        assert next(each) == (0, os.getpid())
        assert taken == [0]
        assert [n for n, _ in each] == [1, 2, 3]


def test_nothing_is_lost_or_counted_twice_when_a_worker_is_killed(job: Job, tmp_path: Path) -> None:
    """In one run: order, one thread each, a worker that is killed, an error when its turn comes, and the end of all workers."""
    seen: dict[int, int] = {}
    given: list[Any] = ["threads", *range(6), "die once", *range(6, 20), "refuse", 99]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with results(job, given, workers=2) as each:
            assert next(each) == ("1", "1", None)
            for got in each:
                seen[got[0] if got[0] != "die once" else -1] = got[1]
                if len(seen) == 21:
                    break
            with pytest.raises(UsageError, match="no such part"):
                next(each)
    assert list(seen) == [0, 1, 2, 3, 4, 5, -1, *range(6, 20)]
    assert os.getpid() not in seen.values()
    assert len(set(seen.values())) >= 2
    assert (tmp_path / "died").exists()
    (warning,) = (str(w.message) for w in told)
    assert "a worker process has ended; another one does its batches again, and nothing is counted twice" in warning
    assert "ended by signal 9 (SIGKILL), with batch 7" in warning
    assert all(gone(pid) for pid in set(seen.values()))


def test_a_part_that_ends_every_worker_is_named(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.run.pool.TRIES", 1)
    with pytest.raises(Snn2hwError) as caught, results(job, ["die"], workers=2) as each:
        list(each)
    assert caught.value.what == "1 worker processes ended while they had the same batch"
    assert caught.value.where == "batch 0 of squares, from 0"
    assert "ended by signal 9 (SIGKILL)" in caught.value.got


def test_what_a_worker_says_of_a_part_is_sent_whole(job: Job) -> None:
    hand = Hand(job)
    outcomes = [copied(hand.do(part)) for part in ("warn", "warn", "fail", 3)]
    told = Told()
    with pytest.warns(Snn2hwWarning) as said:
        assert [told.value(o) for o in outcomes[:2]] == [os.getpid()] * 2
    assert [str(w.message) for w in said] == [str(Snn2hwWarning("mind this", got="a\nb"))]
    with refused(
        Snn2hwError,
        """
        squares failed in a worker
          got:      KeyError: 'fail'
          expected: a result
          do:       run it with workers=1 (--workers 1) to see where; it is a fault of snn2hw, or of a package that it calls
        """,
    ):
        told.value(outcomes[2])
    assert told.value(outcomes[3]) == (3, os.getpid())


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2", 1025])
def test_what_is_no_number_of_workers(workers: Any) -> None:
    with refused(
        UsageError,
        f"""
        this is no number of worker processes
          where:    workers
          got:      {workers!r}
          expected: a whole number from 1 to 1024
          do:       give as many as the machine has cores to spare
        """,
    ):
        checked_workers(workers)


def test_workers_and_a_cluster_are_two_ways(job: Job) -> None:
    with refused(
        UsageError,
        """
        a cluster brings its own workers
          got:      workers=2 and cluster='tcp://localhost:8786'
          expected: one of the two
          do:       leave workers (--workers) out, and start more `dask worker` processes instead
        """,
    ):
        checked_workers(2, "tcp://localhost:8786")


def test_what_cannot_be_sent_is_refused_before_a_process_starts() -> None:
    with pytest.raises(UsageError, match="this cannot be sent to other processes") as caught:
        Pool(Job("verify", begin, lambda: None), 2)
    assert caught.value.do == "define the class in a file that can be imported, or use one process (workers=1)"


UNGUARDED = """
from pathlib import Path
from snn2hw.run.job import Job, results
from tests.run.jobs import begin
with results(Job("squares", begin, "."), [1, 2], workers=2) as each:
    print(list(each))
"""


def test_a_script_without_a_guard_is_told_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    ran = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 1
    assert "a script that starts workers is imported by each of them, and would start workers again" in ran.stderr
    assert "write `if __name__ == '__main__':` in front of what the script does" in ran.stderr
    assert ran.stderr.count("Traceback") == 1  # this process's own, not one of each worker
