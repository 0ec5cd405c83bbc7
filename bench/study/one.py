"""One training of the study: floats, integers after it, and a training on the integers; every integer checked."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import snn2hw
from bench.study.nets import PLANS, TARGET, VARIANTS, Case, Plan, build
from snn2hw import nn, train
from snn2hw.data import task
from snn2hw.files.write import write_file
from snn2hw.quantize import Prepared, prepare
from snn2hw.trace import Trace

CALIBRATION = 256


def run(case: Case) -> dict[str, Any]:
    """Everything that is known of one training, as JSON holds it; accuracies are of the 360 test samples, 0..1."""
    torch.set_num_threads(1)
    plan, variant, begun = PLANS[case.task], VARIANTS[case.variant], time.perf_counter()
    data, test = task(case.task, "train"), task(case.task, "test")
    model = build(case)
    _fit(model, plan, case, variant.balance, plan.recipe)
    accuracy = train.evaluate(model, test, plan.steps if plan.static else None)
    found: dict[str, Any] = {
        "task": case.task,
        "variant": case.variant,
        "seed": case.seed,
        "share": case.share,
        "parameters": sum(p.numel() for p in model.parameters()),
        "neuron parameters": sum(p.numel() for m in model.modules() if isinstance(m, nn.Neuron) for p in m.parameters()),
        "float": accuracy,
        "rates": _rates(model, _stimulus(plan, test.samples)),
        "polynomials": {path: m.coefficients.detach().tolist() for path, m in _neurons(model)},
        "widths": {path: m.surrogate.width for path, m in _neurons(model)},
    }
    sample = data.samples[:CALIBRATION]
    for bits, recipe in plan.again.items():
        options = snn2hw.Options(weight_bits=bits)
        given = sample if plan.static else sample.transpose(0, 1)
        steps = plan.steps if plan.static else None
        after = snn2hw.compile(model, given, steps, TARGET, options=options)
        shown = test.samples if plan.static else test.samples.transpose(0, 1)
        found[f"PTQ {bits}"] = _right(snn2hw.simulate(after, shown, traces=False), test.labels)
        prepared = prepare(model, given, TARGET, steps=steps, options=options)
        _fit(prepared, plan, case, variant.balance, recipe)
        expected = snn2hw.simulate(snn2hw.compile(prepared), shown)
        found[f"QAT {bits}"] = _right(expected, test.labels)
        found[f"compared {bits}"], found[f"differing {bits}"] = _differing(prepared, plan, test.samples, expected)
    found["seconds"] = time.perf_counter() - begun
    return found


def keep(case: Case, file: Path, commit: str) -> None:
    """`run`, written to a file aside and then renamed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps({**run(case), "commit": commit}, indent=1).encode(), force=True)


def _fit(model: torch.nn.Module, plan: Plan, case: Case, balance: float, recipe: train.Recipe) -> None:
    epochs = max(1, round(recipe.epochs * case.share))
    train.fit(
        model,
        task(case.task, "train"),
        steps=plan.steps if plan.static else None,
        recipe=replace(recipe, epochs=epochs, balance=balance),
        seed=case.seed,
        device="cpu",
        progress=False,
    )


def _neurons(model: torch.nn.Module) -> list[tuple[str, nn.Neuron]]:
    return [(path, m) for path, m in model.named_modules() if isinstance(m, nn.Neuron)]


def _stimulus(plan: Plan, samples: torch.Tensor) -> torch.Tensor:
    """[T, N, ...]"""
    return nn.repeat(samples, plan.steps) if plan.static else samples.transpose(0, 1)


@torch.no_grad()
def _rates(model: torch.nn.Module, x: torch.Tensor) -> dict[str, float]:
    with nn.observe(model.eval()) as seen:
        model(x)
    return {path: float(layer.rate.mean()) for path, layer in seen.items()}


def _right(trace: Trace, labels: torch.Tensor) -> float:
    return float(np.mean(trace.predictions == labels.numpy()))


def _differing(model: Prepared, plan: Plan, samples: torch.Tensor, expected: Trace) -> tuple[int, int]:
    """(integers compared, how many differ): every spike, state and readout of the trained forward against the reference's."""
    a, b = expected.arrays(), model.trace(_stimulus(plan, samples)).arrays()
    assert a.keys() == b.keys()
    return sum(v.size for v in a.values()), sum(int((v != b[k]).sum()) for k, v in a.items())
