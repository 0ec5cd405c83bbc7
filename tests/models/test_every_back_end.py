"""The models that come with weights, on every back end: every spike, state and readout of stored samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.user_models import CALIBRATION, Model, find_model, load_source, models_folder
from tests.models.test_recorded import FILES
from tests.shared_data import VARIABLE, shared_data

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning"),  # silent neurons, membranes at a bound
]

STORED = sorted(p.parent.name for p in models_folder().glob("*/weights.safetensors"))
CALIBRATED = [name for name in STORED if (models_folder() / name / CALIBRATION).is_file()]
OTHERS = ["mnist_lif"]  # which is calibrated on its data
LARGE = {"onnx-reference": 1, "lava": 1, "rtl": 1}  # samples, where an executor is slow


def compiled(name: str) -> tuple[Model, Artefact]:
    found = find_model(name)
    options = getattr(found.source, "OPTIONS", snn2hw.Options())
    return found, snn2hw.compile(found.module, found.sample, found.steps, options=options, layout=_layout(found))


def _layout(found: Model) -> str | None:
    return None if found.steps else "TN"


@pytest.mark.parametrize("executor", [*(e for e in EXECUTORS if e != "reference"), *SIDE_EXECUTORS])
@pytest.mark.parametrize("name", [*CALIBRATED, *OTHERS])
def test_every_integer_is_that_of_the_reference(name: str, executor: str) -> None:
    if reason := (EXECUTORS | SIDE_EXECUTORS)[executor].unavailable():
        pytest.skip(reason)
    if name in OTHERS:
        shared_data("real/mnist_part.npz")
    found, artefact = compiled(name)
    assert found.sample is not None
    count = LARGE.get(executor, 8)
    some: Any = found.sample[:count] if found.steps else found.sample[:, :count]
    verdict = snn2hw.verify(artefact, some, ("reference", executor), layout=_layout(found))
    assert verdict.equal
    assert verdict.compared[executor] > 500


@pytest.mark.parametrize("name", CALIBRATED)
def test_it_compiles_without_its_data(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    _, artefact = compiled(name)
    assert artefact.network.nodes


@pytest.mark.parametrize("name", CALIBRATED)
def test_stored_samples_are_those_that_the_training_was_calibrated_on(name: str) -> None:
    source, stored = load_source(models_folder() / name / "model.py"), find_model(name).sample
    plan = load_source(models_folder() / name / "train.py").PLAN
    shared_data(FILES[name])
    assert stored is not None
    assert torch.equal(torch.as_tensor(stored), plan.shown(source.train_data()[0]))
