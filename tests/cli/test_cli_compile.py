from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw.target import targets_folder  # noqa: E402
from tests.cli.running import Ran, refusal  # noqa: E402
from tests.cli.running import run as run_cli  # noqa: E402
from tests.cli.test_cli import flat, listing, script  # noqa: E402

pytestmark = pytest.mark.torch

Capture = pytest.CaptureFixture[str]
Compile = Callable[..., Ran]
EMPTY = ["nets.py", "x.npy"]

NETS = """
import numpy as np
import torch
from snn2hw import nn

def layers(*more):
    torch.manual_seed(0)
    first = nn.Linear(6, 5)
    with torch.no_grad():
        first.weight.mul_(3)
    return torch.nn.Sequential(first, *more)

def build():
    return layers(nn.LNM(degree=3), nn.Linear(5, 3))

def with_sample():
    return build(), np.load("x.npy")

def unsupported():
    return layers(torch.nn.GELU(), nn.Linear(5, 3))

class Undecided(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)
    def forward(self, x):
        return self.fc(x) if x.sum() > 0 else x

def control_flow():
    return Undecided()

def mismatch():
    return layers(nn.LIF(), nn.Linear(4, 3))

def with_nan(parameter, value):
    made = build()
    with torch.no_grad():
        made.get_parameter(parameter).view(-1)[0] = value
    return made

def nan_weights():
    return with_nan("0.weight", float("nan"))

def inf_coefficients():
    return with_nan("1.a", float("inf"))

def wide():
    return with_nan("1.a", 1e12)

def fails():
    raise OSError("no disk")

def number():
    return 7

def three():
    return build(), np.load("x.npy"), 4

def sample_with_gradient():
    return build(), torch.full((2, 6), 0.5, requires_grad=True)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with nets.py and a sample."""
    (tmp_path / "nets.py").write_text(NETS)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((9, 6)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    sys.modules.pop("nets", None)
    yield tmp_path
    sys.modules.pop("nets", None)


@pytest.fixture
def compiling(work: Path, capsys: Capture) -> Compile:
    """`snn2hw compile nets:FACTORY --sample x.npy --steps 4` and what else is given."""

    def call(factory: str, *more: object, sample: object = "x.npy", steps: object = 4) -> Ran:
        given = [*(["--sample", sample] if sample else []), *(["--steps", steps] if steps else [])]
        return run_cli(capsys, "compile", f"nets:{factory}", *given, *more)

    return call


def test_compile_writes_an_artefact(compiling: Compile, work: Path) -> None:
    ran = compiling("build", "--out", "net", "--target", "loihi2", "--state-bits", 14, "--weight-bits", 6, "--scales", "layer")
    assert (ran.code, ran.err) == (0, "")
    shown = flat(ran.out)
    for name in ("fold", "calibrate", "quantise", "lower", "narrow", "legalise"):
        assert f"{name} " in shown
    assert "net: target loihi2, T = 4" in shown
    assert shown.endswith("written: net next: snn2hw verify net")
    loaded = snn2hw.load(work / "net")
    assert loaded.manifest["options"] == {"state_bits": 14, "weight_bits": 6, "scales": "layer"}
    assert loaded.network.target == "loihi2"
    assert snn2hw.verify(loaded, executors=("torch", "onnx-reference")).equal
    assert listing(work) == ["net", "net/manifest.json", "net/model.onnx", "net/step.onnx", "net/vectors.npz", *EMPTY]


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
    "fold": ("network real steps=4", "Neuron(name='1'", "coefficients=@"),
    "calibrate": ("network real steps=4", "Neuron(name='1'", "coefficients=@"),
    "quantise": ("network integer steps=4 target=generic", "UnloweredNeuron(name='1'", "format=s32."),
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


# bad input: each one clear error, exit code 2, nothing written


SUPPORTED = (
    "AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Identity, Linear, MaxPool2d, Neuron, Sequential, "
    "custom modules of these, x + y, flatten(2), mean(0)"
)
FINITE = "expected: finite numbers\n  do:       train again with a smaller learning rate, or load another checkpoint"

MODELS = {
    "unsupported": (
        "GELU has no integer meaning here\n  where:    1\n  got:      torch.nn.modules.activation.GELU\n"
        f"  expected: {SUPPORTED}\n  do:       replace it with a supported layer, or write it as a custom module of these"
    ),
    "control_flow": (
        "the model's forward cannot be traced\n  where:    Undecided\n"
        "  got:      symbolically traced variables cannot be used as inputs to control flow\n"
        "  expected: a forward without control flow or indexing that depends on tensor values\n"
        f"  do:       move the decision out of forward, or build the model from layers: {SUPPORTED}"
    ),
    "mismatch": (
        "the number of features does not fit the weights\n  where:    2 (Linear)\n  got:      [5]\n  expected: [4]\n"
        "  do:       check the layer before it, or the shape of the sample"
    ),
    "nan_weights": f"'weight' holds NaN or Inf\n  where:    0 (Linear)\n  got:      1 of 30 values\n  {FINITE}",
    "inf_coefficients": f"'coefficients' holds NaN or Inf\n  where:    1 (LNM)\n  got:      1 of 4 values\n  {FINITE}",
    "wide": (
        "the polynomial does not fit the target's accumulator\n  where:    1 (LNM)\n"
        "  got:      a_0 = 1e+12 lets |P(u)| reach 1e+12, which needs 55 bits at 13 fractional bits\n"
        "  expected: at most 48 bits\n"
        "  do:       train with a coefficient penalty or a smaller state_range (now 4), use fewer state bits or a wider target"
    ),
    "fails": (
        "the factory cannot be called\n  where:    nets:fails\n  got:      OSError: no disk\n"
        "  expected: a function without arguments\n"
        "  do:       check that `python -c 'import ...'` works in this folder"
    ),
    "nothing": (
        "the factory cannot be called\n  where:    nets:nothing\n"
        "  got:      AttributeError: module 'nets' has no attribute 'nothing'\n"
        "  expected: a function without arguments\n  do:       check that `python -c 'import ...'` works in this folder"
    ),
    "number": "the model is no torch.nn.Module\n  got:      int\n  expected: a torch.nn.Module",
}


@pytest.mark.parametrize("factory", MODELS)
def test_models_that_are_refused(compiling: Compile, work: Path, factory: str) -> None:
    ran = compiling(factory, "--out", "net")
    refusal(ran, MODELS[factory])
    assert listing(work) == EMPTY


def spoiled(value: float) -> Any:
    x = np.full((3, 6), 0.5)
    x[1, 2] = value
    return x


INPUTS = {
    "NaN": (
        spoiled(np.nan),
        "the sample holds NaN or Inf\n  where:    sample\n  got:      1 of 18 values\n"
        "  expected: finite numbers\n  do:       clean the data",
    ),
    "range": (
        spoiled(1.5),
        "the sample is outside its declared range\n  where:    sample\n  got:      0.5 to 1.5\n  expected: 0 to 1\n"
        "  do:       scale the samples, or give input_range=(lo, hi)",
    ),
    "axes": (
        np.zeros(6),
        "the sample has too few axes, or is empty\n  where:    sample\n  got:      [6]\n"
        "  expected: [N, ...] with steps, [T, N, ...] without\n"
        "  do:       give at least one sample, with its batch axis",
    ),
    "shape": (
        np.zeros((3, 5)),
        "the number of features does not fit the weights\n  where:    0 (Linear)\n  got:      [5]\n  expected: [6]\n"
        "  do:       check the layer before it, or the shape of the sample",
    ),
}


@pytest.mark.parametrize("which", INPUTS)
def test_samples_that_are_refused(compiling: Compile, work: Path, which: str) -> None:
    sample, text = INPUTS[which]
    np.save("x.npy", sample)
    refusal(compiling("build", "--out", "net"), text)
    assert listing(work) == EMPTY


def test_no_sample(compiling: Compile, work: Path) -> None:
    refusal(
        compiling("build", "--out", "net", sample=None),
        "the model states no calibration sample\n  expected: real samples\n"
        "  do:       give --sample FILE.npy, or let the factory return (model, sample)",
    )


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            ("--target", "truenorth"),
            "unknown target\n  got:      'truenorth'\n  expected: generic, loihi1, loihi2\n"
            "  do:       name one of these, or the path of a TOML file of your own (copy one from targets/)",
        ),
        (
            ("--stop-after", "optimise"),
            "unknown pass\n  got:      'optimise'\n  expected: fold, calibrate, quantise, lower, narrow, legalise\n"
            "  do:       name one of these",
        ),
        (
            ("--state-bits", "32"),
            "state_bits is out of range\n  got:      32\n  expected: 8 to 24\n  do:       choose a width in this range",
        ),
        (
            ("--weight-bits", "1"),
            "weight_bits is out of range\n  got:      1\n  expected: 2 to 8\n  do:       choose a width in this range",
        ),
        (("--scales", "row"), "unknown kind of scales\n  got:      'row'\n  expected: auto, layer or channel"),
        (
            ("--weights", "w.safetensors"),
            "there are no weights\n  where:    w.safetensors\n  got:      no such file\n  expected: weights.safetensors\n"
            "  do:       train the model first, or give --weights FILE",
        ),
    ],
)
def test_options_that_are_refused(compiling: Compile, work: Path, more: tuple[str, ...], text: str) -> None:
    refusal(compiling("build", "--out", "net", *more), text)
    assert listing(work) == EMPTY


