"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
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
