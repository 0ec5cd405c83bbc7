"""Trainings that were done on two kinds of processor: which of them count, and how far the other one led."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.study.figures import Mean, Result, mean, of, variants
from bench.study.nets import PLANS

Place = tuple[str, str, int]  # task, variant, seed


def split(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """One result for each task, variant and seed, which counts, and all others of them.

    Where there are several, the one counts whose processor has most results of the task; of equal processors the one whose
    result comes last.
    """
    of_processor = Counter((r["task"], r.get("processor")) for r in results)
    best: dict[Place, Result] = {}
    for r in results:
        known = best.get(place(r))
        if known is None or of_processor[r["task"], r.get("processor")] >= of_processor[r["task"], known.get("processor")]:
            best[place(r)] = r
    counted = list(best.values())
    chosen = set(map(id, counted))
    return counted, [r for r in results if id(r) not in chosen]


def place(result: Result) -> Place:
    return result["task"], result["variant"], int(result["seed"])


@dataclass(frozen=True)
class Change:
    """By how much test accuracy in floats changed on another processor, and how much it changes with the seed.

    Args:
        change: the other processor's less that which counts; its deviation is that of one training.
        seeds: the standard deviation of a difference between two seeds of the same neurons, on one processor.
    """

    task: str
    change: Mean
    seeds: float


def changes(counted: Sequence[Result], again: Sequence[Result]) -> list[Change]:
    """One for each task of which a training was done again."""
    first = {place(r): r for r in counted}
    found = []
    for task in (t for t in PLANS if any(r["task"] == t for r in again)):
        own = [r for r in again if r["task"] == task]
        change = mean([r["float"] - first[place(r)]["float"] for r in own])
        there = [of(counted, task, v) for v in variants(own, task)]
        spread = [np.var([r["float"] for r in runs], ddof=1) for runs in there if len(runs) > 1]
        found.append(Change(task, change, float(np.sqrt(2 * np.mean(spread))) if spread else float("nan")))
    return found


def table(counted: Sequence[Result], again: Sequence[Result]) -> Iterator[str]:
    """What another processor changes, where there is anything to say."""
    if not again:
        return
    yield "## On another processor"
    yield ""
    yield (
        f"{len(again)} of the trainings were done on two kinds of processor. All tables but this one count one of "
        "the two: that of the processor which has most trainings of the task. Below is by how many points the other one's test "
        "accuracy in floats differs from it, ± the standard error, and, to compare that with, how two seeds of a neuron differ "
        "on one processor."
    )
    yield ""
    yield "| task (trainings) | mean change | standard deviation of a change | of a difference of two seeds |"
    yield "|---|---|---|---|"
    for c in changes(counted, again):
        yield f"| {c.task} ({c.change.n}) | {c.change.sure('+')} | {100 * c.change.deviation:.2f} | {100 * c.seeds:.2f} |"
    yield ""
