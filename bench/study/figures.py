"""What the study measured, in tables' terms: means, standard errors, and differences that are larger than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from bench.study.nets import PLANS

Result = dict[str, Any]
CLAIMED_FROM, CHANCE = 2.0, 0.05  # standard errors; of any claim of a task being one of chance
ROUNDING = 1e-9  # accuracies are shares of some thousand samples: what differs by less differs by rounding


@dataclass(frozen=True)
class Mean:
    """Of some seeds: mean, standard deviation (n - 1), number."""

    mean: float
    deviation: float
    n: int

    @property
    def error(self) -> float:
        """Standard error of the mean; NaN of one seed."""
        return self.deviation / float(np.sqrt(self.n)) if self.n > 1 else float("nan")

    @property
    def chance(self) -> float:
        """How likely a mean as far from 0 is if the true one is 0: Student's t, two-sided.

        1 of one seed, and of equal values: a few seeds that happen to agree do not say how far others would be.
        """
        if self.n < 2 or self.error < ROUNDING:
            return 1.0
        return float(2 * student.sf(abs(self.mean) / self.error, self.n - 1))

    def text(self, factor: float = 100.0, digits: int = 2) -> str:
        """'mean ± standard deviation', times a factor."""
        return f"{factor * self.mean:.{digits}f} ± {factor * self.deviation:.{digits}f}"

    def sure(self, sign: str = "") -> str:
        """'mean ± standard error' in points; of one seed the value alone."""
        value = f"{round(100 * self.mean, 2) + 0.0:{sign}.2f}"  # + 0.0: what rounds to -0 is 0
        return f"{value} ± {100 * self.error:.2f}" if self.n > 1 else value


def mean(values: Sequence[float]) -> Mean:
    """Of one value per seed."""
    return Mean(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values))


def of(results: Sequence[Result], task: str, variant: str) -> list[Result]:
    """The runs of one variant on one task, by seed."""
    return sorted((r for r in results if r["task"] == task and r["variant"] == variant), key=lambda r: int(r["seed"]))


def variants(results: Sequence[Result], task: str) -> list[str]:
    """Those of the task that were run, in the order of its plan."""
    return [v for v in PLANS[task].variants if of(results, task, v)]


def paired(results: Sequence[Result], task: str, variant: str, what: str, base: str) -> Mean | None:
    """Differences to the base, seed by seed: both start from the same weights and see the same batches.

    Args:
        results: of the whole study. task, variant, base: of which. what: the key of the accuracy.

    Returns:
        None where they have no seed in common.
    """
    bases = {r["seed"]: r for r in of(results, task, base)}
    differences = [r[what] - bases[r["seed"]][what] for r in of(results, task, variant) if r["seed"] in bases]
    return mean(differences) if differences else None


def against_base(results: Sequence[Result], task: str, variant: str, what: str, base: str) -> Mean:
    """As `paired`, of variants that have the same seeds."""
    found = paired(results, task, variant, what, base)
    assert found is not None
    return found


def is_claimed(difference: Mean) -> bool:
    """Whether a difference exceeds two standard errors."""
    return difference.n > 1 and abs(difference.mean) > CLAIMED_FROM * difference.error


def claimed(differences: Sequence[Mean]) -> list[bool]:
    """Which of all differences of a task exceed two standard errors, and are no chance after Holm's correction for the number
    of those of more than one seed: of n, the smallest chance is compared with 0.05 / n, the next one with 0.05 / (n - 1),
    until one is larger."""
    order = sorted((k for k, d in enumerate(differences) if d.n > 1), key=lambda k: differences[k].chance)
    found, going = [False] * len(differences), True
    for rank, k in enumerate(order):
        d = differences[k]
        going = going and d.chance <= CHANCE / (len(order) - rank)
        found[k] = going and is_claimed(d)
    return found


def lost(results: Sequence[Result], task: str, bits: int, how: str) -> Mean:
    """Accuracy of floats less that of integers, all variants and seeds of a task; positive: lost."""
    return mean([r["float"] - r[f"{how} {bits}"] for r in results if r["task"] == task])


def worst(results: Sequence[Result], task: str, bits: int, how: str) -> tuple[float, str]:
    """The largest mean loss over seeds of any variant, and that variant."""
    names = sorted({r["variant"] for r in results if r["task"] == task})
    return max((mean([r["float"] - r[f"{how} {bits}"] for r in of(results, task, v)]).mean, v) for v in names)
