"""One training of the study: floats, integers after it, and a training on the integers; every integer checked."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import snn2hw
from bench.machine import processor
from bench.study.nets import PLANS, TARGET, VARIANTS, Case, Plan, Variant, build
from bench.study.sets import Part, parts
from snn2hw import nn, train
from snn2hw.errors import Snn2hwWarning
from snn2hw.files.write import write_file
from snn2hw.quantize import Prepared, prepare
from snn2hw.train.evaluation import evaluating, readout

CALIBRATION, WATCHED, COMPARED = 256, 500, 100  # samples
PRICES = "cmos-45nm"  # the target whose table prices what neurons do; the study's own publishes no prices
SET_OF = {"fsdd-recurrent": "fsdd"}  # of tasks that are not called like their data


def run(case: Case) -> dict[str, Any]:
    """Everything that is known of one training, as JSON holds it; accuracies are shares of the test part, 0..1."""
    torch.set_num_threads(1)
    plan, variant, begun = PLANS[case.task], VARIANTS[case.variant], time.process_time()
    data = parts(SET_OF.get(case.task, case.task))
    test, model = data["test"], build(case)
    best = _fit(model, plan, case, variant, plan.recipe)
    steps, shown = plan.steps if plan.static else None, _given(plan, test.samples)
    right = _right_in_floats(model, plan, test)
    found: dict[str, Any] = {
        "torch": torch.__version__,
        "processor": processor(),
        "target": TARGET,
        "architecture": plan.says,
        "epochs": {"floats": _epochs(plan.recipe, case), **{f"{b} bits": _epochs(r, case) for b, r in plan.again.items()}},
        "task": case.task,
        "variant": case.variant,
        "seed": case.seed,
        "share": case.share,
        "samples": {name: len(part) for name, part in data.items()},
        "looked at": {"rates": len(test.samples[:WATCHED]), "integers": len(test.samples[:COMPARED])},
        "parameters": sum(p.numel() for p in model.parameters()),
        "neuron parameters": sum(p.numel() for m in _layers(model) for p in m.parameters()),
        "epoch": best[0],
        "validation": best[1],
        "float": float(right.mean()),
        "right": np.packbits(right).tobytes().hex(),
        **_watched(model, _stimulus(plan, test.samples[:WATCHED])),
        "polynomials": {path: m.coefficients.detach().tolist() for path, m in _neurons(model)},
        "negative": {path: m.negative_amplitude for path, m in _neurons(model) if m.own_negative},
        "thresholds": {path: m.thresholds[0] for path, m in _neurons(model) if m.log_scale is not None},
        "widths": {path: m.surrogate.width for path, m in _neurons(model)},
    }
    given = _given(plan, data["train"].samples[:CALIBRATION])
    for bits, recipe in plan.again.items():
        options = snn2hw.Options(weight_bits=bits)
        after = snn2hw.compile(model, given, steps, TARGET, options=options, input_range=plan.input_range)
        found[f"PTQ {bits}"] = _right(after, shown, test.labels)
        prepared = prepare(model, given, TARGET, steps=steps, options=options, input_range=plan.input_range)
        _fit(prepared, plan, case, variant, recipe)
        trained = snn2hw.compile(prepared)
        found[f"QAT {bits}"] = _right(trained, shown, test.labels)
        found[f"compared {bits}"], found[f"differing {bits}"] = _differing(prepared, plan, test.samples[:COMPARED], trained)
        found[f"cost {bits}"] = _cost(trained, _given(plan, test.samples[:COMPARED]))
    found["seconds"] = time.process_time() - begun
    return found


def keep(case: Case, file: Path, commit: str) -> None:
    """`run`, written to a file aside and then renamed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)  # what they say is in the results: rates, what is at a bound, what is lost
        found = run(case)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps({**found, "commit": commit}, indent=1).encode(), force=True)


