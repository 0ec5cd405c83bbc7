"""The C compiler is found, used once for each source, and named with its log when it fails."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from snn2hw import cache as caches
from snn2hw.cache import making
from snn2hw.errors import ExecutorUnavailableError, Snn2hwWarning
from snn2hw.native import compiler as room
from snn2hw.native.compiler import BEGINNING, compiler, library
from tests.native.compiling import needs_compiler
from tests.processes import gone
from tests.refused import refused

TWICE = "#include <stdint.h>\nint64_t twice(int64_t x) { return 2 * x; }\n"
INSTALL = "install gcc or clang, or `pip install ziglang`, or set SNN2HW_CC to a C compiler"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    for variable in ("SNN2HW_CC", "SNN2HW_CFLAGS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache" / "native"


def command(path: Path, lines: str) -> Path:
    """A program of the shell with these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def twice(source: str = TWICE) -> int:
    function = library(source).twice
    function.restype = ctypes.c_int64
    return int(function(ctypes.c_int64(1 << 40)))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def made(folder: Path) -> Path:
    (path,) = folder.glob("*.so")
    return path


def without_ziglang(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "ziglang" else find(name, *a))


# which compiler


@pytest.mark.parametrize(("there", "taken"), [("cc gcc clang", "cc"), ("gcc clang", "gcc"), ("clang", "clang")])
def test_the_first_compiler_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, taken: str) -> None:
    for name in there.split():
        command(tmp_path / "bin" / name, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert compiler() == (str(tmp_path / "bin" / taken),)


def test_the_variable_comes_first_and_may_hold_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CC", "zig cc -target x86_64-linux-gnu")
    assert compiler() == ("zig", "cc", "-target", "x86_64-linux-gnu")


def test_ziglang_is_taken_where_the_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "zig only"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: name == "ziglang" or None)
    assert compiler() == (sys.executable, "-m", "ziglang", "cc")


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    without_ziglang(monkeypatch)
    assert compiler() is None
    with refused(
        ExecutorUnavailableError,
        f"there is no C compiler\n  expected: cc, gcc, clang or ziglang\n  do:       {INSTALL}",
    ):
        library(TWICE)
    assert not cache.exists()


# what is kept


@needs_compiler
def test_a_source_is_compiled_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert twice() == 1 << 41
    key = made(cache).stem
    assert names(cache) == [f"{key}.c", f"{key}.sha256", f"{key}.so"]
    assert (cache / f"{key}.c").read_text() == BEGINNING + TWICE
    monkeypatch.setattr(room, "run", lambda *a, **k: pytest.fail("compiled again"))
    assert twice() == 1 << 41


@needs_compiler
def test_another_source_and_another_compiler_are_another_library(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = compiler()
    assert own is not None
    assert twice() == twice(TWICE + "\n") == 1 << 41
    assert len(list(cache.glob("*.so"))) == 2
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "mine", f'echo "$@" >> {tmp_path}/said; exec {" ".join(own)} "$@"')))
    assert twice() == 1 << 41
    assert len(list(cache.glob("*.so"))) == 3
    assert (tmp_path / "said").read_text().startswith("-O3 -march=native -std=c99 -fPIC -shared -ffp-contract=off ")


@needs_compiler
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99, None])
def test_a_damaged_library_is_made_again(cache: Path, part: float | None) -> None:
    """Loading one that is cut short would kill the process, so its hash is asked first. Written aside, renamed: a library
    that is loaded stays as it is."""
    twice()
    path = made(cache)
    whole = path.read_bytes()
    aside = path.with_suffix(".aside")
    aside.write_bytes(b"no library" * 999 if part is None else whole[: int(part * len(whole))])
    aside.replace(path)
    assert twice() == 1 << 41
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.with_suffix(".sha256").read_text()
    assert names(cache) == [f"{path.stem}.c", f"{path.stem}.sha256", f"{path.stem}.so"]


@needs_compiler
@pytest.mark.parametrize("left", [b"", b"\xff"])
def test_a_library_without_its_hash_is_made_again(cache: Path, left: bytes) -> None:
    twice()
    made(cache).with_suffix(".sha256").write_bytes(left)
    assert twice() == 1 << 41
    assert len(made(cache).with_suffix(".sha256").read_text()) == 64


# compilers that fail


