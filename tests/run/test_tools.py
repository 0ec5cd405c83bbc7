"""Outside tools: found, ended with all that they started, whatever they print; also where this process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snn2hw.errors import ExecutorUnavailableError
from snn2hw.run.tools import Tool, Wheel, run
from tests.clean_environment import ROOT
from tests.native.test_compiler import command
from tests.processes import gone
from tests.refused import refused

NAIL = Tool("nail", ("nail", "tack"), "SNN2HW_NAIL", "install nail", Wheel("no_such_wheel"))


def test_the_variable_the_path_and_the_wheel_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wheel = Tool("nail", ("nail",), "SNN2HW_NAIL", "install nail", Wheel("pytest", ("--nail",)))
    assert wheel.find() == (sys.executable, "-m", "pytest", "--nail")
    program = Tool("nail", ("nail",), "SNN2HW_NAIL", "install nail", Wheel("pytest", program="__main__.py"))
    assert (program.find() or ("",))[0].endswith("pytest/__main__.py")
    library = Tool("nail", ("nail",), "SNN2HW_NAIL", "install nail", Wheel("pytest", code="import sys; print(sys.argv)"))
    assert library.find() == (sys.executable, "-c", "import sys; print(sys.argv)")
    assert library.version() == "['-c', '--version']"
    tack = command(tmp_path / "tack", "echo tack 7; echo more")
    monkeypatch.setenv("PATH", f"{tmp_path}:")  # a path of its own, for what is found is kept by it
    assert NAIL.find() == (str(tack),)
    assert NAIL.version() == "tack 7"
    monkeypatch.setenv("SNN2HW_NAIL", "hammer --hard")
    assert NAIL.find() == ("hammer", "--hard")
    assert NAIL.unavailable() == (
        "there is no program 'hammer', which SNN2HW_NAIL names: install nail, or `pip install no-such-wheel`, "
        "or set SNN2HW_NAIL to a nail"
    )


def test_a_tool_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    remedies = "install nail, or `pip install no-such-wheel`, or set SNN2HW_NAIL to a nail"
    assert NAIL.unavailable() == f"there is no nail: {remedies}"
    assert NAIL.version() == ""
    text = f"there is no nail\n  expected: nail, tack or no_such_wheel\n  do:       {remedies}"
    with refused(ExecutorUnavailableError, text):
        NAIL.command()


def test_what_it_prints_and_how_it_ends(tmp_path: Path) -> None:
    ran = run(["sh", "-c", "echo out; echo err >&2; exit 7"], 60)
    assert (ran.code, ran.output, ran.errors, ran.problem) == (7, "out\n", "err\n", "err")
    assert run(["sh", "-c", "kill -TERM $$"], 60).code == -signal.SIGTERM
    assert run(["sh", "-c", "exit 255"], 60).problem == "exit code 255"
    assert run(["sh", "-c", "pwd"], 60, folder=tmp_path).output == f"{tmp_path}\n"
    assert run(["sh", "-c", 'read -r x && exit 1; echo "$A"'], 60, variables={"A": "b c"}).output == "b c\n"
    assert run([str(tmp_path / "none")], 60).problem == f"there is no program '{tmp_path / 'none'}'"
    ran = run(["sh", "-c", "echo out; echo err >&2"], 60, log=tmp_path / "log")
    assert ran.output == (tmp_path / "log").read_text() == "out\nerr\n"


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert run(["printf", r"caf\351 \377"], 60).output == "caf\ufffd \ufffd"


def test_the_limit_ends_what_it_started_too(tmp_path: Path) -> None:
    ran = run(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; (sleep 600) & wait"], 0.5)
    assert (ran.code, ran.problem) == (None, "it was not done after 0.5 seconds")
    assert gone(int((tmp_path / "pid").read_text()))


def test_the_end_ends_what_it_started_too(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert run(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid"], 60).code == 0
    assert time.monotonic() - begun < 30
    assert gone(int((tmp_path / "pid").read_text()))


PARENT = """
import sys
from snn2hw.run.tools import run
print("begun", flush=True)
run(["sh", "-c", 'echo $$ >> "$1"; sleep 600 & echo $! >> "$1"; wait', "sh", sys.argv[1]], 600)
"""


@pytest.mark.parametrize("milliseconds", [0, 20, 200])
def test_the_end_of_this_process_ends_it_at_any_moment(tmp_path: Path, milliseconds: int) -> None:
    pids = tmp_path / "pids"
    call = [sys.executable, "-c", PARENT, str(pids)]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
    time.sleep(0.3)  # what had begun would have said so by now
    started = [int(line) for line in pids.read_text().split()] if pids.exists() else []
    assert all(gone(pid) for pid in started)
    assert milliseconds < 200 or len(started) == 2


def test_nothing_stays_open() -> None:
    before = os.listdir("/proc/self/fd")
    for call in (["true"], ["none"], ["sleep", "9"]):
        run(call, 0.1)
    assert os.listdir("/proc/self/fd") == before
