"""How to add an operation, as CONTRIBUTING says it: its very lines, put into a copy of snn2hw; no other file of it differs."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clean_environment import ROOT
from tests.house.instructions import additions, touched

pytestmark = pytest.mark.torch


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """snn2hw with the lines of CONTRIBUTING, each behind the line that is printed before it."""
    for part in ("snn2hw", "targets"):
        shutil.copytree(ROOT / part, tmp_path / "site" / part)
    for file, edits in additions().items():
        path = tmp_path / "site" / file
        text = path.read_text(encoding="utf-8")
        for there, added in edits:
            assert text.count(there) == 1, f"{file} has no such line any more: {there}"
            text = text.replace(there, there + added)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "site"


def differing(copy: Path) -> set[str]:
    ours = [p for p in (ROOT / "snn2hw").rglob("*.*") if "__pycache__" not in p.parts and p.is_file()]
    names = {p.relative_to(ROOT).as_posix() for p in ours}
    return {name for name in names if not filecmp.cmp(ROOT / name, copy / name, shallow=False)}


def test_these_files_are_enough(copy: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    counted = touched("an operation")
    assert differing(copy) == {*counted.files, *counted.rows}
    print(f"files to touch for an operation: {len(counted.files)}, rows: {len(counted.rows)}: {[*counted.files, *counted.rows]}")
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.house.with_operation", str(tmp_path / "net")]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    where, *tables = ran.stdout.splitlines()
    assert where == str(copy / "snn2hw")
    assert sorted(tables) == sorted({*counted.files[1:], *counted.rows})  # every table of operations that there is, but no other