@pytest.mark.parametrize(
    ("lines", "problem", "log"),
    [
        ("echo no headers >&2; echo and more >&2; exit 1", "no headers", "no headers\nand more\n"),
        ("exit 7", "exit code 7", "exit code 7\n"),
        ("exit 0", "it wrote no library", "it wrote no library\n"),
        ('while [ "$1" != -o ]; do shift; done; echo half > "$2"; exit 9', "exit code 9", "exit code 9\n"),
    ],
)
def test_a_compiler_that_fails_is_named_and_leaves_its_log_alone(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, lines: str, problem: str, log: str
) -> None:
    broken = command(tmp_path / "broken", lines)
    monkeypatch.setenv("SNN2HW_CC", f"{broken} -v")
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    text, left = sorted(cache.iterdir())
    assert str(caught.value) == (
        f"the C compiler failed\n  where:    {broken} -v\n  got:      {problem}\n  expected: a shared library\n"
        f"  do:       read {left}; {INSTALL}"
    )
    assert (text.suffix, left.suffix) == (".c", ".log")
    assert text.read_text() == BEGINNING + TWICE
    call, said = left.read_text().split("\n", 1)
    assert call.startswith(f"{broken} -v -O3 -march=native ")
    assert str(text) in call
    assert said == log


def test_flags_that_the_compiler_does_not_know_are_what_to_check(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "broken", "echo what is that >&2; exit 1")))
    monkeypatch.setenv("SNN2HW_CFLAGS", "-nonsense")
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    assert caught.value.do == f"read {next(cache.glob('*.log'))}; check SNN2HW_CFLAGS=-nonsense"


@needs_compiler
def test_a_compiler_that_does_not_know_this_machine_makes_what_runs_on_every_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = " ".join(compiler() or ())
    refusing = f'case "$*" in *-march=native*) echo "unrecognized -march=native" >&2; exit 1;; esac; exec {own} "$@"'
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "elsewhere", refusing)))
    assert twice() == 1 << 41


@needs_compiler
def test_an_upgraded_compiler_compiles_again(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, mine = " ".join(compiler() or ()), tmp_path / "mine"
    source = "#include <stdint.h>\nint64_t twice(int64_t x) { return VERSION * x; }\n"
    monkeypatch.setenv("SNN2HW_CC", str(command(mine, f'exec {own} -DVERSION=2 "$@"')))
    assert twice(source) == 2 << 40
    command(mine, f'exec {own} -DVERSION=30 "$@"')
    room.program_version.cache_clear()  # as another process does
    assert twice(source) == 30 << 40


@needs_compiler
def test_a_key_looks_for_the_compiler_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for in every forward of a neuron."""
    key = room.library_key(TWICE)
    monkeypatch.setattr(room.shutil, "which", lambda *a, **k: pytest.fail("looked for again"))
    assert room.library_key(TWICE) == key


@needs_compiler
def test_threads_may_compile_the_same_at_once(cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(twice, [TWICE] * 8)) == [1 << 41] * 8
    assert sorted(p.suffix for p in cache.iterdir()) == [".c", ".sha256", ".so"]


def test_measurements_are_of_a_processor_and_libraries_of_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two processors with the same instructions one may be slower."""
    keys = []
    for model in ("model name\t: One", "model name\t: Other", "model name\t: Other"):
        monkeypatch.setattr(Path, "read_text", lambda self, encoding, model=model: f"{model}\nflags\t: fpu avx2\n{model}\n")
        room._machine.cache_clear()
        keys.append((room.library_key("x"), room.measuring_key()))
    room._machine.cache_clear()
    assert len({library for library, _ in keys}) == 1
    assert keys[0][1] != keys[1][1] == keys[2][1]


@pytest.mark.parametrize(
    ("facts", "same"), [("flags\t: fpu sse2", False), ("Features : fp asimd sve", False), ("bogomips: 1", True)]
)
def test_what_the_machine_can_do_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch, facts: str, same: bool) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *a, **k: f"processor: 0\n{facts}\n")
    assert (room._machine.__wrapped__() == os.uname().machine) is same


