from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.cli import network_table
from snn2hw.files.record import sha256
from snn2hw.target import target_names
from snn2hw.trace import read_npz
from tests.cli.running import HERE, Capture, Ran, altered, flip, refusal, script
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind_sample

# help


def test_help_lists_the_commands(capsys: Capture) -> None:
    ran = run_cli(capsys, "--help")
    assert (ran.code, ran.err) == (0, "")
    for command in ("compile", "inspect", "simulate", "verify", "diff", "targets", "demo"):
        assert f" {command} " in ran.out
    assert "Exit codes: 0 equal or done, 1 a difference was found, 2 bad input" in " ".join(ran.out.split()).replace("│ ", "")


def test_without_a_verb_the_help_is_shown_as_after_bad_input(capsys: Capture) -> None:
    bare, asked = run_cli(capsys), run_cli(capsys, "--help")
    assert bare == Ran(2, asked.out, "")


def test_quiet_and_verbose_may_stand_before_the_verb(capsys: Capture) -> None:
    assert run_cli(capsys, "--quiet", "targets") == run_cli(capsys, "targets", "-q") == Ran(0, "", "")
    ran = run_cli(capsys, "-v", "targets")
    assert (ran.code, ran.out) == (0, run_cli(capsys, "targets").out)
    assert f"; snn2hw {snn2hw.__version__}, Python " in ran.err


def test_another_option_stands_behind_the_verb(capsys: Capture) -> None:
    for option in ("--json", "--target"):
        refusal(
            run_cli(capsys, option, "targets"),
            f"No such option: {option}\n  where:    snn2hw\n  got:      snn2hw {option} targets\n"
            f"  expected: options of a verb behind the verb: snn2hw VERB {option}\n"
            "  do:       `snn2hw --help` lists all verbs, `snn2hw VERB --help` the options of one",
        )
    assert run_cli(capsys, "--verison").err.startswith("error: No such option: --verison (Possible options: --version)\n")


def test_an_option_without_its_value_is_told(capsys: Capture) -> None:
    refusal(
        run_cli(capsys, "compile", "x", "--stop-after"),
        "Option '--stop-after' requires an argument\n  where:    snn2hw\n  got:      snn2hw compile x --stop-after\n"
        "  do:       `snn2hw --help` lists all verbs, `snn2hw VERB --help` the options of one",
    )


@pytest.mark.parametrize(
    ("command", "example"),
    [
        ("compile", "snn2hw compile digits_lnm --target loihi2 --out build/lnm"),
        ("inspect", "snn2hw inspect build/lnm --layer 2"),
        ("simulate", "snn2hw simulate build/lnm --input images.npy --executor onnxruntime"),
        ("verify", "snn2hw verify build/lnm --input images.npy --executors reference,onnxruntime --json"),
        ("diff", "snn2hw diff build/lnm trace.npz"),
        ("targets", "snn2hw targets loihi2"),
        ("demo", "snn2hw demo --pretrained"),
    ],
)
def test_help_of_a_command_shows_examples(capsys: Capture, command: str, example: str) -> None:
    ran = run_cli(capsys, command, "--help")
    assert (ran.code, ran.err) == (0, "")
    shown = " ".join(ran.out.replace("│", " ").split())
    assert "Example" in shown
    assert example in shown


def test_the_version(capsys: Capture) -> None:
    assert run_cli(capsys, "--version") == Ran(0, f"{snn2hw.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("fly",),
            "error: No such command 'fly' where: snn2hw got: snn2hw fly expected: one of compile, evaluate, ",
        ),
        (("verify",), "error: Missing argument 'ARTEFACT' where: snn2hw verify got: snn2hw verify expected: snn2hw verify"),
        (("inspect", "net", "--fast"), "No such option: --fast"),
        (("compile", "net", "--steps", "four"), "Invalid value for '--steps'"),
    ],
)
def test_wrong_usage_exits_2(capsys: Capture, arguments: tuple[str, ...], says: str) -> None:
    ran = run_cli(capsys, *arguments)
    assert ran.code == 2
    assert says in " ".join(ran.err.replace("│", " ").split())
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("verb", "begins"),
    [
        ("train", "do: train in Python with snn2hw.train.fit, a model of models/ with its train.py; `snn2hw --help` lists"),
        ("convert", "do: convert in Python with snn2hw.convert; compile does it by itself; `snn2hw --help` lists"),
        ("quantize", "do: compile quantises; `snn2hw --help` lists"),
        ("fly", "do: `snn2hw --help` lists"),
    ],
)
def test_a_verb_that_there_is_elsewhere_is_named(capsys: Capture, verb: str, begins: str) -> None:
    assert begins in " ".join(run_cli(capsys, verb, "digits_lnm").err.split())


