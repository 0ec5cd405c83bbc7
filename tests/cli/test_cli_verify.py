from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.backends.onnx import reference as onnx_reference
from snn2hw.backends.onnx.reference import OnnxReference
from snn2hw.backends.onnx.runtime import OnnxRuntime
from snn2hw.trace import Ints, Trace
from tests.cli.running import HERE, Capture, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind_sample


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
    assert f"{build / 'net'}: 15 samples, 3 steps" in ran.out
    rows = [line.replace("|", " ").split() for line in ran.out.splitlines()]
    integers = 15 * 4 + 2 * 3 * 15 * (3 * 108 + 8)
    assert ["reference", "decides"] in [r[:2] for r in rows]
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


@pytest.mark.parametrize("verb", ["verify", "report"])
@pytest.mark.parametrize("given", ["", ",", " , "])
def test_executors_that_name_none_are_no_comparison(verb: str, given: str, capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, verb, build / "net", "--executors", given),
        f"no executor is named\n  where:    --executors\n  got:      {given!r}\n  expected: names of `snn2hw backends`, with "
        "commas between them\n  do:       name one or more, or leave --executors out: then all that are installed run",
    )


def test_verify_stops_at_the_first_difference_where_it_is_asked_to(
    capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snn2hw.verification.verdict.MOST_INTEGERS", 1)  # a sample a batch
    faulty(monkeypatch, lambda trace: trace.readout.__iadd__(1))
    arguments = ("verify", build / "net", "-i", build / "x.npy", "--executors", "reference,onnx-reference", "--json")
    whole, stopped = (json.loads(run_cli(capsys, *arguments, *more).out) for more in ((), ("--first",)))
    assert 6 * stopped["different"]["onnx-reference"] == whole["different"]["onnx-reference"] > 0
    assert 6 * stopped["compared"]["onnx-reference"] == whole["compared"]["onnx-reference"]


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


REMEDY = "check the version of the package behind it; `snn2hw verify --executors reference,...` runs the others"


def test_an_executor_that_breaks_is_named(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty(monkeypatch, lambda trace: trace.spikes["nothing"])
    refusal(
        run_cli(capsys, "verify", build / "net", "-i", build / "x.npy", "--executors", ",".join(HERE)),
        f"the executor 'onnx-reference' failed\n  got:      KeyError: 'nothing'\n  expected: a trace\n  do:       {REMEDY}",
    )


def test_an_executor_that_breaks_hides_no_other(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty(monkeypatch, lambda trace: trace.spikes["nothing"])
    ran = run_cli(capsys, "verify", build / "net", "--executors", "onnx-reference,onnxruntime")
    rows = [line.replace("|", " ").split()[:3] for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (3, "")
    assert ["onnx-reference", "not", "run"] in rows
    assert ["onnxruntime", "equal"] in [row[:2] for row in rows]
    assert f"not run onnx-reference: the executor 'onnx-reference' failed: KeyError: 'nothing' ({REMEDY})" in ran.out
    said = json.loads(run_cli(capsys, "verify", build / "net", "--executors", "onnx-reference,onnxruntime", "--json").out)
    assert said["not_run"]["onnx-reference"].startswith("the executor 'onnx-reference' failed: KeyError")
    assert said["different"] == {"onnxruntime": 0, "vectors.npz": 0}


def test_one_that_breaks_counts_although_nobody_named_it(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "onnxruntime")
    ran = run_cli(capsys, "verify", build / "net")
    assert (ran.code, ran.err) == (0, "")  # what is not installed does not
    assert "not run onnxruntime" in ran.out
    faulty(monkeypatch, lambda trace: trace.spikes["nothing"])
    ran = run_cli(capsys, "verify", build / "net")
    assert (ran.code, ran.err) == (3, "")
    assert "not run onnx-reference: the executor 'onnx-reference' failed: KeyError" in ran.out


def test_a_difference_outweighs_one_that_breaks(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty(monkeypatch, one_state_off)
    monkeypatch.setattr(OnnxRuntime, "run", lambda *a: 1 // 0)
    ran = run_cli(capsys, "verify", build / "net", "--executors", "onnxruntime,onnx-reference")
    assert ran.code == 1
    assert "not run onnxruntime: the executor 'onnxruntime' failed: ZeroDivisionError" in ran.out


@pytest.mark.parametrize(("version", "works"), [("1.17.0", False), ("1.21.1", False), ("1.22.0", True), ("2.0", True)])
def test_an_onnx_whose_evaluator_is_too_old_says_so(
    capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch, version: str, works: bool
) -> None:
    monkeypatch.setattr(onnx_reference.onnx, "__version__", version)
    ran = run_cli(capsys, "verify", build / "net", "--executors", "onnxruntime,onnx-reference")
    assert ran.code == (0 if works else 3)
    reason = f"the evaluator of onnx {version} cannot run model.onnx: pip install 'onnx>=1.22'"
    assert (f"not run onnx-reference: {reason}" in ran.out) is not works


@pytest.mark.parametrize("command", [("verify", "--executors", "reference,fpga"), ("simulate", "--executor", "fpga")])
def test_an_unknown_executor(capsys: Capture, build: Path, command: tuple[str, ...]) -> None:
    refusal(
        run_cli(capsys, command[0], build / "net", *command[1:]),
        f"unknown executor\n  got:      'fpga'\n  expected: {', '.join([*EXECUTORS, *SIDE_EXECUTORS])}\n"
        "  do:       name one of these",
    )


def test_verify_that_compares_nothing_is_refused(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "verify", build / "net", "-i", build / "x.npy", "--executors", "reference"),
        "there is nothing to compare\n  got:      executors reference\n  expected: at least one besides the reference\n"
        "  do:       name another executor: --executors reference,onnxruntime",
    )
