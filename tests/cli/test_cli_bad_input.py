from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.files.record import sha256
from tests.cli.running import Capture, listing, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import counts, every_kind_sample, linear, network, neuron, normal, one_neuron, readout, sample_of
from tests.stored import checksummed

TRUST = "do:       compile the trained model again, or restore the folder from where it came"
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
    (build / "net" / "manifest.json").write_text(json.dumps(checksummed(manifest)))
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
    "8-bit image": (
        np.full((2, 1, 6, 6), 255, np.uint8),
        "the input is outside its declared range\n  where:    input 'input'\n  got:      255 to 255\n  expected: 0 to 1\n"
        "  do:       scale the samples as in training, or compile again with a sample or input_range that covers them",
    ),
    "shape": (
        every_kind_sample(6)[:, 0],
        "the samples have another shape than the network's input\n  where:    input 'input'\n  got:      [6, 6, 6]\n"
        "  expected: [N, ...] with one sample [1, 6, 6]\n  do:       reshape the samples; the layout is N first for static input",
    ),
    "one": (
        np.float32(0.5),
        "this is no array of samples\n  where:    bad.npy\n  got:      one value of float32\n"
        "  expected: numbers, [N, ...] or [T, N, ...]\n  do:       np.save(file, x)",
    ),
    "words": (
        np.array(["a", "b"]),
        "this is no array of samples\n  where:    bad.npy\n  got:      [2] of <U1\n"
        "  expected: numbers, [N, ...] or [T, N, ...]\n  do:       np.save(file, x)",
    ),
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
    snn2hw.compile(net, sample_of(net, 3), out=build / "events")
    np.save(build / "five.npy", np.zeros((5, 2, 3)))
    refusal(
        run_cli(capsys, "simulate", build / "events", "-i", build / "five.npy"),
        "wrong number of steps\n  where:    input 'input'\n  got:      T = 5\n  expected: T = 4\n"
        "  do:       bin the events into as many steps as the network was compiled for, or compile it for these",
    )


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (None, "no such file"),
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
    assert lines[-2:] == ["  expected: a .npy file", f"  do:       {'check the path' if data is None else 'np.save(file, x)'}"]


def test_samples_of_python_objects_are_not_unpickled(capsys: Capture, build: Path) -> None:
    np.save(build / "bad.npy", np.array([None, {}]), allow_pickle=True)
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "bad.npy")
    assert ran.code == 2
    assert ran.err.splitlines()[2] == "  got:      its elements are '|O', no numbers"


def test_an_npz_without_samples(capsys: Capture, build: Path) -> None:
    np.savez(build / "x.npz", images=np.zeros(3))
    refusal(
        run_cli(capsys, "simulate", build / "net", "-i", build / "x.npz"),
        f"this file has no array 'samples'\n  where:    {build / 'x.npz'}\n  got:      images\n"
        f"  do:       np.savez(file, samples=x)",
    )


def test_samples_that_look_like_a_zip_file(capsys: Capture, build: Path) -> None:
    (build / "bad.npy").write_bytes(b"PK\x03\x04garbage")
    ran = run_cli(capsys, "simulate", build / "net", "-i", build / "bad.npy")
    gc.collect()  # here, not in a later test, for the sake of warnings
    refusal(
        ran,
        f"the samples cannot be read\n  where:    {build / 'bad.npy'}\n  got:      it does not begin as a .npy file does\n"
        "  expected: a .npy file\n  do:       np.save(file, x)",
    )


@pytest.mark.parametrize("below", ["deep/trace.npz", "trace.npz"])
def test_a_trace_that_cannot_be_written(capsys: Capture, build: Path, below: str) -> None:
    out = build / "x.npy" / below
    refusal(
        run_cli(capsys, "simulate", build / "net", "--out", out),
        f"the file cannot be written\n  where:    {out}\n  got:      Not a directory\n"
        "  do:       choose a folder you can write to",
    )
