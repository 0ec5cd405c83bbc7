"""The side process: limits, deaths, reports; whatever happens, no process is left. Real processes, no Lava."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from snn2hw.backends.lava.environment import package_copy
from snn2hw.backends.lava.executor import LavaExecutor, run_side, seconds
from snn2hw.errors import Snn2hwError, UsageError, WidthError
from tests.clean_environment import ROOT
from tests.processes import gone
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
    assert gone(int((folder / "child.txt").read_text()))


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
    wait = subprocess.Popen.wait

    def interrupted(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None:
            return wait(self)
        child = tmp_path / "child.txt"
        while not (child.exists() and child.read_text()):  # there for a moment before its number is in it
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
          do:       set SNN2HW_LAVA_SECONDS to a number, or unset it
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
          do:       give 0, or how many samples go through in one run
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


PARENT = """
import sys
from pathlib import Path
from snn2hw.backends.lava.executor import run_side
print("begun", flush=True)
run_side([sys.executable, "-c", sys.argv[2]], Path(sys.argv[1]), 600.0)
"""


@pytest.mark.parametrize("milliseconds", [0, 50, 1000])
def test_it_ends_with_its_parent_at_any_moment(tmp_path: Path, milliseconds: int) -> None:
    """Its own children, too."""
    call = [sys.executable, "-c", PARENT, str(tmp_path), WITH_CHILD.format(then="time.sleep(3600)")]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
    time.sleep(0.5)
    if (tmp_path / "child.txt").exists() and (tmp_path / "child.txt").read_text():
        assert_child_is_gone(tmp_path)
    assert not [p for p in processes() if str(tmp_path) in p]


def processes() -> list[str]:
    """What every process was called with, as far as it is known; a Python of WITH_CHILD works in its folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append(f"{(entry / 'cwd').readlink()} {(entry / 'cmdline').read_bytes()!r}")
    return found


def test_a_damaged_copy_of_the_package_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    folder = package_copy()
    whole = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert package_copy() == folder
    (folder / "snn2hw" / "errors.py").write_text("raise SystemExit")
    (folder / "snn2hw" / "trace.py").unlink()
    (folder / "snn2hw" / "more.py").write_text("")
    assert package_copy() == folder
    assert {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == whole
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]
