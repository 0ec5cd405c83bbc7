from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from tests.cli.running import Capture, Compile, listing, refusal, script  # noqa: E402
from tests.cli.running import run as run_cli  # noqa: E402
from tests.stored import FILES  # noqa: E402

pytestmark = pytest.mark.torch

EMPTY = ["nets.py", "x.npy"]


def test_compile_writes_an_artefact(compiling: Compile, work: Path) -> None:
    ran = compiling("build", "--out", "net", "--target", "loihi2", "--state-bits", 14, "--weight-bits", 6, "--scales", "layer")
    assert (ran.code, ran.err) == (0, "")
    shown = " ".join(ran.out.split())
    for name in ("fold", "capacity", "calibrate", "quantise", "lower", "narrow", "legalise"):
        assert f"{name} " in shown
    assert "net: target loihi2, T = 4" in shown
    assert ran.out.splitlines()[-1] == "written: net    next: snn2hw verify net"
    loaded = snn2hw.load(work / "net")
    assert loaded.manifest["options"] == {"state_bits": 14, "weight_bits": 6, "scales": "layer"}
    assert loaded.network.target == "loihi2"
    assert snn2hw.verify(loaded, executors=("torch", "onnx-reference")).equal
    assert listing(work) == ["net", *(f"net/{name}" for name in FILES), *EMPTY]


def test_the_command_line_compiles_what_the_library_compiles(compiling: Compile, work: Path) -> None:
    assert compiling("build", "--out", "net").code == 0
    import nets

    assert snn2hw.compile(nets.build(), np.load(work / "x.npy"), 4).model == (work / "net" / "model.onnx").read_bytes()


def test_the_default_folder_is_named_for_the_model(compiling: Compile, work: Path) -> None:
    assert compiling("build").code == 0
    assert (work / "build" / "nets.build" / "manifest.json").is_file()


def test_a_factory_may_give_the_sample(compiling: Compile, work: Path) -> None:
    assert compiling("with_sample", "--out", "a", sample=None).code == 0
    assert compiling("build", "--out", "b").code == 0
    assert (work / "a" / "model.onnx").read_bytes() == (work / "b" / "model.onnx").read_bytes()


def test_a_factory_may_give_a_tensor_with_a_gradient(compiling: Compile, work: Path) -> None:
    torch.manual_seed(1)  # the model of nets.py is drawn anew whenever it is built
    assert compiling("sample_with_gradient", "--out", "net", sample=None).code == 0
    import nets

    torch.manual_seed(1)
    assert snn2hw.compile(nets.build(), np.full((2, 6), 0.5), 4).model == (work / "net" / "model.onnx").read_bytes()


def test_without_steps_the_sample_is_temporal(compiling: Compile, work: Path) -> None:
    np.save("x.npy", np.random.default_rng(0).poisson(1.0, (5, 3, 6)))
    assert compiling("build", "--out", "net", steps=None).code == 0
    assert (snn2hw.load("net").network.steps, snn2hw.load("net").network.input.counts) == (5, True)


def test_weights_are_read_from_a_file(compiling: Compile, work: Path) -> None:
    import nets
    from safetensors.torch import save_file

    made = nets.build()
    with torch.no_grad():
        made[2].weight.mul_(-1)
    save_file(made.state_dict(), work / "w.safetensors")
    assert compiling("build", "--weights", "w.safetensors", "--out", "net").code == 0
    assert snn2hw.load("net").model == snn2hw.compile(made, np.load("x.npy"), 4).model


