from __future__ import annotations

import gc
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.executors import EXECUTORS
from snn2hw.executors.onnx_reference import OnnxReference
from snn2hw.store import sha256
from snn2hw.trace import Ints, Trace, read_npz, write_npz
from tests.cli.running import Ran, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import (
    counts,
    every_kind,
    every_kind_sample,
    lif,
    linear,
    network,
    neuron,
    normal,
    one_neuron,
    readout,
    sample_of,
)

Capture = pytest.CaptureFixture[str]
HERE = ("reference", "onnx-reference")
TRUST = "do:       compile the trained model again, or restore the folder from where it came"


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


def flat(text: str) -> str:
    """Lines joined: long ones are wrapped."""
    return " ".join(text.split())


def listing(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


# help


def test_help_lists_the_commands(capsys: Capture) -> None:
    ran = run_cli(capsys, "--help")
    assert (ran.code, ran.err) == (0, "")
    for command in ("compile", "inspect", "simulate", "verify", "diff", "targets", "demo"):
        assert f" {command} " in ran.out
    assert "Exit codes: 0 equal or done, 1 a difference was found, 2 bad input" in " ".join(ran.out.split()).replace("│ ", "")


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
        (("fly",), "No such command 'fly'."),
        (("verify",), "Missing argument 'ARTEFACT'."),
        (("inspect", "net", "--fast"), "No such option: --fast"),
        (("compile", "net", "--steps", "four"), "Invalid value for '--steps'"),
    ],
)
def test_wrong_usage_exits_2(capsys: Capture, arguments: tuple[str, ...], says: str) -> None:
    ran = run_cli(capsys, *arguments)
    assert ran.code == 2
    assert says in " ".join(ran.err.replace("│", " ").split())
    assert "Traceback" not in ran.err


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


def test_simulate_without_input_takes_the_vectors(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "simulate", build / "net")
    assert ran.code == 0
    assert "reference: 15 samples, the first 10" in ran.out


def test_simulate_out_keeps_every_integer(capsys: Capture, build: Path) -> None:
    out = build / "new" / "trace.npz"
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "x.npy", "--out", out)
    assert ran.code == 0
    assert flat(ran.out).endswith(f"written: {out}")
    arrays: dict[str, Any] = dict(read_npz(out))
    loaded = snn2hw.load(build / "net")
    assert str(arrays.pop("model_sha256")) == sha256(loaded.model)
    assert arrays.pop("payloads").shape == (3, 6, 1, 6, 6)
    expected = snn2hw.simulate(loaded, every_kind_sample(6)).arrays()
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[k], expected[k]) for k in expected)
    assert [p.name for p in out.parent.iterdir()] == ["trace.npz"]


def test_samples_in_an_npz_file(capsys: Capture, build: Path) -> None:
    np.savez(build / "x.npz", samples=every_kind_sample(6))
    a, b = (run_cli(capsys, "simulate", build / "net", "-i", build / f"x.{kind}") for kind in ("npz", "npy"))
    assert a == b
    assert a.code == 0


# verify