def test_a_compiler_that_does_not_exist(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CC", str(tmp_path / "no such"))
    given, _ = str(tmp_path / "no such").rsplit(" ", 1)
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    _, log = sorted(cache.iterdir())
    assert room.unavailable() == f"there is no program '{given}', which SNN2HW_CC names: {INSTALL}"
    assert str(caught.value) == (
        f"the C compiler failed\n  where:    {given} such\n  got:      there is no program '{given}'\n"
        f"  expected: a shared library\n  do:       read {log}; {INSTALL}"
    )


def test_a_compiler_that_hangs_is_ended(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SECONDS", 0.2)
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "slow", "exec sleep 60")))
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    _, log = sorted(cache.iterdir())
    assert str(caught.value) == (
        f"the C compiler failed\n  where:    {tmp_path / 'slow'}\n  got:      it was not done after 0.2 seconds\n"
        f"  expected: a shared library\n  do:       read {log}; {INSTALL}"
    )


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("SNN2HW_CC", "mine")
    with refused(
        ExecutorUnavailableError,
        f"""
        what is compiled cannot be kept
          where:    {tmp_path / "file" / "native"}
          got:      [Errno 20] Not a directory: '{tmp_path / "file"}'
          expected: a folder that can be written
          do:       set SNN2HW_CACHE to another folder
        """,
    ):
        library(TWICE)
    assert (tmp_path / "file").read_text() == "mine"


@needs_compiler
def test_a_disk_that_is_full(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(path: Path, text: str, **k: str) -> int:
        if path.suffix == ".sha256" and path.parent.suffix == ".work":
            raise OSError(28, "No space left on device")
        return write(path, text, **k)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ExecutorUnavailableError, match="what is compiled cannot be kept"):
        library(TWICE)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("given", ["", "  "])
def test_a_blank_variable_names_no_compiler(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    own = compiler()
    monkeypatch.setenv("SNN2HW_CC", given)
    assert compiler() == own


def test_what_is_no_library_cannot_be_loaded(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = 'while [ "$1" != -o ]; do shift; done; echo no library > "$2"'
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "liar", lines)))
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    path = made(cache)
    assert str(caught.value) == (
        f"a library that was compiled here cannot be loaded\n  where:    {path}\n  got:      {path}: file too short\n"
        f"  expected: a cache folder that programs may be run from\n"
        f"  do:       set SNN2HW_CACHE to another folder; {INSTALL}"
    )


@needs_compiler
def test_several_processes_may_share_a_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another is making is locked and left alone."""
    assert twice() == 1 << 41
    with making(cache / "other.so", 1) as work:
        (work / "other.so").write_text("half")
        assert twice(TWICE + "\n") == 1 << 41
        assert (work / "other.so").read_text() == "half"


@needs_compiler
@pytest.mark.parametrize("planted", ["in a folder open to all", "written by all"])
def test_a_library_that_others_planted_is_not_loaded(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """It has the right name and the right hash, and would answer otherwise."""
    twice()
    path, evil = made(cache), "#include <stdint.h>\nint64_t twice(int64_t x) { return -1; }\n"
    twice_of_theirs = tmp_path / "theirs"
    monkeypatch.setenv("SNN2HW_CACHE", str(twice_of_theirs))
    assert twice(evil) == -1
    data = made(twice_of_theirs / "native").read_bytes()
    monkeypatch.setenv("SNN2HW_CACHE", str(cache.parent))
    path.unlink()  # what is loaded stays as it is
    path.write_bytes(data)
    path.with_suffix(".sha256").write_text(hashlib.sha256(data).hexdigest())
    if planted == "written by all":
        path.chmod(0o777)
        assert twice() == 1 << 41
        return
    cache.chmod(0o777)
    monkeypatch.setattr(caches.tempfile, "gettempdir", lambda: str(tmp_path))
    with pytest.warns(Snn2hwWarning, match="others could put files into the cache folder, so that it is not used"):
        assert twice() == 1 << 41
    assert made(tmp_path / f"snn2hw-{os.geteuid()}" / "native").name == path.name


def test_a_compiler_that_writes_no_utf8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "latin", r"printf 'Datei fehlt: caf\351' >&2; exit 1")))
    with pytest.raises(ExecutorUnavailableError) as caught:
        library(TWICE)
    assert caught.value.got == "Datei fehlt: caf\ufffd"


def test_what_a_compiler_started_ends_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SECONDS", 0.5)
    monkeypatch.setenv("SNN2HW_CC", str(command(tmp_path / "forking", f"sleep 600 & echo $! > {tmp_path}/pid; wait")))
    with pytest.raises(ExecutorUnavailableError, match=r"it was not done after 0\.5 seconds"):
        library(TWICE)
    assert gone(int((tmp_path / "pid").read_text()))