STOPS = {
    "fold": ("network real steps=4", "Neuron(name='1'", "coefficients=ARRAY"),
    "calibrate": ("network real steps=4", "Neuron(name='1'", "coefficients=ARRAY"),
    "quantise": ("network integer steps=4 target=generic", "UnloweredNeuron(name='1'", "format='s32."),
    "lower": ("network integer steps=4 target=generic", "IntNeuron(name='1'", ": s62.13 proved"),
    "narrow": (
        "network integer steps=4 target=generic",
        "IntNeuron(name='1'",
        "u = state lo=-32768 hi=32767 initial=0 : s16.13 proved",
    ),
    "legalise": (
        "network integer steps=4 target=generic",
        "IntNeuron(name='1'",
        "u = state lo=-32768 hi=32767 initial=0 : s16.13 proved",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_stop_after_prints_the_network_and_writes_nothing(compiling: Compile, work: Path, name: str) -> None:
    ran = compiling("build", "--stop-after", name)
    assert (ran.code, ran.err) == (0, "")
    head, *parts = STOPS[name]
    assert ran.out.splitlines()[0] == head
    assert all(part in ran.out for part in parts)
    assert listing(work) == EMPTY


def test_the_script_compiles_inspects_and_verifies(work: Path) -> None:
    ran = script("compile", "nets:with_sample", "--steps", 4, "--out", "net", cwd=work)
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = script("inspect", "net", "--json", cwd=work)
    assert json.loads(ran.stdout)["layers"][1]["kind"] == "LNM"


def test_the_script_refuses_without_a_traceback(work: Path) -> None:
    ran = script("compile", "nets:unsupported", "--sample", "x.npy", "--steps", 4, "--out", "net", cwd=work)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[:3] == [
        "error: GELU has no integer meaning here",
        "  where:    1",
        "  got:      torch.nn.modules.activation.GELU",
    ]
    assert "Traceback" not in ran.stderr
    assert not (work / "net").exists()


@pytest.mark.parametrize(
    ("out", "text"),
    [
        (
            "x.npy",
            "the output is no folder\n  where:    x.npy\n  got:      a file\n"
            "  expected: a new folder, an empty one, or an earlier artefact\n  do:       choose another folder",
        ),
        (
            "x.npy/deep/net",
            "the output folder cannot be written\n  where:    x.npy/deep/net\n  got:      Not a directory\n"
            "  do:       choose a folder you can write to",
        ),
    ],
)
def test_an_output_folder_that_cannot_be_written(
    compiling: Compile, work: Path, out: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snn2hw.cli.compile.find_model", lambda *_, **__: pytest.fail("it has begun"))
    before = (work / "x.npy").read_bytes()
    refusal(compiling("build", "--out", out), text)
    assert listing(work) == EMPTY
    assert (work / "x.npy").read_bytes() == before


def test_a_failing_compilation_keeps_the_earlier_artefact(compiling: Compile, work: Path) -> None:
    assert compiling("build", "--out", "net").code == 0
    before = {p.name: p.read_bytes() for p in (work / "net").iterdir()}
    for factory in ("unsupported", "nan_weights", "wide"):
        assert compiling(factory, "--out", "net").code == 2
    assert {p.name: p.read_bytes() for p in (work / "net").iterdir()} == before


def test_an_unknown_model(capsys: Capture, work: Path) -> None:
    ran = run_cli(capsys, "compile", "resnet")
    lines = ran.err.splitlines()
    assert ran.code == 2
    assert lines[:2] == ["error: there is no such model", "  got:      'resnet'"]
    assert lines[2].startswith("  expected: a folder with a model.py (")
    assert lines[3] == (
        "  do:       did you mean 'cf_resnet19'? else check the name, or write a factory that returns your torch.nn.Module"
    )


@pytest.mark.parametrize(
    ("name", "got", "do"),
    [
        ("net", "a compiled model", "name the float model that it was compiled from, by its folder or its module:factory"),
        (".", "a folder without model.py", "name a folder with a model.py in it, or a function: package.module:factory"),
        ("mine/model.py", "the model.py of a folder", "name the folder that it lies in: mine"),
        ("nets.py", "a Python file", "name a function that returns your torch.nn.Module, such as nets:build"),
        ("nets", "a Python module", "name a function that returns your torch.nn.Module, such as nets:build"),
        ("w.pt", "a file of weights", "name what builds the module, its folder or module:factory, and give --weights w.pt"),
        ("a.onnx", "an ONNX file",
         "name the float model in torch that it was written from: ONNX files are written, not read"),
        ("x.npy", "a file", "check the name, or write a factory that returns your torch.nn.Module"),
    ],
)  # fmt: skip
def test_what_is_named_in_the_place_of_a_model_is_told(
    compiling: Compile, capsys: Capture, own_model: Path, name: str, got: str, do: str
) -> None:
    (own_model / "model.py").touch()
    assert compiling("build", "--out", "net").code == 0
    for file in ("w.pt", "a.onnx"):
        Path(file).write_bytes(b"")
    ran = run_cli(capsys, "compile", name)
    lines = ran.err.splitlines()
    assert (ran.code, lines[0], lines[1]) == (2, "error: there is no such model", f"  got:      '{name}', {got}")
    assert lines[-1] == f"  do:       {do}"


def test_a_folder_with_a_model(capsys: Capture, own_model: Path) -> None:
    from safetensors.torch import save_file

    weights = torch.nn.Sequential(snn2hw.nn.Linear(6, 5), snn2hw.nn.LIF(), snn2hw.nn.Linear(5, 3))
    save_file(weights.state_dict(), own_model / "weights.safetensors")
    ran = run_cli(capsys, "compile", "mine", "--out", "net")
    assert (ran.code, ran.err) == (0, "")
    loaded = snn2hw.load("net")
    assert loaded.network.steps == 3
    assert loaded.manifest["calibration"]["samples"] == 256
