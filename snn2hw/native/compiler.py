"""The C compiler of this machine: found once, its libraries kept by the hash of what went in."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from snn2hw.cache import CACHE_VARIABLE, cache_folder, making, private, put, read_kept
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.run.forks import unforked
from snn2hw.run.tools import Tool, Wheel, run

COMPILER_VARIABLE, FLAGS_VARIABLE = "SNN2HW_CC", "SNN2HW_CFLAGS"
# No fused multiply-add: float results must be those of NumPy, bit for bit.
NATIVE, NO_NATIVE = "-march=native", ("-march=", "target CPU")  # the flag, and what gcc and clang say where they have none
FLAGS = ("-O3", NATIVE, "-std=c99", "-fPIC", "-shared", "-ffp-contract=off")
# gcc would follow the conditions of one spike of a step into the next, and be left with branches that it makes no vectors of.
BEGINNING = """#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-thread-jumps")
#endif
"""
SECONDS = 300
COMPILER = Tool(
    "C compiler", ("cc", "gcc", "clang"), COMPILER_VARIABLE, "install gcc or clang", Wheel("ziglang", arguments=("cc",))
)
INSTALL = COMPILER.remedies


def compiler() -> tuple[str, ...] | None:
    """The command of a C compiler: $SNN2HW_CC, cc, gcc, clang, or ziglang's; None where there is none."""
    return COMPILER.find()


def unavailable() -> str:
    """Why nothing can be compiled here, and what to install; empty where there is a compiler."""
    return COMPILER.unavailable()


def native_folder() -> Path:
    """The folder of what is compiled here.

    Raises:
        ExecutorUnavailableError: it cannot be made.
    """
    try:
        return private("native")
    except OSError as error:
        raise _not_kept(cache_folder() / "native", error) from error


def library(source: str) -> ctypes.CDLL:
    """The C source as a loaded library; compiled at most once for each source, compiler and machine.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails; the log it left is named.
    """
    command = COMPILER.command()
    made = native_folder() / f"{library_key(source)}.so"
    if not _whole(made):
        _compile(command, _flags(), source, made)
    try:
        with unforked():  # a child would get half of what the loader writes down
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
    parts = [BEGINNING, source, *command, program_version(command, os.environ.get("PATH")), *_flags(), _machine()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def program_version(command: tuple[str, ...], path: str | None) -> str:
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
    """Whether a cached library is ours and as it was written: loading one that is cut short kills the process."""
    digest, data = read_kept(_sum(made)), read_kept(made)
    return None not in (digest, data) and digest == hashlib.sha256(data or b"").hexdigest().encode()


def _sum(made: Path) -> Path:
    return made.with_suffix(".sha256")


def measuring_key() -> str:
    """Names what times depend on: compiler, flags, and the processor, which may be another one with the same instructions."""
    named = ("vendor_id", "cpu family", "model", "cache size", "CPU part", "CPU implementer")  # "model name" among them
    return library_key("\0".join(dict.fromkeys(_facts(named))))


@lru_cache(maxsize=1)
def _machine() -> str:
    """What -march=native depends on: a cache may be shared by several machines."""
    return next(_facts(("flags", "Features")), os.uname().machine)  # on x86 and on ARM


def _facts(named: tuple[str, ...]) -> Iterator[str]:
    """Lines of /proc/cpuinfo that begin so, of all cores; none where there is no such file."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        yield from (line for line in lines if line.startswith(named))


def _compile(command: tuple[str, ...], flags: tuple[str, ...], source: str, made: Path) -> None:
    log, problem = made.with_suffix(".log"), ""
    try:
        with making(made, SECONDS) as work:
            if _whole(made):  # another thread or process was faster
                return
            text, output = work / f"{made.stem}.c", work / made.name
            text.write_text(BEGINNING + source, encoding="utf-8")
            call = [*command, *flags, str(text), "-o", str(output), "-lm"]
            problem = _problem(call, output)
            if any(word in problem for word in NO_NATIVE) and not _problem([c for c in call if c != NATIVE], output):
                problem = ""  # a compiler that does not know this machine makes what every machine of its kind can do
            if problem:
                said = f"{' '.join(call)}\n{problem}\n".replace(str(text), str(made.with_suffix(".c")))
                (work / log.name).write_text(said, encoding="utf-8")
                put(work / log.name, log)
            else:
                digest = work / _sum(made).name
                digest.write_text(hashlib.sha256(output.read_bytes()).hexdigest(), encoding="utf-8")
                output.chmod(0o700)
                put(digest, _sum(made))
                put(output, made)
            put(text, made.with_suffix(".c"))
    except OSError as error:
        raise _not_kept(made.parent, error) from error
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
    return run(call, SECONDS).problem or ("" if output.is_file() else "it wrote no library")


def _not_kept(folder: Path, error: OSError) -> ExecutorUnavailableError:
    return ExecutorUnavailableError(
        "what is compiled cannot be kept",
        where=str(folder),
        got=str(error),
        expected="a folder that can be written",
        do=f"set {CACHE_VARIABLE} to another folder",
    )
