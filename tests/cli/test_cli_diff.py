from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.files.record import sha256
from snn2hw.trace import read_npz
from tests.cli.running import Capture, Ran, altered, flip, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind_sample, lif, one_neuron, sample_of

INTEGERS = "expected: integers, such as int64\n  do:       give integers; real samples go to snn2hw.simulate, which encodes them"


@pytest.fixture
def trace(build: Path, capsys: Capture) -> Path:
    assert run_cli(capsys, "simulate", build / "net", "-i", build / "x.npy", "--out", build / "trace.npz").code == 0
    return build / "trace.npz"


def test_diff_of_a_trace_with_the_reference(capsys: Capture, build: Path, trace: Path) -> None:
    ran = run_cli(capsys, "diff", build / "net", trace)
    assert ran == Ran(0, f"equal: every integer of {trace} and the reference\n", "")


def test_diff_of_two_traces(capsys: Capture, build: Path, trace: Path) -> None:
    same = altered(trace, lambda a: None)
    ran = run_cli(capsys, "diff", build / "net", trace, same)
    assert ran == Ran(0, f"equal: every integer of {trace} and {same}\n", "")


@pytest.mark.parametrize("second", [False, True])
def test_diff_names_the_spike_that_was_altered(capsys: Capture, build: Path, trace: Path, second: bool) -> None:
    right = int(read_npz(trace)["spikes/lnm"][2, 4, 1, 0, 3])
    other = altered(trace, flip)
    ran = run_cli(capsys, "diff", build / "net", other, *([trace] if second else []))
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"first difference {other}: lnm at step 2, sample 4, neuron [1, 0, 3]: got {1 - right}, expected {right}"
    assert lines[1].startswith("  cause: ")
    assert "  the reference, line by line (channel 1):" in lines


def test_diff_names_a_readout_that_was_altered(capsys: Capture, build: Path, trace: Path) -> None:
    other = altered(trace, lambda a: a["readout"].__setitem__((3, 2), 99999))
    ran = run_cli(capsys, "diff", build / "net", other)
    assert ran.code == 1
    assert "readout, sample 3, neuron [2]: got 99999" in ran.out
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
        f"the trace file holds no stimulus\n  where:    {other}\n  got:      {names}\n"
        "  expected: an array `payloads`, the spike values of the input\n"
        "  do:       store `payloads` [T, N, ...] with the trace",
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
            "a trace has one readout per sample, and steps and samples as its first axes\n  where:    {path}: states/lif.u\n"
            "  got:      [3, 5, 8]\n  expected: [T, 6, ...]\n  do:       write it again",
        ),
        (
            lambda a: a.update({"states/lif.u": a["states/lif.u"] / 2}),
            "a trace holds integers only: these values are no integers\n  where:    {path}: states/lif.u\n"
            f"  got:      dtype float64\n  {INTEGERS}",
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


def test_diff_of_a_folder(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "diff", build / "net", build / "net"),
        f"a folder is no file of arrays\n  where:    {build / 'net'}\n  got:      a folder\n"
        "  expected: an .npz file as snn2hw writes it\n  do:       name the file, such as trace.npz of `snn2hw simulate --out`",
    )


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


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda x: x + 0.25, "these values are no integers\n  where:    {path}\n  got:      dtype float64\n  " + INTEGERS),
        (
            lambda x: x * 0 + 256,
            "the spike values are outside the network's declared range\n  where:    {path}\n  got:      256 to 256\n"
            "  expected: 0 to 255\n  do:       give integers within it, or compile with a sample that covers them; "
            "snn2hw.simulate encodes real samples",
        ),
        (
            lambda x: x[:, :, 0],
            "the spike values have another shape than the network's input\n  where:    {path}\n  got:      [3, 6, 6, 6]\n"
            "  expected: [T = 3, N, 1, 6, 6]\n  do:       give integers with the steps first, then the samples",
        ),
        (
            lambda x: x[:2],
            "the spike values have another number of steps than the network\n  where:    {path}\n"
            "  got:      T = 2: [2, 6, 1, 6, 6]\n"
            "  expected: [T = 3, N, 1, 6, 6]\n"
            "  do:       give all 3 steps of every sample, or compile the network for 2",
        ),
    ],
)
@pytest.mark.parametrize("second", [False, True])
def test_diff_of_a_trace_with_impossible_payloads(
    capsys: Capture, build: Path, trace: Path, edit: Any, text: str, second: bool
) -> None:
    other = altered(trace, lambda a: a.update(payloads=edit(a["payloads"])))
    refusal(run_cli(capsys, "diff", build / "net", *([trace] if second else []), other), text.format(path=other))


def test_diff_of_two_traces_of_different_stimuli(capsys: Capture, build: Path, trace: Path) -> None:
    np.save(build / "y.npy", 1 - every_kind_sample(6))
    other = build / "y.npz"
    assert run_cli(capsys, "simulate", build / "net", "-i", build / "y.npy", "--out", other).code == 0
    refusal(
        run_cli(capsys, "diff", build / "net", trace, other),
        f"the traces are of different stimuli\n  got:      {trace} and {other}\n  expected: the same array `payloads` in both\n"
        "  do:       run both on the same samples",
    )
