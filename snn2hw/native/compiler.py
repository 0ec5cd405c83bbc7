"""The C compiler of this machine: found once, its libraries kept by the hash of what went in."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from snn2hw.cache import CACHE_VARIABLE, cache_folder
from snn2hw.errors import ExecutorUnavailableError

COMPILER_VARIABLE, FLAGS_VARIABLE = "SNN2HW_CC", "SNN2HW_CFLAGS"
# No fused multiply-add: float results must be those of NumPy, bit for bit.
NATIVE, NO_NATIVE = "-march=native", ("-march=", "target CPU")  # the flag, and what gcc and clang say where they have none
FLAGS = ("-O3", NATIVE, "-std=c99", "-fPIC", "-shared", "-ffp-contract=off")
SECONDS = 300
INSTALL = "install gcc or clang, or `pip install ziglang`, or set SNN2HW_CC to a C compiler"


@lru_cache(maxsize=4)
def _found(given: str | None, path: str | None) -> tuple[str, ...] | None:
    if given and given.split():
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


def unavailable() -> str:
    """Why nothing can be compiled here, and what to install; empty where there is a compiler."""
    command = compiler()
    if command is None:
        return f"there is no C compiler: {INSTALL}"
    if shutil.which(command[0]) is None:
        return f"there is no program '{command[0]}', which {COMPILER_VARIABLE} names: {INSTALL}"
    return ""


def library(source: str) -> ctypes.CDLL:
    """The C source as a loaded library; compiled at most once for each source, compiler and machine.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails; the log it left is named.
    """
    command = compiler()
    if command is None:
        raise ExecutorUnavailableError("there is no C compiler", expected="cc, gcc, clang or ziglang", do=INSTALL)
    folder = cache_folder() / "native"
    made = folder / f"{library_key(source)}.so"
    if not _whole(made):
        _compile(command, _flags(), source, folder, made)
    try:
        return ctypes.CDLL(str(made))
    except OSError as error:
        raise ExecutorUnavailableError(
            "a library that was compiled here cannot be loaded",
            where=str(made),
            got=str(error),
            expected="a cache folder that programs may be run from",
            do=f"set {CACHE_VARIABLE} to another folder; {INSTALL}",
        ) from error


def library_key(source: str) -> str:
    """Names what is compiled from a source by this compiler, with these flags, for this machine."""
    command = compiler() or ()
    parts = [source, *command, _version(command, os.environ.get("PATH")), *_flags(), _machine()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _version(command: tuple[str, ...], path: str | None) -> str:
    """Of the compiler's program, another one after an upgrade. Looked for once: a key is asked for in every forward."""
    program = shutil.which(command[0], path=path) if command else None
    if program is None:
        return ""
    facts = Path(program).resolve().stat()
    zig = importlib.metadata.version("ziglang") if "ziglang" in command else ""
    return f"{facts.st_size} {facts.st_mtime_ns} {zig}"


def _flags() -> tuple[str, ...]:
    return (*FLAGS, *os.environ.get(FLAGS_VARIABLE, "").split())  # the last of two that contradict each other counts


def _whole(made: Path) -> bool:
    """Whether a cached library is as it was written: loading one that is cut short kills the process."""
    try:
        return _sum(made).read_text(encoding="utf-8") == hashlib.sha256(made.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False


def _sum(made: Path) -> Path:
    return made.with_suffix(".sha256")


@lru_cache(maxsize=1)
def _machine() -> str:
    """What -march=native depends on: a cache may be shared by several machines."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return os.uname().machine
    named = ("flags", "Features")  # on x86 and on ARM
    return next((line for line in info.splitlines() if line.startswith(named)), os.uname().machine)


def _compile(command: tuple[str, ...], flags: tuple[str, ...], source: str, folder: Path, made: Path) -> None:
    # Threads have one number, and so may processes of two containers that share the folder.
    text, output = (folder / f"{made.stem}.{os.getpid()}.{uuid4().hex[:8]}{suffix}" for suffix in (".c", ".so"))
    log = made.with_suffix(".log")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text.write_text(source, encoding="utf-8")
        call = [*command, *flags, str(text), "-o", str(output), "-lm"]
        problem = _problem(call, output)
        if any(word in problem for word in NO_NATIVE) and not _problem([c for c in call if c != NATIVE], output):
            problem = ""  # a compiler that does not know this machine makes what every machine of its kind can do
        if problem:
            kept = made.with_suffix(".c")
            text.replace(kept)
            log.write_text(f"{' '.join(call)}\n{problem}\n".replace(str(text), str(kept)), encoding="utf-8")
        else:
            _sum(made).write_text(hashlib.sha256(output.read_bytes()).hexdigest(), encoding="utf-8")
            output.replace(made)
            text.replace(made.with_suffix(".c"))
    except OSError as error:
        raise ExecutorUnavailableError(
            "what is compiled cannot be kept",
            where=str(folder),
            got=str(error),
            expected="a folder that can be written",
            do=f"set {CACHE_VARIABLE} to another folder",
        ) from error
    finally:
        for part in (text, output):
            with suppress(OSError):
                part.unlink()
    if problem:
        own = os.environ.get(FLAGS_VARIABLE)
        raise ExecutorUnavailableError(
            "the C compiler failed",
            where=" ".join(command),
            got=problem.splitlines()[0][:200],
            expected="a shared library",
            do=f"read {log}; " + (f"check {FLAGS_VARIABLE}={own}" if own else INSTALL),
        )


def _problem(call: list[str], output: Path) -> str:
    """What the compiler says, or what else went wrong; empty where it wrote the library."""
    try:
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"it was not done after {SECONDS} seconds"
    except OSError as error:
        return str(error)
    if done.returncode:
        return done.stderr.strip() or f"exit code {done.returncode}"
    return "" if output.is_file() else "it wrote no library"
