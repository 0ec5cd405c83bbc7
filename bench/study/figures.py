"""What the study measured, in tables' terms: means, spreads, and differences that are larger than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.study.nets import BASE

Result = dict[str, Any]
CLAIMED_FROM = 2.0  # standard errors


@dataclass(frozen=True)
class Mean:
    """Of some seeds: mean, standard deviation (n - 1), number."""

    mean: float
    deviation: float
    n: int

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / float(np.sqrt(self.n))

    def text(self, factor: float = 100.0, digits: int = 2) -> str:
        """'mean +- deviation', times a factor."""
        return f"{factor * self.mean:.{digits}f} ± {factor * self.deviation:.{digits}f}"


def mean(values: Sequence[float]) -> Mean:
    """Of one value per seed."""
    return Mean(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values))


def of(results: Sequence[Result], task: str, variant: str) -> list[Result]:
    """The runs of one variant on one task, by seed."""
    return sorted((r for r in results if r["task"] == task and r["variant"] == variant), key=lambda r: int(r["seed"]))


def against_base(results: Sequence[Result], task: str, variant: str, what: str, base: str = BASE) -> Mean:
    """Differences to the base, seed by seed: both start from the same weights and see the same batches."""
    pairs = zip(of(results, task, variant), of(results, task, base), strict=True)
    return mean([a[what] - b[what] for a, b in pairs])


def is_claimed(difference: Mean) -> bool:
    """Whether a difference exceeds two standard errors."""
    return difference.n > 1 and abs(difference.mean) > CLAIMED_FROM * difference.error


def lost(results: Sequence[Result], task: str, bits: int, how: str) -> Mean:
    """Accuracy of floats less that of integers, all variants and seeds of a task; positive: lost."""
    return mean([r["float"] - r[f"{how} {bits}"] for r in results if r["task"] == task])


def worst(results: Sequence[Result], task: str, bits: int, how: str) -> tuple[float, str]:
    """The largest mean loss over seeds of any variant, and that variant."""
    names = sorted({r["variant"] for r in results if r["task"] == task})
    return max((mean([r["float"] - r[f"{how} {bits}"] for r in of(results, task, v)]).mean, v) for v in names)
