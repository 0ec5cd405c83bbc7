"""Where the recorded data is that some tests compare with: $SNN2HW_SHARED_DATA, else ../shared/data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "SNN2HW_SHARED_DATA"


def shared_data(name: str) -> Path:
    """The path of a data file or folder. Where there is none the test is skipped with a reason; in CI it fails."""
    folder = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parent.parent.parent / "shared" / "data")
    path = folder / name
    if path.exists():
        return path
    reason = f"no {name} in {folder}; set {VARIABLE} to the folder that holds it"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
