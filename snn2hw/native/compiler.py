"""The C compiler of this machine: found once, its libraries kept by the hash of what went in."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from snn2hw.cache import cache_folder
from snn2hw.errors import ExecutorUnavailableError

COMPILER_VARIABLE, FLAGS_VARIABLE = "SNN2HW_CC", "SNN2HW_CFLAGS"
# No fused multiply-add: float results must be those of NumPy, bit for bit.
FLAGS = ("-O3", "-march=native", "-std=c99", "-fPIC", "-shared", "-ffp-contract=off")
SECONDS = 300
INSTALL = "install gcc or clang, or `pip install ziglang`, or set SNN2HW_CC to a C compiler"


@lru_cache(maxsize=4)
def _found(given: str | None, path: str | None) -> tuple[str, ...] | None:
    if given:
        return tuple(given.split())
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name, path=path):
            return (found,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    return None


def compiler() -> tuple[str, ...] | None:
    """The command of a C compiler: $SNN2HW_CC, cc, gcc, clang, or ziglang's; None where there is none."""
    return _found(os.environ.get(COMPILER_VARIABLE), os.environ.get("PATH"))


def library(source: str) -> ctypes.CDLL:
    """The C source as a loaded library; compiled at most once for each source, compiler and machine.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails; the log it left is named.
    """
    command = compiler()
    if command is None:
        raise ExecutorUnavailableError("there is no C compiler", expected="cc, gcc, clang or ziglang", do=INSTALL)
    flags = (*FLAGS, *os.environ.get(FLAGS_VARIABLE, "").split())  # the last of two that contradict each other counts
    key = hashlib.sha256("\0".join([source, *command, *flags, _machine()]).encode()).hexdigest()[:16]
    folder = cache_folder() / "native"
    made = folder / f"{key}.so"
    if not made.is_file():
        _compile((*command, *flags), source, folder, made)
    try:
        return ctypes.CDLL(str(made))
    except OSError:  # damaged in the cache: made once more
        made.unlink(missing_ok=True)
        _compile((*command, *flags), source, folder, made)
        return ctypes.CDLL(str(made))


def _machine() -> str:
    """What -march=native depends on: a cache may be shared by several machines."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return os.uname().machine
    return next((line for line in info.splitlines() if line.startswith("flags")), os.uname().machine)


def _compile(command: tuple[str, ...], source: str, folder: Path, made: Path) -> None:
    text, output = (folder / f"{made.stem}.{os.getpid()}{suffix}" for suffix in (".c", ".so"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text.write_text(source, encoding="utf-8")
        call = [*command, str(text), "-o", str(output), "-lm"]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=SECONDS)
        problem = (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        log = made.with_suffix(".log")
        if folder.is_dir():
            log.write_text(f"{' '.join(command)}\n{problem}\n", encoding="utf-8")
        raise ExecutorUnavailableError(
            "the C compiler failed",
            where=" ".join(command),
            got=problem.splitlines()[0][:200],
            expected="a shared library",
            do=f"read {log}; {INSTALL}",
        )
    output.replace(made)
    text.replace(made.with_suffix(".c"))
