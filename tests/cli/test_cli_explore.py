"""`snn2hw explore`."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from docsite.forms import problems
from snn2hw.errors import UsageError
from snn2hw.files.seal import sealed
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
GIVEN = ("explore", "nets:build", "--samples", "x.npy", "--labels", "y.npy", "--steps", 4, "--executor", "reference")


@pytest.fixture
def labelled(work: Path) -> Path:
    np.save(work / "y.npy", np.arange(9) % 3)
    return work


def test_a_table_a_file_a_csv_and_a_plot(capsys: Capture, labelled: Path) -> None:
    pytest.importorskip("matplotlib")
    more = ("--weight-bits", "4,8", "--state-bits", "12", "--out", "r.jsonl", "--csv", "p.csv", "--plot", "p.png")
    torch.manual_seed(1)  # the model of nets.py is drawn anew whenever it is built
    ran = run_cli(capsys, *GIVEN, *more)
    assert (ran.code, ran.err) == (0, "")
    assert "nets:build: 2 points, 9 samples" in ran.out
    assert "front: accuracy against weights and states, bits" in ran.out
    assert (labelled / "p.png").read_bytes().startswith(b"\x89PNG")
    assert sealed(labelled / "p.png")
    assert len((labelled / "p.csv").read_text().splitlines()) == 3
    assert len((labelled / "r.jsonl").read_text().splitlines()) == 3
    torch.manual_seed(1)
    resumed = run_cli(capsys, *GIVEN, *more[:6], "--json")
    assert resumed.err == ""
    again = json.loads(resumed.out)
    assert list(problems("explore", again)) == []
    assert [(p["weight_bits"], p["state_bits"], p["samples"]) for p in again["points"]] == [(4, 12, 9), (8, 12, 9)]
    assert any(p["pareto"] for p in again["points"])


@pytest.mark.parametrize(("more", "called"), [((), "explore"), (("--budget",), "budget")])
def test_widths_that_are_not_asked_for_are_those_of_python(
    more: tuple[str, ...], called: str, capsys: Capture, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help says them, too."""
    given = dict[str, Any]()

    def stop(*_: object, **options: Any) -> None:
        given.update(options)
        raise UsageError("this is far enough")

    # Of the module, whose name in the package is the command.
    monkeypatch.setattr(sys.modules["snn2hw.cli.explore"], called, stop)
    assert run_cli(capsys, *GIVEN, *more).code == 2
    expected = inspect.signature(getattr(snn2hw, called)).parameters
    usual = {
        option: (default,) if isinstance(default, int) else default
        for option in ("weight_bits", "state_bits")
        for default in [expected[option].default]
    }
    assert {option: tuple(given[option]) for option in usual} == usual
    says = " ".join(run_cli(capsys, "explore", "--help").out.replace("│", " ").split())
    for widths in usual.values():
        assert ("--budget " if more else "default: (") + ",".join(map(str, widths)) in says


def test_a_folder_of_samples(capsys: Capture, labelled: Path) -> None:
    (labelled / "x").mkdir()
    x = np.load("x.npy")
    for number, part in enumerate(np.array_split(x, 2)):
        np.save(labelled / "x" / f"{number}.npy", part)
    found = []
    for path in ("x.npy", "x"):
        torch.manual_seed(1)
        given = ("--samples", path, "--sample", path, "--weight-bits", 8, "--state-bits", 12, "--json")
        ran = run_cli(capsys, *GIVEN[:2], *GIVEN[4:], *given)
        assert (ran.code, ran.err) == (0, "")
        found.append(json.loads(ran.out))
    assert found[0] == found[1]


def test_what_is_no_width(capsys: Capture, labelled: Path) -> None:
    for wrong in ("4;8", "", "four", "-4"):
        refusal(
            run_cli(capsys, *GIVEN, f"--weight-bits={wrong}"),
            f"these are no widths\n  where:    --weight-bits\n  got:      {wrong!r}\n"
            "  expected: whole numbers with commas: 4,8\n  do:       give 4,8",
        )


