"""What the commands are run on: a compiled network, and a folder with models of the user's own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from tests.cli.running import Capture, Compile, Ran
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind, every_kind_sample


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artefacts")
    snn2hw.compile(every_kind(), every_kind_sample(8), target="generic", out=folder / "net")
    np.save(folder / "x.npy", every_kind_sample(6))
    return folder


@pytest.fixture
def build(compiled_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(compiled_once, tmp_path / "build")
    return tmp_path / "build"


NETS = """
import numpy as np
import torch
from snn2hw import nn

def layers(*more):
    torch.manual_seed(0)
    first = nn.Linear(6, 5)
    with torch.no_grad():
        first.weight.mul_(3)
    return torch.nn.Sequential(first, *more)

def build():
    return layers(nn.LNM(degree=3), nn.Linear(5, 3))

def with_sample():
    return build(), np.load("x.npy")

def unsupported():
    return layers(torch.nn.GELU(), nn.Linear(5, 3))

class Undecided(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)
    def forward(self, x):
        return self.fc(x) if x.sum() > 0 else x

def control_flow():
    return Undecided()

def mismatch():
    return layers(nn.LIF(), nn.Linear(4, 3))

def with_nan(parameter, value):
    made = build()
    with torch.no_grad():
        made.get_parameter(parameter).view(-1)[0] = value
    return made

def nan_weights():
    return with_nan("0.weight", float("nan"))

def inf_coefficients():
    return with_nan("1.a", float("inf"))

def wide():
    return with_nan("1.a", 1e12)

def fails():
    raise OSError("no disk")

def number():
    return 7

def three():
    return build(), np.load("x.npy"), 4

def sample_with_gradient():
    return build(), torch.full((2, 6), 0.5, requires_grad=True)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with nets.py and a sample."""
    (tmp_path / "nets.py").write_text(NETS)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((9, 6)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    sys.modules.pop("nets", None)
    yield tmp_path
    sys.modules.pop("nets", None)


@pytest.fixture
def compiling(work: Path, capsys: Capture) -> Compile:
    """`snn2hw compile nets:FACTORY --sample x.npy --steps 4` and what else is given."""

    def call(factory: str, *more: object, sample: object = "x.npy", steps: object = 4) -> Ran:
        given = [*(["--sample", sample] if sample else []), *(["--steps", steps] if steps else [])]
        return run_cli(capsys, "compile", f"nets:{factory}", *given, *more)

    return call


MODEL_PY = """
import torch
from snn2hw import nn
STEPS = 3
def build():
    return torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(), nn.Linear(5, 3))
def train_data():
    return torch.rand(300, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(300)
"""


@pytest.fixture
def own_model(work: Path) -> Path:
    (work / "mine").mkdir()
    (work / "mine" / "model.py").write_text(MODEL_PY)
    return work / "mine"
