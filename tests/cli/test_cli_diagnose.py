"""`diff` and `verify` with the float model: why the integers fire otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from tests.cli.running import Capture, Compile, altered, refusal, run

pytest.importorskip("torch")


@pytest.fixture
def built(compiling: Compile, work: Path) -> Path:
    assert compiling("build", "--out", "built", "--weight-bits", "3").code == 0
    return work / "built"


def test_diff_and_verify_say_what_diagnose_says(built: Path, capsys: Capture) -> None:
    from nets import build  # type: ignore[import-not-found]

    found = snn2hw.diagnose(snn2hw.load(built), np.load("x.npy"), build().eval())
    assert found.cause == "weight rounding"
    ran = run(capsys, "diff", built, "--model", "nets:build", "-i", "x.npy")
    assert (ran.code, ran.err) == (0, "")  # rounding explains it
    lines = ran.out.splitlines()
    counts = f"{found.values:,} values differ, {found.begun:,} begin in their layer, 0 unexplained"
    assert lines[:3] == [
        f"{built} against the float model: 9 samples x 4 steps: {counts}", f"cause {found}", f"  do: {found.remedy}",
    ]  # fmt: skip
    assert any(line.startswith("| weights of 1 ") for line in lines)
    said = json.loads(run(capsys, "diff", built, "-m", "nets:build", "-i", "x.npy", "--json").out)
    assert said == json.loads(json.dumps(found.to_document()))
    both = run(capsys, "verify", built, "-m", "nets:build", "-i", "x.npy", "--executors", "reference,onnx-reference")
    assert both.code == 0
    assert f"cause {found}" in both.out
    more = run(capsys, "verify", built, "-m", "nets:build", "-i", "x.npy", "--executors", "reference,onnx-reference", "--json")
    assert json.loads(more.out)["diagnosis"] == said


def test_a_trace_with_a_spike_that_no_rounding_explains_ends_with_1(built: Path, work: Path, capsys: Capture) -> None:
    assert run(capsys, "simulate", built, "-i", "x.npy", "--out", "t.npz").code == 0
    assert run(capsys, "diff", built, "t.npz", "-m", "nets:build").code == 0
    # A membrane beside its threshold would explain the spike: of one far below it is left alone.
    wrong = altered(work / "t.npz", lambda a: a["spikes/1"].__setitem__((0, 0), 1 - a["spikes/1"][0, 0]))
    ran = run(capsys, "diff", built, wrong, "-m", "nets:build")
    assert ran.code == 1
    assert ", sample 0, neuron " in ran.out
    other = np.load("x.npy")[::-1]
    np.save("y.npy", other)
    ran = run(capsys, "diff", built, "t.npz", "-m", "nets:build", "-i", "y.npy")
    says = """the traces are of different stimuli
  got:      t.npz and y.npy
  expected: the same array `payloads` in both
  do:       run both on the same samples"""
    refusal(ran, says)


def test_options_without_their_model_are_refused(capsys: Capture) -> None:
    for verb in ("diff", "verify"):
        ran = run(capsys, verb, "nowhere", "--weights", "w.safetensors")
        assert ran.code == 2
        assert "got:      --weights\n" in ran.err
    ran = run(capsys, "diff", "nowhere")
    says = """there is nothing to compare the reference with
  expected: a trace file, or --model
  do:       give a trace, or --model MODEL to find why integers and floats differ"""
    refusal(ran, says)
    ran = run(capsys, "diff", "nowhere", "a.npz", "b.npz", "--model", "m")
    assert "got:      a second trace\n" in ran.err