def test_samples_without_labels(capsys: Capture, labelled: Path) -> None:
    refusal(
        run_cli(capsys, "explore", "nets:build", "--samples", "x.npy"),
        "samples and their labels are needed together\n  got:      --samples alone\n"
        "  expected: --samples FILE.npy and --labels FILE.npy, or neither\n"
        "  do:       give both, or leave both out where the model states test_data()",
    )


def test_workers_and_a_cluster_at_once(capsys: Capture, labelled: Path) -> None:
    ran = run_cli(capsys, *GIVEN, "--workers", 2, "--cluster", "tcp://127.0.0.1:8786")
    assert ran.code == 2
    assert "a cluster brings its own workers" in ran.err


def test_a_budget_names_widths_that_compile_takes(capsys: Capture, labelled: Path) -> None:
    more = ("--budget", "--weight-bits", "3,8", "--memory", "0.7")
    torch.manual_seed(1)
    ran = run_cli(capsys, *GIVEN, *more)
    assert (ran.code, ran.err) == (0, "")
    assert "| all of them " in ran.out
    torch.manual_seed(1)
    said = json.loads(run_cli(capsys, *GIVEN, *more, "--json", "--csv", "b.csv").out)
    assert list(problems("explore --budget", said)) == []
    assert {r["bits"] for r in said["rows"] if r["quantiser"]["part"] == "weights"} == {3, 8}
    assert said["proposal"]["share"] <= 0.7
    widths = ",".join(f"{name}={bits}" for name, bits in said["proposal"]["layer_bits"].items())
    assert ran.out.splitlines()[-1] == f"next: snn2hw compile nets:build --sample x.npy --steps 4 --layer-bits {widths}"
    assert len((labelled / "b.csv").read_text().splitlines()) == 1 + len(said["rows"])
    given = ("compile", "nets:build", "--sample", "x.npy", "--steps", 4, "--out", "built", "--layer-bits", widths)
    assert run_cli(capsys, *given).code == 0


def test_a_budget_of_several_widths_of_states_names_those_of_each_layer(capsys: Capture, labelled: Path) -> None:
    torch.manual_seed(1)
    ran = run_cli(capsys, *GIVEN, "--budget", "--weight-bits", "8", "--state-bits", "8,16", "--memory", "0.5")
    assert (ran.code, ran.err) == (0, "")
    assert "proposal: 50.00 % of the bits of the states (" in ran.out
    assert ran.out.splitlines()[-1] == "next: snn2hw compile nets:build --sample x.npy --steps 4 --layer-state-bits 1=8"
    given = ("compile", "nets:build", "--sample", "x.npy", "--steps", 4, "--out", "built", "--layer-state-bits", "1=8")
    assert run_cli(capsys, *given).code == 0


