"""Interpreters and tools to be found, or not: scripts that answer one question and fail at every other."""

from __future__ import annotations

from pathlib import Path


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def says_310(path: Path) -> Path:
    """Says that it is a Python 3.10, and can do nothing."""
    return script(path, "if [ \"$1\" = -c ]; then echo '(3, 10)'; else echo 'no venv here' >&2; exit 1; fi")
