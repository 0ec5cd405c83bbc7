"""Work on a Dask cluster: a scheduler and workers within this process, each with a connection of its own."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from snn2hw.errors import ExecutorUnavailableError, MissingExtraError, Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.run.job import Job, Outcome, results
from tests.refused import refused
from tests.run.jobs import begin

distributed = pytest.importorskip("distributed")
from snn2hw.run import cluster as module  # noqa: E402

ALL = ["a", *range(30), "b"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None, host="127.0.0.1"
        )
    yield made.scheduler_address
    made.close()


@pytest.fixture
def job(tmp_path: Any) -> Job:
    return Job("squares", begin, str(tmp_path))


def parts_of(job: Job, address: str, parts: Any) -> list[Any]:
    with results(job, parts, cluster=address) as each:
        return [got[0] for got in each]


def test_results_come_in_order(job: Job, address: str) -> None:
    assert parts_of(job, address, iter(ALL)) == ALL


def test_an_error_is_raised_when_its_turn_comes(job: Job, address: str) -> None:
    with results(job, [1, 2, 3, "refuse", 4], cluster=address) as each:
        assert [next(each)[0] for _ in range(3)] == [1, 2, 3]
        with pytest.raises(UsageError, match="no such part"):
            next(each)


def test_a_scheduler_that_knows_no_job_any_more_is_sent_all_that_is_missing(
    job: Job, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was started again: its workers have no such job, and its client is told so."""
    arrived, lost = module.Cluster._arrived, iter([False, True, True])

    def forgetful(self: Any, tasks: Any) -> dict[int, Outcome]:
        if next(lost, False):
            self.client.unregister_worker_plugin(self.name)
            raise OSError("the scheduler has forgotten the tasks")
        return arrived(self, tasks)

    monkeypatch.setattr(module.Cluster, "_arrived", forgetful)
    with pytest.warns(Snn2hwWarning, match="the Dask scheduler went away") as told:
        assert parts_of(job, address, ALL) == ALL
    assert "got:      OSError: the scheduler has forgotten the tasks" in str(told[0].message)


def test_another_version_is_refused_by_name(job: Job, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.version import __version__

    monkeypatch.setattr(module, "__version__", "9.9")  # as if this process were another one
    with pytest.raises(UsageError) as caught:
        parts_of(job, address, ALL)
    assert caught.value.what == "workers of the cluster have another version of snn2hw"
    assert caught.value.where.count("tcp://127.0.0.1:") == 2
    assert caught.value.got.count(f": {__version__}") == 2
    assert caught.value.expected == "snn2hw 9.9, as here"
    assert "start them again" in caught.value.do


def test_where_nobody_listens(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER", 0.3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ExecutorUnavailableError) as caught:
        parts_of(job, f"tcp://127.0.0.1:{port}", ALL)
    assert caught.value.what == "no Dask scheduler answers at this address"
    assert caught.value.do == (
        f"start one: `dask scheduler --port {port}` on that machine, and on each that is to work "
        f"`dask worker tcp://127.0.0.1:{port} --nthreads 1 --nworkers 2`"
    )


def test_what_is_no_scheduler_is_given_up(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and never says a word."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(TimeoutError, match="something listens there that is no Dask scheduler"):
            module._within(mute.accept, 0.2)
    for wrong in ("nonsense://1", "nowhere"):
        with pytest.raises(ExecutorUnavailableError, match="no Dask scheduler answers at this address"):
            parts_of(job, wrong, ALL)


def test_without_the_package(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused(
        MissingExtraError,
        """
        work on a cluster needs the package 'distributed', which is not installed
          got:      no module named 'distributed'
          expected: snn2hw installed with its 'cluster' extra
          do:       pip install 'snn2hw[cluster]'
        """,
    ):
        parts_of(job, "tcp://127.0.0.1:1", ALL)


def test_a_task_that_ends_workers_is_named() -> None:
    error = module._killed("verify", 7, RuntimeError("killed\nmore"))
    assert isinstance(error, Snn2hwError)
    assert (error.where, error.got) == ("batch 7 of verify, from 0", "killed")