def test_options_that_a_budget_has_not(capsys: Capture, labelled: Path) -> None:
    refusal(
        run_cli(capsys, *GIVEN, "--budget", "--out", "r.jsonl"),
        "options that mean nothing to an error budget\n  got:      --out\n  expected: none of these\n  do:       leave them out",
    )
    refusal(
        run_cli(capsys, *GIVEN, "--memory", "0.5"),
        "options that mean nothing to an exploration without --budget\n  got:      --memory\n  expected: none of these\n"
        "  do:       leave them out",
    )
    refusal(
        run_cli(capsys, *GIVEN, "--budget", "--scales", "layer,channel"),
        "an error budget is of one choice\n  where:    --scales\n  got:      layer, channel\n  expected: one value\n"
        "  do:       give --scales once, with one value",
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--budget", "--cost", "weights", "--train", "t.npz"), "options that mean nothing to an error budget\n"
         "  got:      --train, --cost\n  expected: none of these\n  do:       leave them out"),
        (("--epochs", "0", "--train", "t.npz"), "options that mean nothing to an exploration without training\n"
         "  got:      --train\n  expected: none of these\n"
         "  do:       give another number of --epochs, as 0,2, or leave --train out"),
        (("--epochs", "two"), "these are no epochs\n  where:    --epochs\n  got:      'two'\n"
         "  expected: whole numbers with commas: 0,2\n  do:       give 0,2"),
        (("--cost", "money"), "unknown kind of cost\n  got:      'money'\n"
         "  expected: memory, weights, operations, energy, luts\n"),
        (("--cost", "luts"), "no target has this cost\n  where:    cost\n  got:      luts, of generic\n"
         "  expected: a target that is an FPGA\n"),
        (("--cost", "luts", "--target", "generic,loihi2"), "no target has this cost\n  where:    cost\n"
         "  got:      luts, of generic, loihi2\n"),
        (("--weight-bits", "1"), "weight_bits is out of range\n  got:      1\n"),
        (("--scales", "none"), "unknown kind of scales\n"),
        (("--budget", "--memory", "1.5"), "this is no share of memory\n"),
        (("--csv", "."), "the output is no file\n"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said_before_anything_is_read(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr("snn2hw.cli.explore.read_data", None)
    ran = run_cli(capsys, *GIVEN, *given)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {says}")


def test_files_of_others_are_left_alone(capsys: Capture, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, name, says in (
        ("--csv", "mine.csv", "the file of the table is there already\n  where:    mine.csv\n  got:      a file\n"
         "  expected: a new file\n  do:       choose another name, remove it, or give --force, which replaces it"),
        ("--plot", "mine.png", "the output file is not as snn2hw wrote it\n  where:    mine.png\n"
         "  got:      a file that snn2hw did not write\n  expected: a new file, or one that snn2hw wrote\n"
         "  do:       choose another name, or remove the file"),
    ):  # fmt: skip
        (labelled / name).write_bytes(b"mine")
        with monkeypatch.context() as patched:
            patched.setattr("snn2hw.cli.explore.read_data", None)
            for budget in ((), ("--budget",)):
                refusal(run_cli(capsys, *GIVEN, option, name, *budget), says)
        assert (labelled / name).read_bytes() == b"mine"
    more = ("--weight-bits", "8", "--state-bits", "12", "--csv", "mine.csv", "--force")
    assert run_cli(capsys, *GIVEN, *more).code == 0
    assert (labelled / "mine.csv").read_bytes().startswith(b"weight_bits,")


def test_without_matplotlib_a_plot_is_refused_at_once(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.cli.explore.read_data", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for budget in ((), ("--budget",)):
        ran = run_cli(capsys, *GIVEN, "--plot", "p.png", *budget)
        assert ran.code == 2
        assert "matplotlib" in ran.err.splitlines()[0]


@pytest.mark.slow
def test_widths_of_layers_and_epochs_are_columns(capsys: Capture, labelled: Path) -> None:
    x = np.load("x.npy")
    np.savez("t.npz", samples=x, labels=np.arange(9) % 3)
    more = (
        "--weight-bits",
        "3,8",
        "--state-bits",
        "12",
        "--per-layer",
        "--epochs",
        "0,1",
        "--train",
        "t.npz",
        "--cost",
        "weights",
    )
    torch.manual_seed(1)
    ran = run_cli(capsys, *GIVEN, *more)
    assert (ran.code, ran.err) == (0, "")
    head = next(line for line in ran.out.splitlines() if line.startswith("| weights "))
    assert "| epochs |" in head
    assert any(line.startswith("| 0=") for line in ran.out.splitlines())


def test_samples_to_train_on_without_training(capsys: Capture, labelled: Path) -> None:
    refusal(
        run_cli(capsys, *GIVEN, "--train", "t.npz"),
        "options that mean nothing to an exploration without training\n  got:      --train\n  expected: none of these\n"
        "  do:       give --epochs 0,2, too",
    )
