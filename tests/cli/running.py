"""The command line, run in this process exactly as the console script runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from snn2hw.cli.app import app
from snn2hw.cli.end import guarded
from snn2hw.files.write import write_npz
from snn2hw.trace import read_npz

Capture = pytest.CaptureFixture[str]
HERE = ("reference", "onnx-reference")
COMMAND = get_command(app)  # made of the functions' annotations once, which takes longer than many a verb


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Compile = Callable[..., Ran]


def run(capsys: Capture, *arguments: object) -> Ran:
    capsys.readouterr()
    code = guarded(lambda: COMMAND([str(a) for a in arguments], standalone_mode=True))
    seen = capsys.readouterr()
    return Ran(code, seen.out, seen.err)


def refusal(ran: Ran, text: str, code: int = 2) -> None:
    """One clear error on stderr with its whole text, nothing of it on stdout, no traceback."""
    assert ran.code == code
    assert ran.err == f"error: {text}\n"
    assert "Traceback" not in ran.out + ran.err


def listing(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def script(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("snn2hw", path=str(Path(sys.executable).parent))
    assert command is not None
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


def altered(path: Path, edit: Any) -> Path:
    arrays: dict[str, Any] = dict(read_npz(path))
    edit(arrays)
    other = path.with_name("other.npz")
    write_npz(other, arrays)
    return other


def flip(arrays: dict[str, Any]) -> None:
    arrays["spikes/lnm"][2, 4, 1, 0, 3] ^= 1
