"""`snn2hw compile` of a model that is followed: what it says, also with weights of torch.save from a wrapped model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import snn2hw
from tests.cli.running import Capture
from tests.cli.running import run as run_cli

pytestmark = pytest.mark.torch
LOOPS = """
import torch

class Loop(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.out = torch.nn.Linear(6, 5), torch.nn.Linear(5, 3)
    def forward(self, x):
        mem, rec = torch.zeros(x.shape[0], 5), []
        for step in range(7):
            mem = 0.9 * mem + self.fc(x)
            spk = (mem > 0.5).float()
            mem = mem - 0.5 * spk
            rec.append(self.out(spk))
        return torch.stack(rec)

def make():
    torch.manual_seed(0)
    return Loop()
"""


@pytest.fixture
def loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "loops_of_mine.py").write_text(LOOPS)
    np.save("x.npy", np.random.default_rng(0).random((8, 6)))
    yield tmp_path
    sys.modules.pop("loops_of_mine", None)


def test_compile_says_what_was_followed_and_how_it_is_known(capsys: Capture, loops: Path) -> None:
    ran = run_cli(capsys, "compile", "loops_of_mine:make", "--sample", "x.npy", "--out", "net")
    assert ran.code == 0, ran.err
    assert "converted from torch: 280 of 280 spikes equal\n" in ran.err + ran.out
    assert (
        "  neuron_1 is written out at loops_of_mine.py:11 (forward); it trains with the default surrogate.\n" in ran.err + ran.out
    )
    assert snn2hw.load("net").network.steps == 7


def test_weights_of_torch_save_change_the_network(capsys: Capture, loops: Path) -> None:
    from loops_of_mine import Loop

    torch.manual_seed(1)
    other = Loop()
    torch.save({"epoch": 3, "model_state_dict": torch.nn.DataParallel(other).state_dict()}, "w.pt")
    ran = run_cli(capsys, "compile", "loops_of_mine:make", "--sample", "x.npy", "--weights", "w.pt", "--out", "net")
    assert ran.code == 0, ran.err
    x = np.load("x.npy")
    expected = snn2hw.simulate(snn2hw.compile(other, x), x)
    np.testing.assert_array_equal(snn2hw.simulate(snn2hw.load("net"), x).readout, expected.readout)