@pytest.mark.parametrize("steps", [0, -3])
def test_impossible_steps(compiling: Compile, work: Path, steps: int) -> None:
    ran = compiling("build", f"--steps={steps}", "--out", "net", steps=None)
    refusal(ran, f"steps is no number of steps\n  got:      {steps}\n  expected: 1, 2, 3, ... or None for temporal samples")


def test_a_network_that_does_not_fit_the_target(compiling: Compile, work: Path) -> None:
    refusal(
        compiling("build", "--target", "loihi1", "--out", "net"),
        "the network does not fit the target 'loihi1'\n  got:      1 (LNM): reset='subtract', the target can do value\n"
        "            1 (LNM): strict=False, the target compares strict\n"
        "  expected: Intel Loihi: LIF in fixed function, 24-bit states, binary spikes\n"
        "  do:       change these layers, or choose another target (`snn2hw targets` lists them)",
    )
    assert listing(work) == EMPTY


TOML = {
    "missing field": (
        lambda t: "\n".join(line for line in t.splitlines() if not line.startswith("state_bits")),
        "a target file lacks 'state_bits'\n  where:    mine.toml [lowering]\n  got:      no such field\n"
        "  expected: state_bits = {{ value, confidence, source }}\n  do:       copy the field from targets/generic.toml",
    ),
    "impossible field": (
        lambda t: t.replace('rounding = { value = "floor"', 'rounding = { value = "up"'),
        "'rounding' is impossible\n  where:    mine.toml [lowering]\n  got:      'up'\n"
        "  expected: floor or toward_zero or half_up\n"
        "  do:       correct the value",
    ),
    "impossible width": (
        lambda t: t.replace("weight_bits = { value = 8", "weight_bits = { value = 9"),
        "'weight_bits' is impossible\n  where:    mine.toml [lowering]\n  got:      9\n  expected: a number of bits from 1 to 8\n"
        "  do:       correct the value",
    ),
    "no source": (
        lambda t: t.replace('source = "DSP48 accumulator"', 'source = ""'),
        "'accumulator_bits' must have a value, a confidence and a source\n  where:    mine.toml\n"
        "  got:      {{'value': 48, 'confidence': 'K', 'source': ''}}\n"
        '  expected: {{ value = ..., confidence = "F" | "P" | "K", source = "..." }}\n'
        "  do:       say where the number comes from",
    ),
    "no TOML": (
        lambda t: "= =",
        "a target file is not TOML\n  where:    mine.toml\n  got:      Invalid statement (at line 1, column 1)\n"
        "  do:       correct the line it names",
    ),
}


