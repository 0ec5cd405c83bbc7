"""Bad input to `snn2hw compile`: each one clear error, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw.target import target_names, targets_folder  # noqa: E402
from tests.cli.running import Compile, listing, refusal  # noqa: E402

pytestmark = pytest.mark.torch

EMPTY = ["nets.py", "x.npy"]
SUPPORTED = (
    "AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, "
    "CustomNeuron, Dropout, Flatten, Identity, Linear, MaxPool1d, MaxPool2d, Neuron, Recurrent, Upsample, Sequential, "
    "custom modules of these, x + y, x - y, x * y and x @ y * factor of spikes, torch.cat, constants, reshape, transpose, "
    "flatten(2), mean(0), sum(0), x[-1]"
)
TEMPORAL = "leave out steps where it is [T, N, ...], temporal samples"
RETURNS = "expected: a torch.nn.Module, or (module, sample)"
FINITE = "expected: finite numbers\n  do:       train again with a smaller learning rate, or load another checkpoint"

MODELS = {
    "unsupported": (
        "GELU has no integer meaning here\n  where:    1\n  got:      torch.nn.modules.activation.GELU\n"
        f"  expected: {SUPPORTED}\n  do:       replace it with a supported layer, or write it as a custom module of these"
    ),
    "control_flow": (
        "the model's forward cannot be traced\n  where:    Undecided, nets.py:27 (forward)\n"
        "  got:      symbolically traced variables cannot be used as inputs to control flow\n"
        "  expected: a forward without control flow or indexing that depends on tensor values\n"
        f"  do:       move the decision out of forward, or build the model from layers: {SUPPORTED}"
    ),
    "mismatch": (
        "the number of features does not fit the weights\n  where:    2 (Linear)\n"
        "  got:      [5]; the sample [9, 6] was read as [N, ...]: 9 samples [6], each shown 4 times\n  expected: [4]\n"
        f"  do:       check the layer before it, or the shape of the sample; {TEMPORAL}"
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
        "  do:       check that `python -c 'import nets; nets.fails()'` works in this folder"
    ),
    "nothing": (
        "the module has no such function\n  where:    nets:nothing\n  got:      'nothing'\n"
        "  expected: layers, build, with_sample, unsupported, Undecided, control_flow, mismatch, nan_weights and 6 more\n"
        "  do:       name one of these"
    ),
    "biuld": (
        "the module has no such function\n  where:    nets:biuld\n  got:      'biuld'\n"
        "  expected: layers, build, with_sample, unsupported, Undecided, control_flow, mismatch, nan_weights and 6 more\n"
        "  do:       did you mean 'build'? else name one of these"
    ),
    "number": (
        "the model is no torch.nn.Module\n  where:    nets:number\n  got:      int\n"
        "  expected: a torch.nn.Module, or from a factory (module, sample)\n  do:       return the module itself"
    ),
    "three": (
        f"the factory returns something else\n  where:    nets:three\n  got:      3 values\n  {RETURNS}\n"
        "  do:       return the module, or the module and a sample"
    ),
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
        "the number of features does not fit the weights\n  where:    0 (Linear)\n"
        "  got:      [5]; the sample [3, 5] was read as [N, ...]: 3 samples [5], each shown 4 times\n  expected: [6]\n"
        f"  do:       check the layer before it, or the shape of the sample; {TEMPORAL}",
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
            ("--target", "truesouth"),
            "unknown target\n  got:      'truesouth'\n"
            f"  expected: {', '.join(target_names())}\n"
            "  do:       did you mean 'truenorth'? else "
            "name one of these, or the path of a TOML file of your own (see `snn2hw targets`)",
        ),
        (
            ("--stop-after", "optimise"),
            "unknown pass\n  got:      'optimise'\n  expected: fold, capacity, calibrate, quantise, lower, narrow, legalise\n"
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
        (
            ("--scales", "row"),
            "unknown kind of scales\n  got:      'row'\n  expected: auto, layer or channel\n  do:       name one of these",
        ),
        (
            ("--weights", "w.safetensors"),
            "there are no weights\n  where:    w.safetensors\n  got:      no such file\n  expected: a file of weights\n"
            "  do:       check the path",
        ),
    ],
)
def test_options_that_are_refused(compiling: Compile, work: Path, more: tuple[str, ...], text: str) -> None:
    out = () if "--stop-after" in more else ("--out", "net")
    refusal(compiling("build", *out, *more), text)
    assert listing(work) == EMPTY


@pytest.mark.parametrize("steps", [0, -3])
def test_impossible_steps(compiling: Compile, work: Path, steps: int) -> None:
    ran = compiling("build", f"--steps={steps}", "--out", "net", steps=None)
    refusal(
        ran,
        f"steps is no number of steps\n  where:    steps\n  got:      {steps}\n"
        "  expected: 1, 2, 3, ...; none for temporal samples [T, N, ...]\n"
        "  do:       give steps=T (--steps T): how often a static sample is shown",
    )


def test_a_network_that_does_not_fit_the_target(compiling: Compile, work: Path) -> None:
    refusal(
        compiling("build", "--target", "loihi1", "--out", "net"),
        "the network does not fit the target 'loihi1'\n"
        "  got:      input: synapses read 8 bits of it, a spike of the target carries 1; "
        "show events: samples [T, N, ...] of 0 and 1 in place of images or counts\n"
        "            1 (LNM): reset='subtract', the target can do value\n"
        "            1 (LNM): strict=False, the target compares strict\n"
        "  expected: Intel Loihi: LIF in fixed function, 24-bit states, binary spikes\n"
        "  do:       change these layers, or choose another target (`snn2hw targets` lists them)",
    )
    assert listing(work) == EMPTY


TOML = {
    "missing field": (
        lambda t: "\n".join(line for line in t.splitlines() if not line.startswith("state_bits")),
        "a target file lacks 'state_bits'\n  where:    mine.toml [lowering]\n  got:      no such field\n"
        "  expected: state_bits = {{ value, confidence, source }}\n"
        "  do:       copy the field from generic.toml (`snn2hw targets` says in which folder it is)",
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
