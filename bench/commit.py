"""Which commit a measurement was made on."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit(folder: Path = ROOT) -> str:
    """Of a checkout, this one unless another is named, '+' where it is changed; '' where git does not know."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
