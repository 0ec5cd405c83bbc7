"""What a user gets from the wheel: load, simulate and verify without torch; with torch the models that bring their samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.user_models import CALIBRATION, find_model, models_folder
from tests.clean_environment import build_wheel, linked_environment, run
from tests.shared_data import VARIABLE
from tests.small_networks import two_layer_network

SCRIPT = """
import importlib.util, pathlib, numpy as np, snn2hw
assert importlib.util.find_spec("torch") is None, "this environment must be without torch"
assert "site-packages" in snn2hw.__file__, snn2hw.__file__
artefact = snn2hw.load("artefact")
images = np.load("images.npy")
trace = snn2hw.simulate(artefact, images, executor="onnx-reference")
verdict = snn2hw.verify(artefact, images, executors=("reference", "onnx-reference"))
made = snn2hw.export(artefact, "c", "folder")
assert sorted(p.name for p in made.path.iterdir()) == [
    "Makefile", "README.md", "main.c", "manifest.json", "snn.c", "snn.h", "vectors.h", "weights.h"
]
from snn2hw.user_models import models_folder  # the models that come with it, and that it is typed
assert (models_folder() / "digits_lnm" / "weights.safetensors").is_file()
assert "site-packages" in str(models_folder()), models_folder()
assert (pathlib.Path(snn2hw.__file__).parent / "py.typed").is_file()
from snn2hw.backends.c.to_c import to_c  # what the executor fast compiles: templates are in the wheel
assert "dense_" in to_c(artefact.network, True).text
from snn2hw.certificate.engine import TEMPLATES  # and what tries every value of a state
assert (TEMPLATES / "enumerate.c").is_file()
from snn2hw.neurons.in_c import LAYER, forwards  # and what training kernels are made of
from snn2hw.neurons.library import Member, equation
from snn2hw.neurons.plan import planned
assert "run(" in forwards(planned(equation(Member(1)), frozenset(), True), (LAYER,) * 3, False).text
print(verdict.equal, verdict.different, trace.predictions.tolist())
"""


def test_wheel_loads_simulates_and_verifies_without_torch(tmp_path: Path) -> None:
    network, images = two_layer_network()
    made = snn2hw.compile(network, images, steps=3, target="loihi2", out=tmp_path / "artefact")
    np.save(tmp_path / "images.npy", images)
    python = linked_environment(tmp_path / "env", build_wheel(tmp_path))
    output = run([str(python), "-c", SCRIPT], cwd=tmp_path)
    expected = snn2hw.simulate(made, images).predictions.tolist()
    assert output.strip() == f"True {{'onnx-reference': 0}} {expected}"
    assert "loihi2" in run([str(python.parent / "snn2hw"), "targets"], cwd=tmp_path)
    run(
        [str(python.parent / "snn2hw"), "verify", "artefact", "--executors", "reference,onnx-reference,torch"],
        cwd=tmp_path,
        expect=3,
    )
    assert run([str(python), "-m", "snn2hw", "--version"], cwd=tmp_path) == f"{snn2hw.__version__}\n"
    missing = run([str(python.parent / "snn2hw"), "compile", "digits_lnm"], cwd=tmp_path, expect=2)
    assert missing == ""


@pytest.mark.torch
@pytest.mark.slow
def test_a_model_that_brings_its_samples_compiles_from_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights, its samples and the files of models/ that it imports are in the wheel; its data set is nowhere."""
    python = linked_environment(tmp_path / "env", build_wheel(tmp_path), "torch")
    (installed,) = tmp_path.glob("env/lib/python3*/site-packages/snn2hw/models")
    bringing = sorted(p.parent.name for p in models_folder().glob(f"*/{CALIBRATION}"))
    assert bringing == sorted(p.parent.name for p in installed.glob(f"*/{CALIBRATION}"))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    run([str(python.parent / "snn2hw"), "compile", "fashion_lnm", "--out", "net"], cwd=tmp_path)
    found = find_model("fashion_lnm")
    snn2hw.compile(found.module, found.sample, found.steps, out=tmp_path / "here")
    assert (tmp_path / "net" / "model.onnx").read_bytes() == (tmp_path / "here" / "model.onnx").read_bytes()
