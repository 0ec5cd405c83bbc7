"""The side process: limits, deaths, reports; whatever happens, no process is left. Real processes, no Lava."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import Snn2hwError, UsageError, WidthError
from snn2hw.executors.lava.executor import LavaExecutor, run_side, seconds
from tests.refused import refused

# A side process that starts a child which would sleep for an hour, and says its number.
WITH_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
pathlib.Path("child.txt").write_text(str(child.pid))
{then}
"""


def side(folder: Path, then: str, limit: float = 60.0) -> None:
    run_side([sys.executable, "-c", WITH_CHILD.format(then=then)], folder, limit)


def assert_child_is_gone(folder: Path) -> None:
    pid = int((folder / "child.txt").read_text())
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split(")")[1].split()[0] == "Z":  # gone, or dead and not yet reaped by init
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")


def test_a_process_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    with refused(
        Snn2hwError,
        """
        Lava took too long
          got:      more than 2 s
          do:       use fewer samples, or set SNN2HW_LAVA_SECONDS to more seconds
        """,
    ):
        side(tmp_path, "time.sleep(3600)", limit=2.0)
    assert_child_is_gone(tmp_path)


def test_a_process_that_is_killed_leaves_no_children(tmp_path: Path) -> None:
    with pytest.raises(Snn2hwError, match=r"Lava's side process died\n  got:      exit code -9"):
        side(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert_child_is_gone(tmp_path)


def test_a_crash_shows_the_end_of_its_output(tmp_path: Path) -> None:
    with pytest.raises(Snn2hwError, match=r"(?s)exit code 1\n.*ZeroDivisionError"):
        side(tmp_path, "1 / 0")
    assert_child_is_gone(tmp_path)


def test_an_interrupt_ends_the_process_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    wait = subprocess.Popen.wait

    def interrupted(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None:
            return wait(self)
        while not (tmp_path / "child.txt").exists():
            time.sleep(0.02)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        side(tmp_path, "time.sleep(3600)")
    time.sleep(0.1)
    assert_child_is_gone(tmp_path)


def test_what_the_side_reports_is_raised_here(tmp_path: Path) -> None:
    report = '{"type": "WidthError", "what": "too wide", "where": "conv", "got": "30 bits", "expected": "24 bits", "do": "less"}'
    with refused(
        WidthError,
        """
        too wide
          where:    conv
          got:      30 bits
          expected: 24 bits
          do:       less
        """,
    ):
        side(tmp_path, f"pathlib.Path('error.json').write_text('''{report}'''); sys.exit(2)")


def test_nothing_of_this_environment_is_on_the_sides_path(tmp_path: Path) -> None:
    side(tmp_path, "pathlib.Path('path.txt').write_text(sys.path[1]); import importlib.util as u; assert u.find_spec('snn2hw')")
    (copy,) = [Path((tmp_path / "path.txt").read_text())]
    assert [p.name for p in copy.iterdir()] == ["snn2hw"]


def test_a_time_limit_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_LAVA_SECONDS", "soon")
    with refused(
        UsageError,
        """
        SNN2HW_LAVA_SECONDS is no number of seconds
          got:      'soon'
          expected: such as 900
        """,
    ):
        seconds()


@pytest.mark.parametrize("given", [-1, 2.0])
def test_samples_per_run_is_a_whole_number(given: Any) -> None:
    with refused(
        UsageError,
        f"""
        samples_per_run is no number of samples
          where:    LavaExecutor
          got:      {given!r}
          expected: a whole number; 0 streams all samples through in one run
        """,
    ):
        LavaExecutor(samples_per_run=given)


def test_what_is_measured_is_one_line() -> None:
    report = {"runs": 2, "processes": 4, "steps": 12, "seconds_start": 3.2, "seconds_run": 0.1, "seconds_environment": 0.96}
    assert LavaExecutor(report=report).measured() == (
        "4 processes, started in 1.60 s (0.40 s a process), 2 times; 10.0 ms a step; environment 1.0 s"
    )
    assert LavaExecutor(report={**report, "runs": 1, "steps": 1}).measured() == (
        "4 processes, started in 3.20 s (0.80 s a process); 100.0 ms a step; environment 1.0 s"
    )
