"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

LINES = 400
BYTES = 2 * 1024 * 1024
PYTHON = sorted(p for part in ("snn2hw", "models", "bench", "tests") for p in (ROOT / part).rglob("*.py"))


def tracked() -> list[Path]:
    """Files that git knows; in a copy without git, all of them but what is built."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [ROOT / n for n in names if (ROOT / n).is_file()] or PYTHON


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_one_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", sorted((ROOT / "snn2hw").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_nothing_large_is_committed() -> None:
    assert [p for p in tracked() if p.stat().st_size > BYTES] == []


def test_no_path_of_one_machine_and_no_pickle_is_committed() -> None:
    home = str(Path.home())
    texts = {p: p.read_bytes() for p in tracked() if p.suffix != ".safetensors"}
    assert [p for p, data in texts.items() if len(home) > 1 and home.encode() + b"/" in data] == []
    assert [p for p in texts if p.suffix in (".pkl", ".pickle", ".pt", ".pth")] == []


def advised(text: str) -> list[str]:
    """What `pip install` is followed by, up to the end of the words that a shell would take as one."""
    return re.findall(r"pip install ((?:'[^']*'|[^\s`\"|,)]+))", text)


def test_every_advice_to_pip_can_be_pasted_and_names_an_extra_that_there_is() -> None:
    """A shell reads [...] as a pattern, so extras stand in quotation marks; another package is named without a bracket."""
    there = set(
        re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]")[1], re.M)
    )
    found = []
    for path in [
        *(ROOT / "snn2hw").rglob("*.py"),
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "models").rglob("*.md"),
    ]:
        for what in advised(path.read_text(encoding="utf-8")):
            if "[" in what:
                named = re.fullmatch(r"'(?:snn2hw|\.)\[([\w,]+|\{extra\})\]'", what)
                assert named, f"{path.relative_to(ROOT)}: {what}"
                assert set(named[1].split(",")) <= there | {"{extra}"}, f"{path.relative_to(ROOT)}: {what}"
                found.append(path.name)
    assert {"demo_run.py", "errors.py", "executor.py", "runtime.py", "README.md"} <= set(found)


def test_extras_that_messages_name_are_there() -> None:
    there = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "snn2hw").rglob("*.py"))
    named = set(re.findall(r'MissingExtraError\([^)]*?"(\w+)", "[^"]*"\)', source))
    assert {"torch", "netx", "nir", "data", "demo"} <= named
    assert [extra for extra in named if f"\n{extra} = [" not in there] == []


def test_programs_of_others_are_started_in_one_place() -> None:
    """`run/tools.py` has the time limit, the log and the end of all that a program started; every caller goes through it."""
    starts = re.compile(
        r"^\s*(?:import|from) (?:subprocess|pty|asyncio\.subprocess)\b|\bos\.(?:system|popen|exec\w+|spawn\w+|posix_spawn\w*)\(",
        re.M,
    )
    found = {p.relative_to(ROOT / "snn2hw").as_posix() for p in (ROOT / "snn2hw").rglob("*.py") if starts.search(p.read_text())}
    assert found == {"run/tools.py"}
    callers = re.compile(r"^from snn2hw\.run\.tools import", re.M)
    through = {
        p.relative_to(ROOT / "snn2hw").as_posix() for p in (ROOT / "snn2hw").rglob("*.py") if callers.search(p.read_text())
    }
    assert {"native/compiler.py", "native/replay.py", "backends/lava/executor.py", "backends/lava/environment.py"} <= through
