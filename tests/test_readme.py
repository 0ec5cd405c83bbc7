"""The README's example runs, and the commands it names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from snn2hw.cli.app import app
from tests.clean_environment import ROOT
from tests.frameworks import framework

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
MINE = """
import snntorch, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(16, 8), snntorch.Leaky(0.9, init_hidden=True, output=True))
samples = torch.rand(5, 4, 16)
"""


@pytest.mark.torch
def test_example_runs_and_is_equal(tmp_path: Path) -> None:
    example = EXAMPLES[0]
    assert len(example.strip().splitlines()) <= 20
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "equal: True {'onnxruntime': 0, 'torch': 0}" in done.stdout
    assert (tmp_path / "build" / "mine" / "model.onnx").is_file()


@pytest.mark.torch
def test_example_with_a_model_of_ones_own(tmp_path: Path) -> None:
    framework("snntorch")
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", EXAMPLES[1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "converted from snnTorch: 160 of 160 spikes equal (5 steps)\nequal: True\n"
    assert (tmp_path / "build" / "mine" / "c" / "Makefile").is_file()
    assert len(EXAMPLES) == 2


def test_commands_exist() -> None:
    named = set(re.findall(r"^snn2hw (\w+)", README, flags=re.MULTILINE))
    known = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert named
    assert named <= known
