"""The examples of docs/how-to/training.md run, shortened to one epoch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tests.clean_environment import ROOT
from tests.train import small

EXAMPLES = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "training.md").read_text(encoding="utf-8"), flags=re.DOTALL
)

pytestmark = pytest.mark.torch


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    whole, loop = EXAMPLES
    assert len(whole.strip().splitlines()) <= 20
    given: dict[str, object] = {}
    with torch.random.fork_rng(devices=[]):
        exec(whole.replace("epochs=10", "epochs=1"), given)
    assert float(capsys.readouterr().out.split()[-1]) > 0.2
    assert (tmp_path / "build" / "training" / "checkpoint.safetensors").is_file()
    model, loader = small.model(), DataLoader(TensorDataset(*small.data()), batch_size=30)
    before = model[0].weight.clone()  # type: ignore[union-attr, operator]
    exec(
        loop.replace("epochs=10", "epochs=1").replace("range(1, 11)", "range(1, 2)"), {**given, "model": model, "loader": loader}
    )
    assert not torch.equal(before, model[0].weight)  # type: ignore[arg-type]
