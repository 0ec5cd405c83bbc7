"""The bytes of a file of a data set: what is said where they cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from snn2hw.data import content as of_file
from snn2hw.errors import DataError
from tests.refused import refused

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("error", "got", "do"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied", "allow yourself to read it"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory", "download it again"),
    ],
)
def test_a_file_that_cannot_be_read(error: OSError, got: str, do: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> bytes:
        raise error

    monkeypatch.setattr(of_file, "read_bytes", fails)
    with refused(
        DataError,
        f"""
        a recording cannot be read
          where:    {tmp_path / "x"}
          got:      {got}
          expected: events
          do:       {do}
        """,
    ):
        of_file.content(tmp_path / "x", "a recording", "events", "download it again")