def faulty(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    """onnx-reference with a fault put in behind it."""

    class Faulty(OnnxReference):
        def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
            trace = super().run(artefact, payloads, traces)
            fault(trace)
            return trace

    monkeypatch.setitem(EXECUTORS, "onnx-reference", Faulty())


def one_state_off(trace: Trace) -> None:
    trace.states["cf.u"][1, 2, 0, 3, 4] += 5


def test_verify_equal(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "verify", build / "net", "--executors", ",".join(HERE))
    assert (ran.code, ran.err) == (0, "")
    assert f"{build / 'net'}: 15 samples, 3 steps" in " ".join(ran.out.split())
    rows = [line.replace("|", " ").split() for line in ran.out.splitlines()]
    integers = 15 * 4 + 2 * 3 * 15 * (3 * 108 + 8)
    assert ["reference", "the", "law"] in [r[:3] for r in rows]
    assert ["onnx-reference", "equal", f"{integers:,}", "0"] in [r[:4] for r in rows]
    assert ["vectors.npz", "equal", f"{integers:,}", "0", "stored"] in rows


def test_verify_names_the_first_difference(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = int(snn2hw.simulate(snn2hw.load(build / "net"), every_kind_sample(6)).states["cf.u"][1, 2, 0, 3, 4])
    faulty(monkeypatch, one_state_off)
    ran = run_cli(capsys, "verify", build / "net", "-i", build / "x.npy", "--executors", ",".join(HERE))
    assert (ran.code, ran.err) == (1, "")
    assert ["onnx-reference", "DIFFERENT"] in [line.replace("|", " ").split()[:2] for line in ran.out.splitlines()]
    assert (
        f"first difference onnx-reference: cf.u at step 1, sample 2, neuron [0, 3, 4]: got {right + 5}, expected {right}"
        in ran.out
    )
    assert "  cause: all that enters 'cf' at step 1 is equal, so the fault is in its synapse or its neuron program" in ran.out


def test_verify_as_json(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("verify", build / "net", "-i", build / "x.npy", "--executors", ",".join(HERE), "--json")
    equal = run_cli(capsys, *arguments)
    shown = json.loads(equal.out)
    assert equal.code == 0
    assert (shown["equal"], shown["differences"], shown["not_run"]) == (True, [], {})
    assert (shown["samples"], shown["steps"], shown["different"]) == (6, 3, {"onnx-reference": 0})
    faulty(monkeypatch, one_state_off)
    different = run_cli(capsys, *arguments)
    shown = json.loads(different.out)
    assert different.code == 1
    assert (shown["equal"], shown["different"]) == (False, {"onnx-reference": 1})
    (d,) = shown["differences"]
    assert [d[k] for k in ("executor", "signal", "step", "sample", "index")] == ["onnx-reference", "cf.u", 1, 2, [0, 3, 4]]
    assert d["got"] - d["expected"] == 5


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == package else find(name, *a))


def test_verify_says_what_was_not_run(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnxruntime")
    ran = run_cli(capsys, "verify", build / "net", "--executors", "reference,onnx-reference,onnxruntime")
    assert (ran.code, ran.err) == (3, "")
    assert ["onnxruntime", "not", "run"] in [line.replace("|", " ").split() for line in ran.out.splitlines()]
    assert "not run onnxruntime: the package 'onnxruntime' is not installed: pip install 'snn2hw[run]'" in ran.out
    assert "equal" in ran.out


def test_a_difference_outweighs_what_was_not_run(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnxruntime")
    faulty(monkeypatch, one_state_off)
    assert run_cli(capsys, "verify", build / "net", "--executors", "onnxruntime,onnx-reference").code == 1


def test_nothing_that_can_run_exits_3(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnxruntime")
    reason = "the package 'onnxruntime' is not installed: pip install 'snn2hw[run]'"
    refusal(
        run_cli(capsys, "verify", build / "net", "--executors", "reference,onnxruntime"),
        f"no executor that was asked for can run here\n  got:      onnxruntime: {reason}\n"
        "  expected: at least one executor to compare with the reference\n  do:       install what is missing",
        3,
    )
    refusal(
        run_cli(capsys, "simulate", build / "net", "--executor", "onnxruntime"),
        f"the executor 'onnxruntime' is not available\n  got:      {reason}\n  do:       install it, or choose another executor",
        3,
    )


def test_an_executor_that_breaks_is_named(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty(monkeypatch, lambda trace: trace.spikes["nothing"])
    refusal(
        run_cli(capsys, "verify", build / "net", "--executors", ",".join(HERE)),
        "the executor 'onnx-reference' failed\n  got:      KeyError: 'nothing'\n  expected: a trace\n"
        "  do:       check the version of the package behind it; `snn2hw verify --executors reference,...` runs the others",
    )


@pytest.mark.parametrize("command", [("verify", "--executors", "reference,fpga"), ("simulate", "--executor", "fpga")])
def test_an_unknown_executor(capsys: Capture, build: Path, command: tuple[str, ...]) -> None:
    refusal(
        run_cli(capsys, command[0], build / "net", *command[1:]),
        f"unknown executor\n  got:      'fpga'\n  expected: {', '.join(EXECUTORS)}\n  do:       name one of these",
    )


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="nothing was compared, and yet the exit code says equal")
def test_verify_that_compares_nothing_does_not_exit_0(capsys: Capture, build: Path) -> None:
    assert run_cli(capsys, "verify", build / "net", "-i", build / "x.npy", "--executors", "reference").code != 0


# diff


@pytest.fixture
def trace(build: Path, capsys: Capture) -> Path:
    assert run_cli(capsys, "simulate", build / "net", "-i", build / "x.npy", "--out", build / "trace.npz").code == 0
    return build / "trace.npz"


def altered(path: Path, edit: Any) -> Path:
    arrays: dict[str, Any] = dict(read_npz(path))
    edit(arrays)
    other = path.with_name("other.npz")
    write_npz(other, arrays)
    return other


def flip(arrays: dict[str, Any]) -> None:
    arrays["spikes/lnm"][2, 4, 1, 0, 3] ^= 1


def test_diff_of_a_trace_with_the_reference(capsys: Capture, build: Path, trace: Path) -> None:
    ran = run_cli(capsys, "diff", build / "net", trace)
    assert (ran.code, flat(ran.out), ran.err) == (0, f"equal: every integer of {trace} and the reference", "")


def test_diff_of_two_traces(capsys: Capture, build: Path, trace: Path) -> None:
    same = altered(trace, lambda a: None)
    ran = run_cli(capsys, "diff", build / "net", trace, same)
    assert (ran.code, flat(ran.out), ran.err) == (0, f"equal: every integer of {trace} and {same}", "")


@pytest.mark.parametrize("second", [False, True])
def test_diff_names_the_spike_that_was_altered(capsys: Capture, build: Path, trace: Path, second: bool) -> None:
    right = int(read_npz(trace)["spikes/lnm"][2, 4, 1, 0, 3])
    other = altered(trace, flip)
    ran = run_cli(capsys, "diff", build / "net", other, *([trace] if second else []))
    assert (ran.code, ran.err) == (1, "")
    assert flat(ran.out).startswith(
        f"first difference {other}: lnm at step 2, sample 4, neuron [1, 0, 3]: got {1 - right}, expected {right} cause: "
    )
    assert "  the law, line by line (channel 1):" in ran.out.splitlines()


def test_diff_names_a_readout_that_was_altered(capsys: Capture, build: Path, trace: Path) -> None:
    other = altered(trace, lambda a: a["readout"].__setitem__((3, 2), 99999))
    ran = run_cli(capsys, "diff", build / "net", other)
    assert ran.code == 1
    assert "readout, sample 3, neuron [2]: got 99999" in " ".join(ran.out.split())
    assert "cause: every spike and state is equal: the last synapse, or the sum over steps, differs" in ran.out


def test_diff_of_a_trace_of_another_model(capsys: Capture, build: Path, trace: Path) -> None:
    net = one_neuron(lif("fire", "fc"))
    own = snn2hw.load(build / "net")
    other = snn2hw.compile(net, sample_of(net), out=build / "other")
    refusal(
        run_cli(capsys, "diff", build / "other", trace),
        f"these vectors belong to another model\n  where:    {trace}\n  got:      model sha256 {sha256(own.model)[:16]}...\n"
        f"  expected: model sha256 {sha256(other.model)[:16]}...\n"
        f"  do:       use the vectors.npz, or the trace, of this artefact",
    )


def test_diff_of_a_trace_without_stimulus(capsys: Capture, build: Path, trace: Path) -> None:
    other = altered(trace, lambda a: a.pop("payloads"))
    names = "readout, spikes/cf, spikes/fire, spikes/lif, spikes/lnm, states/cf.u, states/fire.u, states/lif.u, states/lnm.u"
    refusal(
        run_cli(capsys, "diff", build / "net", other),
        f"the trace file holds no stimulus\n  where:    {other}\n  got:      {names}\n  expected: an array 'payloads'\n"
        "  do:       store the payloads [T, N, ...] with the trace",
    )


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            lambda a: a.pop("spikes/lif"),
            "the traces are not of the same run\n  where:    {path}: spikes/lif\n  got:      nothing\n  expected: (3, 6, 8)\n"
            "  do:       simulate the same artefact on the same samples with both",
        ),
        (
            lambda a: a.update({"states/lif.u": a["states/lif.u"][:, :5]}),
            "the traces are not of the same run\n  where:    {path}: states/lif.u\n  got:      (3, 5, 8)\n  expected: (3, 6, 8)\n"
            "  do:       simulate the same artefact on the same samples with both",
        ),
        (
            lambda a: a.update({"states/lif.u": a["states/lif.u"] / 2}),
            "a trace holds integers only\n  where:    {path}: states/lif.u\n  got:      float64\n  expected: int64",
        ),
        (
            lambda a: a.pop("model_sha256"),
            "these vectors belong to another model\n  where:    {path}\n  got:      model sha256 none...\n"
            "  expected: model sha256 {own}...\n  do:       use the vectors.npz, or the trace, of this artefact",
        ),
    ],
)
def test_diff_of_a_trace_that_does_not_fit(capsys: Capture, build: Path, trace: Path, edit: Any, text: str) -> None:
    other = altered(trace, edit)
    own = sha256((build / "net" / "model.onnx").read_bytes())[:16]
    refusal(run_cli(capsys, "diff", build / "net", other), text.format(path=other, own=own))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # NumPy leaves a broken zip file open
@pytest.mark.parametrize("data", [None, b"", b"garbage", b"PK\x03\x04half"])
def test_diff_of_a_file_that_is_no_trace(capsys: Capture, build: Path, data: bytes | None) -> None:
    path = build / "broken.npz"
    if data is not None:
        path.write_bytes(data)
    ran = run_cli(capsys, "diff", build / "net", path)
    gc.collect()  # here, not in a later test, for the sake of the warning
    first = "no such file" if data is None else "this file cannot be read as arrays"
    assert ran.code == 2
    assert ran.err.splitlines()[:2] == [f"error: {first}", f"  where:    {path}"]


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="payloads of a trace file are used unchecked")
@pytest.mark.parametrize(
    "edit",
    [
        lambda a: a.update(payloads=a["payloads"] + 0.25),
        lambda a: a.update(payloads=a["payloads"] + 256),
        lambda a: a.update(payloads=a["payloads"][:, :, 0]),
    ],
)
def test_diff_of_a_trace_with_impossible_payloads(capsys: Capture, build: Path, trace: Path, edit: Any) -> None:
    ran = run_cli(capsys, "diff", build / "net", altered(trace, edit))
    assert ran.code == 2
    assert "executor" not in ran.err


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="the payloads of the second trace are not looked at")
def test_diff_of_two_traces_of_different_stimuli(capsys: Capture, build: Path, trace: Path) -> None:
    np.save(build / "y.npy", 1 - every_kind_sample(6))
    run_cli(capsys, "simulate", build / "net", "-i", build / "y.npy", "--out", build / "y.npz")
    assert run_cli(capsys, "diff", build / "net", trace, build / "y.npz").code == 2


