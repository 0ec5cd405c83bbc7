"""Results of the study, made by hand."""

from __future__ import annotations

from bench.study.figures import Result
from bench.study.nets import PLANS, VARIANTS

COST = {"additions": 1000.4, "products": 20.0, "updates": 300.0, "instructions": 4000.0, "least": 1e-9, "most": 7e-9}
FIRST = tuple(PLANS)[:2]  # the tasks of the digits, whose data come with scikit-learn


def result(task: str, variant: str, seed: int, accuracy: float, lost: float = 0.0) -> Result:
    layers = ["2", "6"]
    integers = {f"{how} {bits}": accuracy - lost for how in ("PTQ", "QAT") for bits in (8, 4)}
    counts = {f"{what} {bits}": n for bits in (8, 4) for what, n in (("compared", 10), ("differing", 0))}
    widths = [1.0] * PLANS[task].steps if VARIANTS[variant].learned else 1.0
    return {
        "commit": "abc", "task": task, "variant": variant, "seed": seed, "float": accuracy, **integers, **counts, "seconds": 1.0,
        "parameters": 100, "neuron parameters": 2, "rates": dict.fromkeys(layers, 0.25), "at a bound": dict.fromkeys(layers, 0.5),
        "polynomials": {n: [[0.0, 0.5, 0.1, 0.0]] for n in layers}, "widths": dict.fromkeys(layers, widths), "negative": {},
        "samples": {"train": 90, "validation": 10, "test": 50},
    }  # fmt: skip


def made(better: float) -> list[Result]:
    """Three seeds of the digits tasks; PLIF is better than LIF by about `better` at every seed, everything else is as LIF."""
    accuracy = {0: 0.90, 1: 0.94, 2: 0.92}
    return [
        result(t, v, s, a + (better * (1 + s / 100) if v == "PLIF" else 0.0), 0.003)
        for t in FIRST
        for v in PLANS[t].variants
        for s, a in accuracy.items()
    ]
