"""Tests in a forked child: a copy of the checkout, one module of it replaced, a limit of time and memory.

The parent has imported the large packages, but nothing of ours: so a child starts in a fraction of a second. What it runs lies in
the copy, and the faulty text exists in its memory only: the checkout is never touched, however a run ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LARGE = (
    "numpy",
    "onnx",
    "onnx.reference",
    "hypothesis",
    "pytest",
    "rich.table",
    "typer",
    "torch",
    "torch.fx",
    "h5py",
    "nir",
    "onnxruntime",
)
MEMORY = 8 << 30  # of data, bytes
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
OWN = ("snn2hw", "tests", "models", "bench")
PYTEST = (
    *("-q", "-x", "-o", "addopts=", "--strict-markers", "-m", "not slow"),
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
PASSED, NOTHING_RUN = 0, 5


def prepare() -> None:
    """Import what is large and of others, once."""
    for name in LARGE:
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    gc.freeze()  # children share these pages


def copied(to: Path) -> Path:
    """The checkout as it stands, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def module_of(file: str) -> str:
    """The name under which a file is imported."""
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")


@dataclass(frozen=True)
class Replaced(importlib.abc.MetaPathFinder):
    """One module whose text is another than that of its file."""

    name: str
    path: Path
    text: str

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of that module; of others nothing."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=_Loader(name, str(self.path), self.text))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.given = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.given, self.path, "exec", dont_inherit=True)


@dataclass(frozen=True)
class Job:
    """Tests to run.

    Args:
        key: whatever the caller knows it by. tests: ids or files. limit: seconds. file, text: what is replaced, if anything.
        inside: called in the child in place of pytest; returns an exit status.
    """

    key: Any
    tests: Sequence[str]
    limit: float
    file: str = ""
    text: str = ""
    inside: Callable[[list[str]], int] | None = None


@dataclass(frozen=True)
class Ran:
    """How it ended: the exit status of pytest, or -1 for one that was stopped at its limit."""

    job: Job
    status: int
    seconds: float
    said: str

    @property
    def passed(self) -> bool:
        """Whether every test passed, and there was one."""
        return self.status == PASSED


def run_all(jobs: Iterable[Job], copy: Path, workers: int) -> Iterator[Ran]:
    """Every job in a child of its own, so many at a time; in the order in which they end."""
    waiting, running = iter(jobs), dict[int, tuple[Job, float, Path]]()
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)) is not None:
                log = copy / f".said-{time.monotonic_ns()}"
                running[_start(job, copy, log)] = job, time.monotonic(), log
            if not running:
                return
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in running:
                job, begun, log = running.pop(pid)
                _end(pid)
                yield Ran(job, os.waitstatus_to_exitcode(status), time.monotonic() - begun, _said(log))
                continue
            late = next((p for p, (job, begun, _) in running.items() if time.monotonic() - begun > job.limit), None)
            if late is not None:
                job, begun, log = running.pop(late)
                _end(late)
                os.waitpid(late, 0)
                yield Ran(job, -1, time.monotonic() - begun, _said(log))
            elif not pid:
                time.sleep(0.02)
    finally:
        for pid in running:
            _end(pid)
            os.waitpid(pid, 0)


def _said(log: Path) -> str:
    said = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    return said


def _end(pid: int) -> None:
    """The child's whole group, and what its tests left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _start(job: Job, copy: Path, log: Path) -> int:
    log.touch()
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    status = 70
    try:
        _in_child(copy, log)
        if job.file:
            sys.meta_path.insert(0, Replaced(module_of(job.file), copy / job.file, job.text))
        arguments = [*PYTEST, *job.tests]
        status = _pytest(arguments) if job.inside is None else job.inside(arguments)
    except BaseException as error:  # noqa: BLE001  (a child never returns into its parent's code)
        print(f"{type(error).__name__}: {error}", flush=True)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _pytest(arguments: list[str]) -> int:
    import pytest

    return int(pytest.main(arguments))


def _in_child(copy: Path, log: Path) -> None:
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)  # nothing goes on when the parent is killed
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    for name in [n for n in sys.modules if n.partition(".")[0] in OWN]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(p for p in sys.path if p and Path(p).resolve() != ROOT)]
