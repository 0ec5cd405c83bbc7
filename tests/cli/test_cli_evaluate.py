"""`snn2hw evaluate`, what `compile` prints of it, and layouts on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from tests.cli.running import Capture, Compile, refusal, run

MINE = """
import torch
from snn2hw import nn
STEPS = 3
def build():
    torch.manual_seed(0)
    first = nn.Linear(6, 5)
    with torch.no_grad():
        first.weight.mul_(3)
    return torch.nn.Sequential(first, nn.LIF(0.5), nn.Linear(5, 3))
def train_data():
    return torch.rand(300, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(300)
def test_data():
    x = torch.rand(40, 6, generator=torch.Generator().manual_seed(1))
    return x, torch.arange(40) % 3
"""


@pytest.fixture
def mine(work: Path, capsys: Capture) -> Path:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from snn2hw.user_models import load_source

    (work / "mine").mkdir()
    (work / "mine" / "model.py").write_text(MINE)
    save_file(load_source(work / "mine" / "model.py").build().state_dict(), str(work / "mine" / "weights.safetensors"))
    assert run(capsys, "compile", "mine", "--out", "built").code == 0
    del torch
    return work


def test_a_model_with_test_data_needs_nothing_else(mine: Path, capsys: Capture) -> None:
    ran = run(capsys, "evaluate", "built", "--model", "mine", "-e", "reference")
    assert ran.code == 0
    assert "measured on 40 samples x 3 steps (executor reference; float model against integers" in ran.out
    said = json.loads(run(capsys, "evaluate", "built", "--model", "mine", "-e", "reference", "--json").out)
    for words, value in (("integer accuracy", said["accuracy"]), ("float accuracy", said["float_accuracy"])):
        assert f"| {words} " in ran.out
        assert f"{100 * value:.2f} %" in ran.out
    assert f"({100 * said['readout_error'] / said['readout_size']:.2f} % of their size)" in ran.out
    layer = said["layers"]["1"]
    row = next(line for line in ran.out.splitlines() if line.startswith("| 1 "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    shares = ("rate", "float_rate", "spike_mismatch", "own_mismatch")
    assert cells[1:5] == [f"{100 * layer[name]:.2f} %" for name in shares]
    assert cells[5] == "0"


def test_a_model_whose_own_samples_are_of_another_shape_is_not_the_one(mine: Path, capsys: Capture) -> None:
    text = (mine / "mine" / "model.py").read_text()
    (mine / "mine" / "model.py").write_text(text.replace("torch.rand(40, 6,", "torch.rand(40, 7,"))
    refusal(
        run(capsys, "evaluate", "built", "--model", "mine"),
        "this is not the model that the network was compiled from\n  where:    --model mine\n"
        "  got:      its test samples are [7] each\n  expected: [6], which the compiled network takes\n"
        "  do:       name the model that was compiled, or give --samples FILE.npy",
    )


def test_samples_and_labels_from_files(mine: Path, capsys: Capture) -> None:
    from snn2hw.user_models import load_source

    x, labels = (v.numpy() for v in load_source(mine / "mine" / "model.py").test_data())
    np.save("s.npy", x)
    np.save("l.npy", labels)
    np.savez("l.npz", labels=labels)
    own = json.loads(run(capsys, "evaluate", "built", "--model", "mine", "-e", "reference", "--json").out)
    for file in ("l.npy", "l.npz"):
        given = ("evaluate", "built", "--samples", "s.npy", "--labels", file, "-e", "reference", "--json")
        assert json.loads(run(capsys, *given, "--model", "mine").out) == own
        alone = json.loads(run(capsys, *given).out)
        assert alone["accuracy"] == own["accuracy"]
        assert "float_accuracy" not in alone
    ran = run(capsys, "evaluate", "built", "-i", "s.npy", "-e", "reference")
    assert ran.code == 0
    assert "next: snn2hw evaluate built --samples s.npy --model MODEL" in ran.out
    assert "float rate" not in ran.out


def test_what_is_missing_is_named(build: Path, capsys: Capture) -> None:
    refusal(
        run(capsys, "evaluate", build / "net"),
        "there are no samples to evaluate on\n"
        "  expected: samples, or a model with test_data()\n"
        "  do:       give --samples FILE.npy, or --model where the model states its own",
    )
    refusal(
        run(capsys, "evaluate", build / "net", "--labels", "y.npy"),
        "options that mean nothing to samples that are not given\n"
        "  got:      --labels\n"
        "  expected: none of these\n"
        "  do:       give the samples of these labels: --samples FILE.npy",
    )
    assert run(capsys, "evaluate", build / "net", "-i", build / "x.npy", "--weights", "w").code == 2
    ran = run(capsys, "evaluate", build / "net", "-i", build / "x.npy", "--labels", build / "none.npy")
    assert (ran.code, "the labels cannot be read" in ran.err) == (2, True)
    assert ran.err.splitlines()[2:] == ["  got:      no such file", "  expected: a .npy file", "  do:       check the path"]
    np.savez(build / "y.npz", other=np.zeros(6))
    ran = run(capsys, "evaluate", build / "net", "-i", build / "x.npy", "--labels", build / "y.npz")
    assert (ran.code, "this file has no array 'labels'" in ran.err) == (2, True)
    assert run(capsys, "evaluate", build / "net", "-i", build / "x.npy", "-e", "nobody").code == 2


def test_a_model_without_test_data_and_a_network_file(work: Path, build: Path, capsys: Capture) -> None:
    pytest.importorskip("torch")
    ran = run(capsys, "evaluate", build / "net", "--model", "nets:build")
    assert (ran.code, "the model states no test samples" in ran.err) == (2, True)
    (work / "x.nir").write_bytes(b"")
    ran = run(capsys, "evaluate", build / "net", "-i", build / "x.npy", "--model", work / "x.nir")
    assert (ran.code, "a network file is no float model on the command line" in ran.err) == (2, True)


@pytest.mark.torch
def test_compile_lays_both_beside_each_other(compiling: Compile, work: Path) -> None:
    ran = compiling("build", "--out", "built")
    assert ran.code == 0
    said = snn2hw.load("built").manifest["agreement"]
    assert said["samples"] == 9
    assert "integers against the float model, on 9 samples of calibration" in ran.out
    assert f"same prediction {100 * said['same_prediction']:.2f} %; readouts differ by" in ran.out
    again = work / "again"
    compiling("build", "--out", again)
    assert (again / "manifest.json").read_bytes() == (work / "built" / "manifest.json").read_bytes()


@pytest.mark.torch
def test_which_axis_is_time(compiling: Compile, build: Path, work: Path, capsys: Capture) -> None:
    """A warning on stderr with both readings, nothing where the layout is stated; the artefact's steps in the table."""
    np.save("nt.npy", np.random.default_rng(0).random((20, 8, 6)) < 0.5)
    ran = compiling("build", "--out", "a", sample="nt.npy", steps=None)
    assert ran.code == 0
    assert ran.err.startswith("warning: the samples could be meant the other way about")
    assert "20 steps of 8 samples [6]" in ran.err
    assert snn2hw.load("a").network.steps == 20
    ran = compiling("build", "--layout", "NT", "--out", "b", sample="nt.npy", steps=None)
    assert (ran.code, ran.err) == (0, "")
    assert snn2hw.load("b").network.steps == 8
    for verb in ("simulate", "evaluate", "verify"):
        more = ("--executors", "reference,onnx-reference") if verb == "verify" else ("-e", "reference")
        ran = run(capsys, verb, "b", "-i", "nt.npy", *more)
        assert ran.code == 2
        assert 'give layout="NT" (--layout NT) where they are [N, T, ...]: 20 samples of 8 steps' in ran.err
        ran = run(capsys, verb, "b", "-i", "nt.npy", "--layout", "NT", *more)
        assert (ran.code, ran.err) == (0, "")
        assert "20 samples" in ran.out
    refused = run(capsys, "simulate", build / "net", "-i", build / "x.npy", "--layout", "NT")
    assert (refused.code, "no axis of time" in refused.err) == (2, True)


@pytest.mark.torch
def test_a_layer_that_died_is_printed(work: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    (work / "outlier.py").write_text(
        "import torch\nfrom snn2hw import nn\n"
        "def build():\n    torch.manual_seed(0)\n"
        "    made = torch.nn.Sequential(nn.Linear(6, 64), nn.LIF(0.5), nn.Linear(64, 8), nn.LIF(0.5), nn.Linear(8, 4))\n"
        "    with torch.no_grad():\n        made[0].weight.mul_(3)\n        made[2].weight.mul_(6)\n"
        "        made[2].bias.zero_()\n        made[2].weight[0, 0] = -60.0\n    return made\n"
    )
    ran = run(
        capsys, "compile", "outlier:build", "--sample", "x.npy", "--steps", 6, "--weight-bits", 4, "--scales", "layer",
        "--out", "built",
    )  # fmt: skip
    assert ran.code == 0
    row = next(line for line in ran.out.splitlines() if line.startswith("| 3 ") and "%" in line)
    assert row.rstrip("| ").endswith("died")
    assert "warning: this layer has died: its integers fire nothing on the samples" in ran.out
    assert ran.out.count("quantisation sets the weights of whole channels to 0") == 1
    kept = [f["what"] for f in snn2hw.load("built").manifest["warnings"]]
    assert "this layer has died: its integers fire nothing on the samples" in kept


def test_a_folder_of_files_is_evaluated_as_one_file(mine: Path, capsys: Capture) -> None:
    x = np.random.default_rng(0).random((40, 6))
    np.save("x.npy", x)
    np.save("y.npy", np.arange(40) % 3)
    Path("parts").mkdir()
    for k in range(4):
        np.save(f"parts/{k}.npy", x[10 * k : 10 * k + 10])
    both = [
        run(capsys, "evaluate", "built", "--samples", given, "--labels", "y.npy", "--json").out for given in ("x.npy", "parts")
    ]
    assert json.loads(both[0]) == json.loads(both[1])


@pytest.mark.parametrize(
    ("words", "whose"),
    [
        (("evaluate", "ARTEFACT", "--model", "mine"), "a model's own samples"),
        (("report", "ARTEFACT", "--model", "mine"), "samples that no file gives"),
        (("report", "ARTEFACT"), "samples that no file gives"),
        (("diff", "ARTEFACT", "--model", "mine"), "samples that no file gives"),
        (("verify", "ARTEFACT"), "samples that no file gives"),
        (("simulate", "ARTEFACT"), "samples that no file gives"),
        (("estimate", "ARTEFACT", "--target", "loihi2"), "samples that no file gives"),
    ],
)
def test_a_layout_without_a_file_means_nothing(words: tuple[str, ...], whose: str, capsys: Capture, build: Path) -> None:
    given = [build / "net" if word == "ARTEFACT" else word for word in words]
    ran = run(capsys, *given, "--layout", "NT")
    assert ran.code == 2
    said = f"error: options that mean nothing to {whose}\n  got:      --layout\n  expected: none of these\n"
    assert said + "  do:       leave it out: they are as the model takes them" in ran.err