# targets


def test_targets_are_listed(capsys: Capture) -> None:
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
        "unknown target\n  got:      'loihi9'\n  expected: generic, loihi1, loihi2\n"
        "  do:       name one of these, or the path of a TOML file of your own (copy one from targets/)",
    )


# bad input, through the commands that read an artefact


COMMANDS = [("inspect",), ("simulate",), ("verify", "--executors", "reference,onnx-reference")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["model.onnx", "step.onnx", "vectors.npz"])
def test_a_truncated_file(capsys: Capture, build: Path, name: str, command: tuple[str, ...]) -> None:
    path = build / "net" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    before = listing(build)
    refusal(
        run_cli(capsys, command[0], build / "net", *command[1:]),
        f"{name} is not the file the manifest was written for\n  where:    {path}\n"
        f"  got:      sha256 {sha256(whole[:-100])[:16]}...\n"
        f"  expected: sha256 {sha256(whole)[:16]}...\n  {TRUST}",
    )
    assert listing(build) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_no_artefact(capsys: Capture, tmp_path: Path, command: tuple[str, ...]) -> None:
    refusal(
        run_cli(capsys, command[0], tmp_path, *command[1:]),
        f"this is no compiled network\n  where:    {tmp_path}\n  got:      no manifest.json in it\n"
        "  expected: a folder that `snn2hw compile` wrote\n  do:       compile the trained model, or check the path",
    )


