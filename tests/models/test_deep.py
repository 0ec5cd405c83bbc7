"""The deep models: shapes, and every executor on them; scaled down in every test run, as they are among the slow ones."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

import snn2hw
from bench.deep import samples
from snn2hw import nn
from snn2hw.backends import EXECUTORS
from snn2hw.formats.sample import input_node
from snn2hw.formats.torch.read import from_torch
from snn2hw.nn import blocks
from snn2hw.passes.calibrate import products as products_of
from snn2hw.user_models import models_folder
from snn2hw.verification.verdict import Verdict
from tests.models.deep import NAMES, Deep, deep, source

pytestmark = pytest.mark.torch

EXECUTORS_HERE = ("reference", "torch", "fast", "onnxruntime")
SMALL: dict[str, dict[str, Any]] = {
    "lnm_resnet18-membrane": {"size": 8, "width": 0.125},
    "lnm_resnet18-spike": {"size": 8, "width": 0.125, "residual": "spike"},
    "cf_resnet19-membrane": {"size": 8, "width": 0.0625},
    "cf_resnet19-spike": {"size": 8, "width": 0.0625, "residual": "spike"},
    "lnm_sew_resnet34": {"size": 32, "width": 0.125, "classes": 10},
    "lnm_vgg_dvs": {"size": 16, "width": 0.125},
    "cf_spike_driven": {"size": 8, "width": 0.0625},
    "cf_spikformer": {"size": 8, "width": 0.0625},
}
FULL: dict[str, dict[str, Any]] = {
    "lnm_resnet18-membrane": {},
    "lnm_resnet18-spike": {"residual": "spike"},
    "cf_resnet19-membrane": {},
    "cf_resnet19-spike": {"residual": "spike"},
    "lnm_sew_resnet34": {},
    "lnm_vgg_dvs-48": {},
    "lnm_vgg_dvs-64": {"size": 64},
    "cf_spike_driven": {},
    "cf_spikformer": {},
}
QUICK = ("lnm_resnet18-membrane", "cf_resnet19-spike", "lnm_sew_resnet34", "lnm_vgg_dvs", "cf_spike_driven", "cf_spikformer")
SIZES = {  # parameters
    "lnm_resnet18": 11_174_098,
    "cf_resnet19": 12_698_596,
    "lnm_sew_resnet34": 21_797_960,
    "lnm_vgg_dvs": 9_268_858,
    "cf_spike_driven": 10_230_422,
    "cf_spikformer": 9_311_038,
}


def card_of(name: str) -> str:
    return (models_folder() / name / "card.md").read_text(encoding="utf-8")


def verified(made: Deep, executors: tuple[str, ...], count: int) -> Verdict:
    artefact = snn2hw.compile(made.module, made.samples, made.steps)
    verdict = snn2hw.verify(artefact, made.first(count), executors)
    assert verdict.equal
    assert set(verdict.compared) == set(executors) - {"reference"}
    return verdict


LATER = ("lnm_sew_resnet34", "cf_resnet19-spike")  # the others have their kinds of layers


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.slow) if c in LATER else c for c in QUICK])
def test_scaled_down_every_layer_fires_and_executors_agree(case: str) -> None:
    """Without the C, whose compilation takes ten times as long as all the rest."""
    made = deep(case.split("-", maxsplit=1)[0], 2, **SMALL[case])
    assert min(made.rates.values()) > 0
    verified(made, ("reference", "torch", "onnxruntime"), 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(FULL))
def test_as_it_is_every_layer_fires_and_every_executor_agrees(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = deep(case.split("-", maxsplit=1)[0], 2, **FULL[case])
    with capsys.disabled():
        print(f"\n{case}:", ", ".join(f"{path} {rate:.4f}" for path, rate in made.rates.items()))
    assert min(made.rates.values()) > 0
    verdict = verified(made, EXECUTORS_HERE, 2)
    if not FULL[case]:
        assert f"{verdict.compared['fast']:,} integers" in card_of(case.split("-", maxsplit=1)[0])


@pytest.mark.slow
@pytest.mark.parametrize("case", list(FULL))
def test_as_it_is_in_the_reference_implementation_of_onnx(case: str) -> None:
    """Minutes each: it has no compiled convolution."""
    verified(deep(case.split("-", maxsplit=1)[0], 2, **FULL[case]), ("reference", "onnx-reference"), 2)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["lnm_resnet18-membrane", "lnm_resnet18-spike", "cf_spike_driven"])
def test_in_lava(case: str) -> None:
    if reason := snn2hw.backends.SIDE_EXECUTORS["lava"].unavailable():
        pytest.skip(reason)
    verified(deep(case.split("-", maxsplit=1)[0], 2, **SMALL[case]), ("reference", "lava"), 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_size_is_that_of_the_architecture(name: str) -> None:
    model = source(name)
    with torch.device("meta"):
        module, fixed = model.build(), model.build(surrogate_widths="fixed")
    assert sum(p.numel() for p in module.parameters()) == SIZES[name]
    neurons = [m for m in module.modules() if isinstance(m, nn.Neuron) and not isinstance(m, blocks.Gate)]
    assert len({id(n.surrogate) for n in neurons}) == len(neurons) > 7
    assert all(n.surrogate.log_width is not None and n.surrogate.steps == model.STEPS for n in neurons)
    learned = len(neurons) * model.STEPS
    assert sum(p.numel() for p in fixed.parameters()) == SIZES[name] - learned
    assert not any("log_width" in key for key in fixed.state_dict())
    assert len((models_folder() / name / "model.py").read_text().splitlines()) < 200


@pytest.mark.parametrize("name", NAMES)
def test_every_model_has_a_card_that_says_what_was_run(name: str) -> None:
    card, model = card_of(name), source(name)
    shape = {k: p.default for k, p in inspect.signature(model.build).parameters.items()}
    x, steps = samples(model, 1, shape["channels"], shape["size"])
    products = products_of(from_torch(model.build(), *input_node(x, steps, None)))
    assert f"{SIZES[name]:,}" in card
    assert f"{products / 1e9:.2f} G for a sample and step, {products * model.STEPS / 1e9:.1f} G for a sample" in card
    assert "Not run" in card
    assert "no published accuracy" in card
    assert f"python -m bench.deep {name} --samples 2 --verify 2" in card


def test_width_scales_channels_and_the_head_follows() -> None:
    model = source("lnm_vgg_dvs")
    module = model.build(classes=7, channels=1, size=32, width=0.0625, steps=2)
    assert module(torch.zeros(2, 1, 1, 32, 32)).shape == (2, 1, 7)


def test_models_import_what_users_have() -> None:
    """Nothing from tests or bench, and no absolute path to a neighbour."""
    for name in NAMES:
        tree = ast.parse((models_folder() / name / "model.py").read_text())
        imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert all(m.split(".")[0] in ("__future__", "collections", "functools", "snn2hw", "torch") for m in imported)


def test_a_network_is_verified_in_batches_that_fit_the_memory() -> None:
    assert "fast" in EXECUTORS
    shown: list[tuple[str, int, int]] = []
    made = deep("lnm_resnet18", 3, size=8, width=0.125)
    artefact = snn2hw.compile(made.module, made.samples, made.steps)

    def batches() -> Any:
        x: Tensor
        for x in made.samples.split(2):
            yield x.numpy()

    verdict = snn2hw.verify(artefact, batches(), ("torch",), progress=lambda *call: shown.append(call))
    assert verdict.samples == 3
    assert verdict.equal
    assert [done for _, done, _ in shown] == [2, 4, 5, 6]


def test_nn_repeat_is_what_static_samples_are_shown_with() -> None:
    made = deep("cf_resnet19", 1, size=8, width=0.0625)
    with torch.no_grad():
        logits = made.module(nn.repeat(made.samples, 4))
    assert logits.shape == (4, 1, 10)