@pytest.mark.parametrize("which", TOML)
def test_a_target_file_of_ones_own_that_is_wrong(compiling: Compile, work: Path, which: str) -> None:
    edit, text = TOML[which]
    (work / "mine.toml").write_text(edit((targets_folder() / "generic.toml").read_text()))
    refusal(compiling("build", "--target", "mine.toml", "--out", "net"), text.format())
    assert listing(work) == ["mine.toml", *EMPTY]


def test_a_target_file_of_ones_own(compiling: Compile, work: Path) -> None:
    text = (
        (targets_folder() / "generic.toml")
        .read_text()
        .replace('name = "generic"', 'name = "mine"')
        .replace('"floor"', '"half_up"')
    )
    (work / "mine.toml").write_text(text)
    ran = compiling("build", "--target", "mine.toml", "--stop-after", "legalise")
    assert ran.out.splitlines()[0] == "network integer steps=4 target=mine"
    assert "rounding=half_up" in ran.out
    assert "rounding=floor" not in ran.out


@pytest.mark.parametrize(
    ("out", "text"),
    [
        (
            "x.npy",
            "the output folder holds something else\n  where:    x.npy\n  got:      files that are no artefact of snn2hw\n"
            "  expected: a new folder, an empty one, or an earlier artefact\n  do:       choose another folder",
        ),
        (
            "x.npy/deep/net",
            "the output folder cannot be written\n  where:    x.npy/deep/net\n  got:      Not a directory\n"
            "  do:       choose a folder you can write to",
        ),
    ],
)
def test_an_output_folder_that_cannot_be_written(compiling: Compile, work: Path, out: str, text: str) -> None:
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


# models


