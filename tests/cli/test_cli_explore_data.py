"""`snn2hw explore`: which samples it works with, in which layout, and the command that compiles what a budget measured."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.exploration import budget as budget_module
from snn2hw.exploration.digest import digest
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
RNG = np.random.default_rng(0)
T, N = 4, 20
# Steps are alike and samples are not, so that nothing is said of the layout.
EVENTS = np.repeat(RNG.integers(0, 3, (1, N, 6)), T, 0) + (RNG.random((T, N, 6)) < 0.1)
TEMPORAL = """
import numpy as np
import torch
from snn2hw import nn
STEPS, TEMPORAL = 4, True
def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(), nn.Linear(5, 3))
def train_data():
    return np.load("own.npy"), np.arange(20) % 3
def test_data():
    return np.load("own.npy"), np.arange(20) % 3
"""


@pytest.fixture
def files(work: Path) -> Path:
    np.save("y.npy", np.arange(9) % 3)
    np.save("more.npy", RNG.random((300, 6)))
    np.save("labels.npy", np.arange(300) % 3)
    np.save("tn.npy", EVENTS)
    np.save("nt.npy", np.swapaxes(EVENTS, 0, 1))
    np.save("y20.npy", np.arange(N) % 3)
    (work / "temporal.py").write_text(
        "import numpy as np\nimport nets\n"
        "def build():\n    return nets.build(), np.load('tn.npy')\n"
        "def turned():\n    return nets.build(), np.load('nt.npy')\n"
    )
    torch.manual_seed(2)
    import nets

    torch.save(nets.build().state_dict(), "other.pt")
    return work


@pytest.fixture
def own(files: Path) -> Path:
    """A model with [T, N, ...] samples of its own, in another order than those of the files."""
    from safetensors.torch import save_file

    np.save("own.npy", EVENTS[:, ::-1])
    (files / "mine").mkdir()
    (files / "mine" / "model.py").write_text(TEMPORAL)
    made = torch.nn.Sequential(snn2hw.nn.Linear(6, 5), snn2hw.nn.LIF(), snn2hw.nn.Linear(5, 3))
    save_file(made.state_dict(), files / "mine" / "weights.safetensors")
    return files


def seeded(capsys: Capture, *words: object) -> Any:
    torch.manual_seed(1)  # the model of nets.py is drawn anew whenever it is built
    ran = run_cli(capsys, *words)
    assert (ran.code, ran.err) == (0, "")
    return ran


STATIC = ("nets:build", "--samples", "x.npy", "--labels", "y.npy", "--steps", 3)
EVENTFUL = ("--labels", "y20.npy", "--weight-bits", "3,8")


@pytest.mark.parametrize(
    "given",
    [
        (*STATIC, "--weight-bits", "3,8"),
        ("nets:build", "--samples", "more.npy", "--labels", "labels.npy", "--steps", 3, "--weight-bits", "3,8"),
        (*STATIC, "--sample", "more.npy", "--weight-bits", "3,5", "--state-bits", 12, "--scales", "channel",
         "--target", "loihi2"),
        (*STATIC, "--weight-bits", "4", "--state-bits", "8,12", "--memory", "0.8"),
        (*STATIC, "--weight-bits", "3,8", "--weights", "other.pt"),
        (*STATIC, "--weight-bits", "3,8", "--scales", "layer"),
        ("nets:build", "--samples", "nt.npy", "--layout", "NT", *EVENTFUL),
        ("temporal:turned", "--samples", "nt.npy", "--layout", "NT", *EVENTFUL),
        ("temporal:build", "--samples", "nt.npy", "--sample", "nt.npy", "--layout", "NT", *EVENTFUL),
        ("mine", "--weight-bits", "3,8"),
        ("mine", "--samples", "nt.npy", "--layout", "NT", *EVENTFUL),
        ("mine", "--sample", "nt.npy", "--layout", "NT", "--weight-bits", "3,8"),
    ],
)  # fmt: skip
def test_the_next_command_compiles_the_network_that_was_measured(
    capsys: Capture, own: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[object, ...]
) -> None:
    made, compiled = list[Artefact](), budget_module.compiled

    def kept(*arguments: Any) -> Artefact:
        made.append(compiled(*arguments))
        return made[-1]

    monkeypatch.setattr(budget_module, "compiled", kept)
    ran = seeded(capsys, "explore", *given, "--budget", "--executor", "reference")
    command = ran.out.splitlines()[-1]
    assert command.startswith("next: snn2hw compile ")
    seeded(capsys, *shlex.split(command.removeprefix("next: snn2hw ")), "--out", "built")
    measured, again = made[-1].network, snn2hw.load("built").network
    assert digest(again) == digest(measured)


def test_a_layout_is_that_of_the_files(capsys: Capture, own: Path) -> None:
    """A model's own samples stay as they are, whatever stands beside them."""
    wide = ("--weight-bits", 8, "--state-bits", 16, "--executor", "reference", "--json")
    np.savez("t-tn.npz", samples=EVENTS, labels=np.arange(N) % 3)
    np.savez("t-nt.npz", samples=np.swapaxes(EVENTS, 0, 1), labels=np.arange(N) % 3)
    for tn, nt in (
        (("--samples", "tn.npy", "--labels", "y20.npy"), ("--samples", "nt.npy", "--labels", "y20.npy")),
        (("--sample", "tn.npy"), ("--sample", "nt.npy")),
        (("--epochs", 1, "--train", "t-tn.npz"), ("--epochs", 1, "--train", "t-nt.npz")),
        (("--epochs", 1, "--sample", "tn.npy"), ("--epochs", 1, "--sample", "nt.npy")),
    ):
        found = [
            seeded(capsys, "explore", "mine", *wide, *words) for words in (tn, (*tn, "--layout", "TN"), (*nt, "--layout", "NT"))
        ]
        assert found[0].out == found[1].out == found[2].out


