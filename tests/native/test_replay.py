"""A C folder is compiled aside and run; what keeps it from that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from snn2hw.errors import ArtefactError, ExecutorUnavailableError, UsageError
from snn2hw.native import replay as room
from snn2hw.native.replay import Replay, replay
from tests.native.compiling import needs_compiler
from tests.native.test_compiler import INSTALL, command, without_ziglang
from tests.refused import refused

ENDED = "expected: exit code 0 or 1\n  do:       write the folder again; report it if it ends like that again"


def folder(path: Path, says: str = "", code: int | str = 0) -> Path:
    path.mkdir()
    (path / "snn.c").write_text("int answer(void);\nint answer(void) { return 42; }\n")
    body = f'printf("%d {says}\\n", answer()); return {code};'
    (path / "main.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\nint answer(void);\nint main(void) {{ {body} }}\n")
    return path


@needs_compiler
def test_the_exit_code_is_the_verdict_and_the_folder_stays_as_it_is(tmp_path: Path) -> None:
    assert replay(folder(tmp_path / "a", "good")) == Replay(True, "42 good")
    assert replay(folder(tmp_path / "b", "bad", 1)) == Replay(False, "42 bad")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["main.c", "main.c", "snn.c", "snn.c"]


def test_what_is_no_c_folder(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("")
    with refused(
        UsageError,
        f"""
        this is no C folder
          where:    {tmp_path}
          got:      no snn.c
          do:       write it with `snn2hw export ARTEFACT --to c`
        """,
    ):
        replay(tmp_path)


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder(tmp_path / "c")
    monkeypatch.delenv("SNN2HW_CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    without_ziglang(monkeypatch)
    with refused(
        ExecutorUnavailableError,
        f"there is no C compiler\n  expected: cc, gcc, clang or ziglang\n  do:       {INSTALL}",
    ):
        replay(made)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("echo main.c: no >&2; echo more >&2; exit 1", "main.c: no"),
        ("echo main.c: In function main >&2; echo main.c:7: error: no >&2; exit 1", "main.c:7: error: no"),
        ("exit 7", "exit code 7"),
    ],
)
def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, problem: str) -> None:
    made = folder(tmp_path / "c")
    broken = command(tmp_path / "broken", lines)
    monkeypatch.setenv("SNN2HW_CC", str(broken))
    with refused(
        ExecutorUnavailableError,
        f"""
        the C compiler failed on the C folder
          where:    {made}: {broken}
          got:      {problem}
          expected: a program, without warnings
          do:       run `make` in the folder to see all it says; {INSTALL}
        """,
    ):
        replay(made)


@needs_compiler
def test_a_warning_is_an_error(tmp_path: Path) -> None:
    made = folder(tmp_path / "c")
    (made / "snn.c").write_text("static int unused(void) { return 1; }\nint answer(void) { return 42; }\n")
    with pytest.raises(ExecutorUnavailableError):
        replay(made)


@needs_compiler
def test_a_program_that_crashes_or_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code, ended in (("a", 7, "exit code 7"), ("b", "(abort(), 0)", "exit code -6")):
        made = folder(tmp_path / name, code=code)
        text = f"the program of the C folder did not come to an end\n  where:    {made}\n  got:      {ended}\n  {ENDED}"
        with refused(ArtefactError, text):
            replay(made)
    monkeypatch.setattr(room, "RUN_SECONDS", 2)
    made = folder(tmp_path / "c")
    (made / "main.c").write_text("int main(void) { volatile int go = 1; while (go) { } return 0; }\n")
    text = f"the program of the C folder did not come to an end\n  where:    {made}\n  got:      it was not done after 2 seconds"
    with refused(ArtefactError, f"{text}\n  {ENDED}"):
        replay(made)
