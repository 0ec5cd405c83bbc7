"""Every script of examples/ is short, and runs as its first line says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
PRINTED = {
    "first": "differing integers: {'onnxruntime': 0, 'onnx-reference': 0, 'torch': 0}",
    "float_and_integers": "of the spikes differ; float",
    "own_neuron": "equal: True",
    "snntorch_model": "equal: True",
    "which_chip": "loihi2         fits",
}


def test_there_are_five_short_ones() -> None:
    assert {p.stem for p in SCRIPTS} == set(PRINTED)
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        assert text.count("\n") <= 60, script
        assert re.match(rf'""".*python examples/{script.stem}\.py', text), script


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_it_runs(script: Path, tmp_path: Path) -> None:
    if script.stem == "snntorch_model":
        pytest.importorskip("snntorch")
    quietly = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=quietly, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert PRINTED[script.stem] in done.stdout