# inspect


def test_inspect_shows_the_network_and_every_program(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "inspect", build / "net")
    assert (ran.code, ran.err) == (0, "")
    assert f"{build / 'net'}: target generic, T = 3" in ran.out
    for word in (
        "conv1",
        "Conv2d",
        "CirculateFiring",
        "[3, 6, 6]",
        "u s16.13",
        "program LNM",
        "program IF",
        "h = clamp h_sum lo=-32768 hi=32767 : s16.13 saturate",
    ):
        assert word in ran.out, word
    assert ran.out.count("program ") == 4


def test_inspect_one_layer(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "inspect", build / "net", "--layer", "lif")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.strip().splitlines()
    assert lines[:2] == ["lif", "program LIF"]
    assert lines[2].startswith("  u = state lo=-32768 hi=32767 initial=0 : s16.13 proved")
    assert "conv1" not in ran.out


def test_inspect_an_unknown_layer(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "inspect", build / "net", "--layer", "7"),
        "no neuron layer of this name\n  got:      '7'\n  expected: lnm, cf, fire, lif\n  do:       name one of these",
    )


def test_inspect_as_json(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "inspect", build / "net", "--json")
    shown = json.loads(ran.out)
    assert ran.code == 0
    assert shown.pop("text").startswith("network integer steps=3 target=generic\nIntInput(name='input'")
    network = shown.pop("network")
    assert [n["name"] for n in network["nodes"]][1] == "conv1"
    assert network["constants"]["cf.threshold"] == [8192]
    assert shown == json.loads((build / "net" / "manifest.json").read_text())


# simulate


def test_simulate_prints_predictions_and_readout(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "simulate", build / "net", "--input", build / "x.npy", "--executor", "onnx-reference")
    assert (ran.code, ran.err) == (0, "")
    expected = snn2hw.simulate(snn2hw.load(build / "net"), every_kind_sample(6))
    assert "onnx-reference: 6 samples" in ran.out
    for n, values in enumerate(expected.readout.tolist()):
        row = next(line for line in ran.out.splitlines() if line.replace("|", " ").split()[:1] == [str(n)])
        assert row.replace("|", " ").split() == [str(n), str(expected.predictions[n]), *map(str, values)]


def test_several_outputs_are_shown_by_name_each_with_its_prediction(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    network_table.print_readout({"kind": np.array([[1, 5, 2], [7, 0, -3]]), "place": np.array([[4, -4], [-1, 6]])}, "fast", 0.5)
    lines = [line.replace("|", " ").split() for line in capsys.readouterr().out.splitlines()]
    assert ["sample", "kind:", "prediction", "kind:", "readout", "place:", "prediction", "place:", "readout"] in lines
    assert ["0", "1", "1", "5", "2", "0", "4", "-4"] in lines
    assert ["1", "0", "7", "0", "-3", "1", "-1", "6"] in lines
    assert "4 samples a second" in " ".join(lines[-1])


def test_simulate_without_input_takes_the_vectors(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "simulate", build / "net")
    assert ran.code == 0
    assert "reference: 15 samples, the first 10" in ran.out


def test_simulate_out_keeps_every_integer(capsys: Capture, build: Path) -> None:
    out = build / "new" / "trace.npz"
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "x.npy", "--out", out)
    assert ran.code == 0
    assert ran.out.endswith(f"written: {out}\n")
    arrays: dict[str, Any] = dict(read_npz(out))
    loaded = snn2hw.load(build / "net")
    assert str(arrays.pop("model_sha256")) == sha256(loaded.model)
    assert arrays.pop("payloads").shape == (3, 6, 1, 6, 6)
    expected = snn2hw.simulate(loaded, every_kind_sample(6)).arrays()
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[k], expected[k]) for k in expected)
    assert [p.name for p in out.parent.iterdir()] == ["trace.npz"]


