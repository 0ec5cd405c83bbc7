"""Threads, processes and forks at once: right integers, an end, and nothing left in the cache. See stress.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends.stress import LIMIT
from tests.clean_environment import ROOT
from tests.native.compiling import needs_compiler
from tests.native.test_compiler import command

pytestmark = needs_compiler
slow = pytest.mark.slow


def stress(cache: Path, *arguments: object, **variables: str) -> str:
    environment = {**os.environ, "SNN2HW_CACHE": str(cache), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "tests.backends.stress", *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT + 60,
    )  # fmt: skip
    assert "0 leftovers" in done.stderr, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("count", [3, pytest.param(16, marks=slow)])
def test_threads(tmp_path: Path, count: int) -> None:
    kind, rest = stress(tmp_path, "threads", count).split(": ")
    right, total = (int(word) for word in rest.split()[::2])
    assert (kind, right) == ("threads", total)
    assert total >= 2 * count


@pytest.mark.parametrize("count", [2, pytest.param(50, marks=slow)])
def test_processes_on_an_empty_cache(tmp_path: Path, count: int) -> None:
    """They compile once, whoever comes first."""
    cc, log = os.environ.get("SNN2HW_CC", "cc"), tmp_path / "log"
    counting = command(tmp_path / "counting", f'echo 1 >> {log}; exec {cc} "$@"')
    assert stress(tmp_path / "cache", "processes", count, SNN2HW_CC=str(counting)) == f"processes: {count} of {count} right\n"
    assert log.read_text() == "1\n"  # no layer asks for what `crossings` measures


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=slow)])
def test_forks_while_a_thread_compiles_and_after_torch_used_its_threads(tmp_path: Path, count: int) -> None:
    assert stress(tmp_path, "forks", count, OMP_NUM_THREADS="2") == f"forks: {count} of {count} right\n"


SLOW = """
import os, signal, sys, threading, time
from snn2hw.native.compiler import library
SOURCE = "int one(void) { return 1; }"
compiling = threading.Thread(target=library, args=(SOURCE,))
compiling.start()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
child = os.fork()
if child == 0:
    signal.alarm(60)
    print("child", library(SOURCE).one(), flush=True)
    os._exit(0)
compiling.join()
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_child_waits_for_what_a_thread_of_its_parent_compiles(tmp_path: Path) -> None:
    cc = os.environ.get("SNN2HW_CC", "cc")
    sleepy = command(tmp_path / "sleepy", f'echo 1 >> {tmp_path}/begun; sleep 1; exec {cc} "$@"')
    environment = {**os.environ, "SNN2HW_CACHE": str(tmp_path / "cache"), "SNN2HW_CC": str(sleepy)}
    call = [sys.executable, "-c", SLOW, str(tmp_path / "begun")]
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "child 1\n"), done.stderr
    assert (tmp_path / "begun").read_text() == "1\n"


KILLED = """
import sys
from snn2hw.native.compiler import library
print("begun", flush=True)
library("int one(void) { return 1; }")
"""


def test_what_a_killed_process_was_compiling_goes_and_is_made(tmp_path: Path) -> None:
    sleepy = command(tmp_path / "sleepy", f"echo $$ > {tmp_path}/pid; sleep 600 & wait")
    environment = {**os.environ, "SNN2HW_CACHE": str(tmp_path / "cache")}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=ROOT, env={**environment, "SNN2HW_CC": str(sleepy)}, stdout=subprocess.PIPE
    ) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert len([p for p in (tmp_path / "cache" / "native").iterdir() if p.name.startswith(".")]) == 2
    subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
    assert sorted(p.suffix for p in (tmp_path / "cache" / "native").iterdir()) == [".c", ".sha256", ".so"]