def test_vectors_of_another_model(capsys: Capture, build: Path) -> None:
    net = one_neuron(neuron("lnm", "fc"))
    other = snn2hw.compile(net, sample_of(net), out=build / "other")
    (build / "net" / "vectors.npz").write_bytes((build / "other" / "vectors.npz").read_bytes())
    manifest = json.loads((build / "net" / "manifest.json").read_text())
    manifest["files"]["vectors.npz"] = sha256((build / "net" / "vectors.npz").read_bytes())
    (build / "net" / "manifest.json").write_text(json.dumps(manifest))
    refusal(
        run_cli(capsys, "verify", build / "net"),
        f"these vectors belong to another model\n  where:    {build / 'net' / 'vectors.npz'}\n"
        f"  got:      model sha256 {sha256(other.model)[:16]}...\n"
        f"  expected: model sha256 {sha256((build / 'net' / 'model.onnx').read_bytes())[:16]}...\n"
        "  do:       use the vectors.npz, or the trace, of this artefact",
    )


def whole(bad: float) -> Any:
    x = every_kind_sample(6)
    x[0, 0, 0, 0] = bad
    return x


SAMPLES: dict[str, tuple[Any, str]] = {
    "NaN": (
        whole(np.nan),
        "the samples hold NaN or Inf\n  where:    input 'input'\n  got:      1 of 216 values\n"
        "  expected: finite numbers\n  do:       clean the data",
    ),
    "range": (
        whole(2.0) * 0 + 2.0,
        "the input is outside its declared range\n  where:    input 'input'\n  got:      2 to 2\n  expected: 0 to 1\n"
        "  do:       scale the samples as in training, or compile again with a sample or input_range that covers them",
    ),
    "payload": (
        np.full((2, 1, 6, 6), 300),
        "the input is outside its declared range\n  where:    input 'input'\n  got:      300 to 300\n  expected: 0 to 255\n"
        "  do:       scale the samples as in training, or compile again with a sample or input_range that covers them",
    ),
    "shape": (
        every_kind_sample(6)[:, 0],
        "the samples have another shape than the network's input\n  where:    input 'input'\n  got:      [6, 6, 6]\n"
        "  expected: [N, ...] with one sample [1, 6, 6]\n  do:       reshape the samples; the layout is N first for static input",
    ),
    "words": (np.array(["a", "b"]), "the samples are no array of numbers\n  got:      <U1\n  expected: float or integer"),
}