def _fit(model: torch.nn.Module, plan: Plan, case: Case, variant: Variant, recipe: train.Recipe) -> tuple[int, float]:
    """Train; the weights are those of the epoch that was best on what was held back, of equal ones the last.

    Returns:
        the number of that epoch, and its accuracy.
    """
    data = parts(SET_OF.get(case.task, case.task))
    best: list[Any] = [0, -1.0, {}]

    def keep_best(epoch: train.Epoch) -> None:
        if (epoch.validation or 0.0) >= best[1]:
            best[:] = epoch.number, epoch.validation or 0.0, {k: v.clone() for k, v in model.state_dict().items()}

    train.fit(
        model,
        (data["train"].samples, data["train"].labels),
        (data["validation"].samples, data["validation"].labels),
        steps=plan.steps if plan.static else None,
        recipe=replace(recipe, epochs=_epochs(recipe, case), **variant.recipe),
        seed=case.seed,
        device="cpu",
        progress=False,
        on_epoch=keep_best,
    )
    model.load_state_dict(best[2])
    return best[0], best[1]


def _epochs(recipe: train.Recipe, case: Case) -> int:
    return max(1, round(recipe.epochs * case.share))


def _layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    return [m for m in model.modules() if isinstance(m, nn.Neuron | nn.CustomNeuron)]


def _neurons(model: torch.nn.Module) -> list[tuple[str, nn.Neuron]]:
    return [(path, m) for path, m in model.named_modules() if isinstance(m, nn.Neuron)]


def _given(plan: Plan, samples: torch.Tensor) -> torch.Tensor:
    """As `compile` takes them: [N, ...], or [T, N, ...]."""
    return samples if plan.static else samples.transpose(0, 1)


def _stimulus(plan: Plan, samples: torch.Tensor) -> torch.Tensor:
    """[T, N, ...]"""
    return nn.repeat(samples, plan.steps) if plan.static else samples.transpose(0, 1)


@torch.no_grad()
def _watched(model: torch.nn.Module, x: torch.Tensor) -> dict[str, dict[str, float]]:
    """By layer: spikes of a neuron and step, and the share of membranes at a bound in the step that has most of them."""
    with nn.observe(model.eval()) as seen:
        model(x)
    rates = {path: float(layer.rate.mean()) for path, layer in seen.items()}
    return {"rates": rates, "at a bound": {path: float(layer.saturated.max()) for path, layer in seen.items()}}


def _cost(trained: snn2hw.Artefact, given: torch.Tensor) -> dict[str, float]:
    """What a sample costs: operations, and least and most energy in joules by a table of single operations."""
    cost = snn2hw.estimate(trained, PRICES, given)
    counts, joules = cost.operations, cost.energy_joules
    assert joules is not None
    synaptic = counts["SynapticOperations"]
    return {
        "additions": synaptic["Effective_ACs"],
        "products": synaptic["Effective_MACs"],
        "updates": counts["MembraneUpdates"],
        "instructions": counts["NeuronInstructions"],
        "least": joules.low,
        "most": joules.high,
    }


@torch.no_grad()
def _right_in_floats(model: torch.nn.Module, plan: Plan, part: Part) -> NDArray[np.bool_]:
    """Which samples the float model is right on, [N]; a logit that is no number would be right on class 0."""
    right = list[NDArray[np.bool_]]()
    with evaluating(model):
        for at in range(0, len(part), WATCHED):
            logits = readout(model, _stimulus(plan, part.samples[at : at + WATCHED]))
            assert torch.isfinite(logits).all()
            right.append((logits.argmax(1) == part.labels[at : at + WATCHED]).numpy())
    return np.concatenate(right)


def _right(artefact: snn2hw.Artefact, samples: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of samples that the integers are right on. All back ends (executors) have the same integers, and the
    compiled one, where there is a C compiler, is the fastest."""
    found = snn2hw.simulate(artefact, samples, "auto", traces=False)
    return float(np.mean(found.predictions == labels.numpy()))


def _differing(model: Prepared, plan: Plan, samples: torch.Tensor, trained: snn2hw.Artefact) -> tuple[int, int]:
    """(integers compared, how many differ): every spike, state and readout of the trained forward against the reference's."""
    expected = snn2hw.simulate(trained, _given(plan, samples), executor="reference")
    a, b = expected.arrays(), model.trace(_stimulus(plan, samples)).arrays()
    assert a.keys() == b.keys()
    return sum(v.size for v in a.values()), sum(int((v != b[k]).sum()) for k, v in a.items())
