"""Models that cannot be read, and packages that are missing: each one clear error, nothing written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from tests.cli.running import Capture, Compile, listing, refusal  # noqa: E402
from tests.cli.running import run as run_cli  # noqa: E402

pytestmark = pytest.mark.torch

EMPTY = ["nets.py", "x.npy"]


def test_a_model_without_weights(capsys: Capture, own_model: Path) -> None:
    refusal(
        run_cli(capsys, "compile", "mine", "--out", "net"),
        "there are no weights\n  where:    mine/weights.safetensors\n  got:      no such file\n  expected: weights.safetensors\n"
        "  do:       train the model first, or give --weights FILE",
    )
    assert not Path("net").exists()


def test_weights_that_cannot_be_read(capsys: Capture, own_model: Path) -> None:
    (own_model / "weights.safetensors").write_bytes(b"garbage")
    refusal(
        run_cli(capsys, "compile", "mine", "--out", "net"),
        "the weights cannot be read\n  where:    mine/weights.safetensors\n"
        "  got:      its header is cut off, or this is no safetensors file\n"
        "  expected: safetensors, or a .pt, .pth or .ckpt of torch.save(model.state_dict(), file)\n"
        "  do:       write the file again, with the ending of its format",
    )


def test_weights_that_are_an_archive_of_something_else(capsys: Capture, own_model: Path) -> None:
    with ZipFile("w.pt", "w") as archive:
        archive.writestr("readme.txt", "no weights")
    refusal(
        run_cli(capsys, "compile", "mine", "--weights", "w.pt", "--out", "net"),
        "the weights cannot be read\n  where:    w.pt\n  got:      a zip archive of something else: readme.txt\n"
        "  expected: torch.save(model.state_dict(), file)\n"
        "  do:       check the path: torch.save writes a data.pkl into its archives",
    )


def test_weights_that_do_not_fit(capsys: Capture, own_model: Path) -> None:
    from safetensors.torch import save_file

    save_file({"0.weight": torch.zeros(5, 6), "9.bias": torch.zeros(2)}, own_model / "weights.safetensors")
    ran = run_cli(capsys, "compile", "mine", "--out", "net")
    assert ran.code == 2
    assert ran.err.splitlines()[:2] == ["error: the weights do not fit the model", "  where:    mine/weights.safetensors"]
    assert "missing: " in ran.err
    assert "not of this model: 9.bias" in ran.err
    assert ran.err.splitlines()[-1] == "  do:       give the file that belongs to it, or build the model as it was trained"


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


PATH = "where:    mine/model.py"
RUNS = "expected: Python that imports\n  do:       check that `python mine/model.py` works"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "import not_installed",
            f"a file of the model cannot be run\n  {PATH}\n"
            f"  got:      ModuleNotFoundError: No module named 'not_installed'\n  {RUNS}",
        ),
        (
            "syntax error",
            f"a file of the model cannot be run\n  {PATH}\n  got:      SyntaxError: invalid syntax (model.py, line 1)\n  {RUNS}",
        ),
        (
            "STEPS = 3",
            f"a model.py lacks what compiling needs\n  {PATH}\n  got:      no build, train_data\n"
            "  expected: build(), STEPS, train_data()\n"
            "  do:       define them in model.py: build() returns the module, STEPS is T, train_data() returns (samples, labels)",
        ),
        (
            "import torch\nSTEPS, build = 3, lambda: 7\ntrain_data = lambda: None",
            "the model is no torch.nn.Module\n  where:    mine/model.py\n  got:      int\n"
            "  expected: a torch.nn.Module, or from a factory (module, sample)\n  do:       return the module itself",
        ),
    ],
)
def test_a_model_file_that_is_wrong(capsys: Capture, own_model: Path, source: str, text: str) -> None:
    (own_model / "model.py").write_text(source)
    refusal(run_cli(capsys, "compile", "mine", "--out", "net"), text)
    assert not Path("net").exists()


def test_a_model_brings_its_calibration_samples(own_model: Path) -> None:
    """They are taken in place of what train_data() gives; a file that holds something else is refused."""
    from safetensors.torch import save_file

    from snn2hw.user_models import find_model, load_source

    save_file(load_source(own_model / "model.py").build().state_dict(), own_model / "weights.safetensors")
    assert find_model("mine").sample is not None
    brought = np.random.default_rng(5).random((7, 6), np.float32)
    np.savez(own_model / "calibration.npz", samples=brought)
    assert np.array_equal(find_model("mine").sample, brought)  # type: ignore[arg-type]
    assert find_model("mine", sampled=False).sample is None
    np.savez(own_model / "calibration.npz", x=brought)
    with pytest.raises(snn2hw.errors.Snn2hwError, match="this file has no array 'samples'"):
        find_model("mine")