def _without_speed(out: str) -> list[str]:
    lines = out.splitlines()
    kept = [line for line in lines if not line.endswith("samples a second, compiling and reading included")]
    assert len(kept) == len(lines) - 1
    return kept


def test_samples_in_an_npz_file(capsys: Capture, build: Path) -> None:
    np.savez(build / "x.npz", samples=every_kind_sample(6))
    a, b = (run_cli(capsys, "simulate", build / "net", "-i", build / f"x.{kind}") for kind in ("npz", "npy"))
    assert (a.code, a.err, _without_speed(a.out)) == (b.code, b.err, _without_speed(b.out))
    assert a.code == 0


# targets


def test_targets_are_listed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    ran = run_cli(capsys, "targets")
    assert (ran.code, ran.err) == (0, "")
    rows = [[w.strip() for w in line.split("|")] for line in ran.out.splitlines() if "|" in line]
    assert [r[1] for r in rows if len(r) > 1 and r[1] in ("generic", "loihi1", "loihi2")] == ["generic", "loihi1", "loihi2"]
    assert next(r for r in rows if r[1] == "loihi2")[3:7] == ["24", "32", "16", "toward_zero"]


def test_every_fact_of_a_target_is_shown_with_its_source(capsys: Capture) -> None:
    ran = run_cli(capsys, "targets", "loihi2")
    assert (ran.code, ran.err) == (0, "")
    text = " ".join(ran.out.replace("|", " ").split())
    for name, fact in snn2hw.target.load_target("loihi2").facts.items():
        assert name in text
        assert str(fact.source).split()[0] in text
    assert "confidence: F = read in the named public repository or document;" in text


def test_an_unknown_target(capsys: Capture) -> None:
    refusal(
        run_cli(capsys, "targets", "loihi9"),
        "unknown target\n  got:      'loihi9'\n"
        f"  expected: {', '.join(target_names())}\n"
        "  do:       did you mean 'loihi2'? else "
        "name one of these, or the path of a TOML file of your own (see `snn2hw targets`)",
    )


def test_a_fault_of_our_own_is_no_traceback(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(snn2hw.api, "load", broken)
    refusal(
        run_cli(capsys, "inspect", build / "net"),
        "something went wrong inside snn2hw; this is a bug\n  got:      ZeroDivisionError: division by zero\n"
        "  do:       run again with SNN2HW_TRACEBACK=1 and report what it prints",
    )
    monkeypatch.setenv("SNN2HW_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run_cli(capsys, "inspect", build / "net")


# the console script itself


def test_the_script_verifies(build: Path) -> None:
    ran = script("verify", "net", "--executors", ",".join(HERE), "--json", cwd=build)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["equal"] is True


def test_the_script_finds_a_difference(build: Path) -> None:
    assert script("simulate", "net", "-i", "x.npy", "--out", "trace.npz", cwd=build).returncode == 0
    altered(build / "trace.npz", flip)
    ran = script("diff", "net", "other.npz", cwd=build)
    assert ran.returncode == 1
    assert ran.stdout.startswith("first difference other.npz: lnm at step 2, sample 4, neuron [1, 0, 3]: got ")


def test_the_script_refuses_without_a_traceback(build: Path) -> None:
    ran = script("inspect", "nothing", cwd=build)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "error: this is no compiled network\n  where:    nothing\n  got:      no such folder\n"
        "  expected: a folder that `snn2hw compile` wrote\n  do:       compile the trained model, or check the path\n"
    )
