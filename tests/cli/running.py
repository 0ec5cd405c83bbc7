"""The command line, run in this process exactly as the console script runs it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from snn2hw.cli import app, guarded


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    capsys.readouterr()
    code = guarded(lambda: app([str(a) for a in arguments], standalone_mode=True))
    seen = capsys.readouterr()
    return Ran(code, seen.out, seen.err)


def refusal(ran: Ran, text: str, code: int = 2) -> None:
    """One clear error on stderr with its whole text, nothing of it on stdout, no traceback."""
    assert ran.code == code
    assert ran.err == f"error: {text}\n"
    assert "Traceback" not in ran.out + ran.err
