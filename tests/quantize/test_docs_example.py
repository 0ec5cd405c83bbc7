"""The example of docs/how-to/quantize.md runs, and not one integer of it differs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clean_environment import ROOT


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "quantize.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    accuracy = float(re.search(r"integers ([0-9.]+)", done.stdout)[1])  # type: ignore[index]
    assert accuracy > 0.85
    assert "differing 0\n" in done.stdout
