"""One training: floats, integers after it, a training on the integers; every integer compared on every executor."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import snn2hw
from bench.custom.nets import PLANS, TARGET, Case, Plan, build
from snn2hw import nn, train
from snn2hw.files.write import write_file
from snn2hw.quantize import Prepared, prepare

CALIBRATION = 256
EXECUTORS = ("reference", "fast", "onnxruntime", "torch")


def run(case: Case) -> dict[str, Any]:
    """Everything that is known of one training, as JSON holds it; accuracies are of all test samples, 0..1."""
    torch.set_num_threads(1)
    plan = PLANS[case.task]
    (x, y), (test, labels) = plan.load("train"), plan.load("test")
    begun = time.perf_counter()
    model = build(case)
    _fit(model, plan, case, plan.recipe, (x, y))
    found: dict[str, Any] = {
        "task": case.task,
        "variant": case.variant,
        "seed": case.seed,
        "share": case.share,
        "samples": {"train": len(y), "test": len(labels)},
        "parameters": sum(p.numel() for p in model.parameters()),
        "neuron parameters": sum(p.numel() for m in _neurons(model).values() for p in m.parameters()),
        "learned": {path: _learned(m) for path, m in _neurons(model).items()},
        "float": train.evaluate(model, (test, labels)),
        "float seconds": time.perf_counter() - begun,
        "rates": _rates(model, test.transpose(0, 1)),
    }
    sample, shown = x[:CALIBRATION].transpose(0, 1), test.transpose(0, 1)
    model.eval()
    _integers(found, "PTQ", snn2hw.compile(model, sample, None, TARGET), shown, labels)
    prepared, since = prepare(model, sample, TARGET), time.perf_counter()
    _fit(prepared, plan, case, plan.again, (x, y))
    found["QAT seconds"] = time.perf_counter() - since
    artefact = snn2hw.compile(prepared)
    _integers(found, "QAT", artefact, shown, labels)
    found["compared"]["trained forward"], found["different"]["trained forward"] = _trained(prepared, artefact, shown)
    found["seconds"] = time.perf_counter() - begun
    return found


def keep(case: Case, file: Path, commit: str) -> None:
    """`run`, written to a file aside and then renamed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps({**run(case), "commit": commit}, indent=1).encode(), force=True)


def _fit(model: torch.nn.Module, plan: Plan, case: Case, recipe: train.Recipe, samples: tuple[Tensor, Tensor]) -> None:
    epochs = max(1, round(recipe.epochs * case.share))
    train.fit(model, samples, recipe=replace(recipe, epochs=epochs), seed=case.seed, device="cpu", progress=False)


def _integers(found: dict[str, Any], how: str, artefact: snn2hw.Artefact, shown: Tensor, labels: Tensor) -> None:
    """The accuracy of the reference, and how many integers each other executor has compared with it and got wrong."""
    trace = snn2hw.simulate(artefact, shown, executor="reference", traces=False)
    found[how] = float(np.mean(trace.predictions == labels.numpy()))
    verdict = snn2hw.verify(artefact, shown, executors=EXECUTORS)
    assert not verdict.not_run, verdict.not_run
    for name, n in verdict.compared.items():
        found.setdefault("compared", {})[f"{how}, {name}"] = n
        found.setdefault("different", {})[f"{how}, {name}"] = verdict.different.get(name, 0)


def _trained(model: Prepared, artefact: snn2hw.Artefact, shown: Tensor) -> tuple[int, int]:
    """(integers compared, how many differ): every spike, state and readout of the trained forward against the reference's."""
    a, b = snn2hw.simulate(artefact, shown, executor="reference").arrays(), model.trace(shown).arrays()
    assert a.keys() == b.keys()
    return sum(v.size for v in a.values()), sum(int((v != b[k]).sum()) for k, v in a.items())


def _neurons(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    return {path: m for path, m in model.named_modules() if isinstance(m, nn.Neuron | nn.CustomNeuron)}


def _learned(neuron: torch.nn.Module) -> dict[str, list[float]]:
    """Least, mean and largest of every parameter of the neurons; of an LNM per coefficient."""
    columns = {
        f"{name}[{n}]" if p.ndim > 1 else name: column
        for name, p in neuron.named_parameters()
        for n, column in enumerate(p.detach().reshape(len(p), -1).unbind(1))
    }
    return {name: [float(f(c)) for f in (torch.min, torch.mean, torch.max)] for name, c in columns.items()}


@torch.no_grad()
def _rates(model: torch.nn.Module, x: Tensor) -> dict[str, float]:
    with nn.observe(model.eval()) as seen:
        model(x)
    return {path: float(layer.rate.mean()) for path, layer in seen.items()}