@pytest.mark.parametrize("command", [("simulate", "--out", "trace.npz"), ("verify", "--executors", "reference,onnx-reference")])
@pytest.mark.parametrize("which", SAMPLES)
def test_samples_that_do_not_fit(
    capsys: Capture, build: Path, which: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(build)
    samples, text = SAMPLES[which]
    np.save(build / "bad.npy", samples)
    before = listing(build)
    refusal(run_cli(capsys, command[0], "net", "--input", "bad.npy", *command[1:]), text)
    assert listing(build) == before


def test_wrong_number_of_steps(capsys: Capture, build: Path) -> None:
    net = network(4, counts(3, hi=3), linear("head", "input", normal(0, 2, 3)), readout("head"))
    snn2hw.compile(net, sample_of(net), out=build / "events")
    np.save(build / "five.npy", np.zeros((5, 2, 3)))
    refusal(
        run_cli(capsys, "simulate", build / "events", "-i", build / "five.npy"),
        "wrong number of steps\n  where:    input 'input'\n  got:      T = 5\n  expected: T = 4\n"
        "  do:       bin the events into as many steps as the network was compiled for, or compile it for these",
    )


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (None, "[Errno 2] No such file or directory: '{path}'"),
        (b"", "No data left in file"),
        (b"not an array", None),
    ],
)
def test_samples_that_cannot_be_read(capsys: Capture, build: Path, data: bytes | None, got: str | None) -> None:
    path = build / "bad.npy"
    if data is not None:
        path.write_bytes(data)
    ran = run_cli(capsys, "simulate", build / "net", "-i", path)
    lines = ran.err.splitlines()
    assert ran.code == 2
    assert lines[:2] == ["error: the samples cannot be read", f"  where:    {path}"]
    assert got is None or lines[2] == f"  got:      {got.format(path=path)}"
    assert lines[-2:] == ["  expected: a .npy file", "  do:       np.save(file, x)"]


def test_samples_of_python_objects_are_not_unpickled(capsys: Capture, build: Path) -> None:
    np.save(build / "bad.npy", np.array([None, {}]), allow_pickle=True)
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "bad.npy")
    assert ran.code == 2
    assert ran.err.splitlines()[2] == "  got:      Object arrays cannot be loaded when allow_pickle=False"


def test_an_npz_without_samples(capsys: Capture, build: Path) -> None:
    np.savez(build / "x.npz", images=np.zeros(3))
    refusal(
        run_cli(capsys, "simulate", build / "net", "-i", build / "x.npz"),
        f"this file has no array 'samples'\n  where:    {build / 'x.npz'}\n  got:      images\n"
        f"  do:       np.savez(file, samples=x)",
    )


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="zipfile.BadZipFile is not caught")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_samples_that_look_like_a_zip_file(capsys: Capture, build: Path) -> None:
    (build / "bad.npy").write_bytes(b"PK\x03\x04garbage")
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "bad.npy")
    gc.collect()  # here, not in a later test, for the sake of the warning
    assert ran.err.splitlines()[0] == "error: the samples cannot be read"


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="write_npz raises a second error while it handles the first")
def test_a_trace_that_cannot_be_written(capsys: Capture, build: Path) -> None:
    out = build / "x.npy" / "trace.npz"
    refusal(
        run_cli(capsys, "simulate", build / "net", "--out", out),
        f"cannot write\n  where:    {out}\n  got:      Not a directory\n  do:       choose a folder you can write to",
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


def script(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("snn2hw", path=str(Path(sys.executable).parent))
    assert command is not None
    return subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


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