def test_a_layout_without_files_means_nothing(capsys: Capture, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.cli.explore.read_data", None)
    text = (
        "options that mean nothing to a model's own samples\n  got:      --layout\n  expected: none of these\n"
        "  do:       leave it out: they are as the model takes them"
    )
    for verb, *more in (("explore",), ("explore", "--budget"), ("explore", "--epochs", "1"), ("compile",)):
        refusal(run_cli(capsys, verb, "mine", "--layout", "NT", *more), text)


def test_one_file_for_two_things(capsys: Capture, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.cli.explore.read_data", None)
    given = ("explore", "nets:build", "--samples", "x.npy", "--labels", "y.npy", "--steps", 4)
    (files / "link").symlink_to(files)
    for words, where, got, option in (
        (("--csv", "a", "--plot", "a"), "a", "--csv and --plot", "--csv"),
        (("--csv", "a", "--out", "sub/../a"), "a", "--csv and --out", "--csv"),
        (("--plot", "link/a", "--out", "a"), "link/a", "--plot and --out", "--plot"),
        (("--csv", "x.npy", "--force"), "x.npy", "--csv and --samples", "--csv"),
        (("--out", "y.npy"), "y.npy", "--out and --labels", "--out"),
        (("--sample", "s.npy", "--plot", "s.npy", "--force"), "s.npy", "--plot and --sample", "--plot"),
        (("--epochs", 1, "--train", "t.npz", "--csv", "t.npz", "--force"), "t.npz", "--csv and --train", "--csv"),
        (("--weights", "w.pt", "--csv", "w.pt", "--force"), "w.pt", "--csv and --weights", "--csv"),
        (("--budget", "--csv", "a", "--plot", "a"), "a", "--csv and --plot", "--csv"),
    ):
        refusal(
            run_cli(capsys, *given, *words),
            f"two options name one file\n  where:    {where}\n  got:      {got}\n  expected: a file for each\n"
            f"  do:       choose another name for {option}",
        )


def test_a_budget_of_a_network_without_weights_proposes_nothing(capsys: Capture, files: Path) -> None:
    (files / "bare.py").write_text(
        "import torch\nfrom snn2hw import nn\ndef build():\n    return torch.nn.Sequential(nn.LIF(0.5))\n"
    )
    np.save("y9.npy", np.arange(9) % 6)
    given = ("bare:build", "--samples", "x.npy", "--labels", "y9.npy", "--steps", 3)
    ran = seeded(capsys, "explore", *given, "--budget", "--executor", "reference")
    assert ran.out.splitlines()[-1] == "there are no weights, and no widths to propose"
