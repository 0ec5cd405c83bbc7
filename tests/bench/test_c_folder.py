"""The bench of the C folder: `fast` has what the folder replays, on one thread."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.fast.executor import THREADS_VARIABLE, Fast

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("threads", [None, "2"])
def test_fast_runs_what_the_folder_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: str | None) -> None:
    import torch

    from bench import c_folder
    from snn2hw import nn

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 6), nn.LNM(3), torch.nn.Linear(6, 3))
    x = np.random.default_rng(0).random((16, 5), np.float32)
    artefact = snn2hw.compile(model, x, 2, out=tmp_path / "made", target="loihi2")
    text = (snn2hw.export_c(artefact, tmp_path / "c", c_folder.REPLAYED) / "vectors.h").read_text(encoding="utf-8")
    (rows,) = re.findall(r"vector_input.*?= \{(.*?)\};", text, re.DOTALL)
    folder = [[int(v) for v in re.findall(r"-?\d+", row)] for row in re.findall(r"\{(.*?)\}", rows)]
    if threads is None:
        monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(THREADS_VARIABLE, threads)
    seen: list[Any] = []

    def run(self: Fast, artefact: Any, payloads: Any, traces: bool) -> None:
        seen.append((payloads, os.environ.get(THREADS_VARIABLE)))

    monkeypatch.setattr(Fast, "run", run)
    assert c_folder.of_fast(artefact) >= 0
    payloads, used = seen[0]
    assert used == "1"
    assert os.environ.get(THREADS_VARIABLE) == threads
    assert len(folder) == c_folder.REPLAYED
    assert payloads[0, : len(folder)].tolist() == folder
    assert (payloads[0].reshape(-1, len(folder), 5) == payloads[0, : len(folder)]).all()
