"""What several tests of files share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Error texts hold the path as it was given: a short one."""
    monkeypatch.chdir(tmp_path)
    return Path("x.nir")
