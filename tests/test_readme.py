"""The README's example runs, and the commands it names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from snn2hw.cli.app import app
from tests.clean_environment import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.torch
def test_example_runs_and_is_equal(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(example.strip().splitlines()) <= 20
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "equal: True {'onnxruntime': 0, 'torch': 0}" in done.stdout
    assert (tmp_path / "build" / "mine" / "model.onnx").is_file()


def test_commands_exist() -> None:
    named = set(re.findall(r"^snn2hw (\w+)", README, flags=re.MULTILINE))
    known = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert named
    assert named <= known
