"""The example of docs/how-to/custom.md runs as it stands, and its neuron is equal everywhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.torch

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "custom.md"


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")  # a file: torch's errors quote its lines
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("example")
    sys.modules.pop("example")
    assert capsys.readouterr().out == "equal: True\n"
