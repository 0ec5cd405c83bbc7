"""The side process: limits, deaths, reports; whatever happens, no process is left. Real processes, no Lava."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

import snn2hw
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError, UsageError, WidthError
from snn2hw.executors.lava import environment
from snn2hw.executors.lava.environment import find_python310, why_unavailable
from snn2hw.executors.lava.executor import run_side, seconds
from tests.refused import refused
from tests.small_networks import two_layer_network

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


def test_a_python_that_is_no_310_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(tmp_path / "python"))
    assert find_python310() is None
    reason = (
        f"$SNN2HW_LAVA_PYTHON is '{tmp_path / 'python'}', which is no Python 3.10: Lava 0.10.0 imports on no other; "
        "install one (`uv python install 3.10`) or set SNN2HW_LAVA_PYTHON"
    )
    assert why_unavailable() == reason
    network, images = two_layer_network()
    artefact = snn2hw.compile(network, images, steps=2, target="loihi2")
    with pytest.raises(ExecutorUnavailableError, match="no executor that was asked for can run here"):
        snn2hw.verify(artefact, images, executors=("lava",))
    verdict = snn2hw.verify(artefact, images, executors=("onnx-reference", "lava"))
    assert verdict.equal
    assert verdict.not_run == {"lava": reason}


def test_an_environment_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "python3.10"
    fake.write_text("#!/bin/sh\nif [ \"$1\" = -c ]; then echo '(3, 10)'; else echo 'no venv here' >&2; exit 1; fi\n")
    fake.chmod(0o755)
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(fake))
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    with pytest.raises(
        ExecutorUnavailableError, match=r"the side environment for Lava cannot be made(?s:.*)got:      no venv here"
    ):
        environment.side_python(said.append)
    assert said == [f"making the side environment for Lava with {fake} (once, about a minute) in {next_folder(tmp_path, fake)}"]
    assert os.listdir(tmp_path / "cache") == []


def next_folder(tmp_path: Path, python: Path) -> Path:
    import hashlib

    key = hashlib.sha256("\n".join([str(python), *environment.PACKAGES]).encode()).hexdigest()[:12]
    return tmp_path / "cache" / f"lava-{key}"