def test_an_unknown_model(capsys: Capture, work: Path) -> None:
    ran = run_cli(capsys, "compile", "resnet")
    lines = ran.err.splitlines()
    assert ran.code == 2
    assert lines[:2] == ["error: there is no such model", "  got:      'resnet'"]
    assert lines[2].startswith("  expected: a folder with a model.py (")
    assert lines[3] == "  do:       check the name, or write a factory that returns your torch.nn.Module"


MODEL_PY = """
import torch
from snn2hw import nn
STEPS = 3
def build():
    return torch.nn.Sequential(nn.Linear(6, 5), nn.LIF(), nn.Linear(5, 3))
def train_data():
    return torch.rand(300, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(300)
"""


@pytest.fixture
def own_model(work: Path) -> Path:
    (work / "mine").mkdir()
    (work / "mine" / "model.py").write_text(MODEL_PY)
    return work / "mine"


def test_a_folder_with_a_model(capsys: Capture, own_model: Path) -> None:
    from safetensors.torch import save_file

    weights = torch.nn.Sequential(snn2hw.nn.Linear(6, 5), snn2hw.nn.LIF(), snn2hw.nn.Linear(5, 3))
    save_file(weights.state_dict(), own_model / "weights.safetensors")
    ran = run_cli(capsys, "compile", "mine", "--out", "net")
    assert (ran.code, ran.err) == (0, "")
    loaded = snn2hw.load("net")
    assert loaded.network.steps == 3
    assert loaded.manifest["calibration"]["samples"] == 256


def test_a_model_without_weights(capsys: Capture, own_model: Path) -> None:
    refusal(
        run_cli(capsys, "compile", "mine", "--out", "net"),
        "there are no weights\n  where:    mine/weights.safetensors\n  got:      no such file\n  expected: weights.safetensors\n"
        "  do:       train the model first, or give --weights FILE",
    )
    assert not Path("net").exists()


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"garbage", "Error while deserializing header: "),
        ({"0.weight": [5, 6]}, "Error(s) in loading state_dict for Sequential:"),
    ],
)
def test_weights_that_do_not_fit(capsys: Capture, own_model: Path, data: Any, got: str) -> None:
    from safetensors.torch import save_file

    path = own_model / "weights.safetensors"
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        save_file({k: torch.zeros(v) for k, v in data.items()}, path)
    ran = run_cli(capsys, "compile", "mine", "--out", "net")
    lines = ran.err.splitlines()
    assert ran.code == 2
    assert lines[:2] == ["error: the weights do not fit the model", "  where:    mine/weights.safetensors"]
    assert lines[2].startswith(f"  got:      {got}")
    assert lines[3:] == [
        "  expected: weights of this model as safetensors",
        "  do:       train the model again, or give the file that belongs to it",
    ]


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_a_missing_package_says_which_extra(
    compiling: Compile, work: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == package else find(name, *a))
    refusal(
        compiling("build", "--out", "net"),
        f"loading a model needs the package '{package}', which is not installed\n  got:      no module named '{package}'\n"
        "  expected: snn2hw installed with its 'torch' extra\n  do:       pip install 'snn2hw[torch]'",
    )
    assert listing(work) == EMPTY


def test_the_demo_says_which_extra(capsys: Capture, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else find(name, *a))
    refusal(
        run_cli(capsys, "demo"),
        "the demo needs the package 'sklearn', which is not installed\n  got:      no module named 'sklearn'\n"
        "  expected: snn2hw installed with its 'demo' extra\n  do:       pip install 'snn2hw[demo]'",
    )
    assert listing(work) == EMPTY


def test_the_library_says_which_extra_too(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a))
    with pytest.raises(snn2hw.Snn2hwError, match=r"^reading a torch model needs the package 'torch', which is not installed\n"):
        snn2hw.trace_model(torch.nn.Linear(3, 2), np.zeros((1, 3)), 2)


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="what a factory returns is unpacked unchecked: 'this is a bug'")
@pytest.mark.parametrize("factory", ["three", "sample_with_gradient"])
def test_what_a_factory_returns_is_checked(compiling: Compile, factory: str) -> None:
    ran = compiling(factory, "--out", "net", sample=None)
    assert "this is a bug" not in ran.err


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="a model.py is run unguarded: 'this is a bug'")
@pytest.mark.parametrize("source", ["import not_installed", "STEPS = 3", "syntax error"])
def test_a_model_file_that_is_wrong(capsys: Capture, own_model: Path, source: str) -> None:
    (own_model / "model.py").write_text(source)
    ran = run_cli(capsys, "compile", "mine", "--out", "net")
    assert ran.code == 2
    assert "this is a bug" not in ran.err
