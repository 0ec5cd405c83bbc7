"""What the study measured, in tables' terms: means, standard errors, and differences that are larger than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from bench.study.nets import PLANS

Result = dict[str, Any]
CLAIMED_FROM, CHANCE = 2.0, 0.05  # standard errors; of any claim of a task being one of chance
ROUNDING = 1e-9  # accuracies are shares of some thousand samples: what differs by less differs by rounding


@dataclass(frozen=True)
class Mean:
    """Of some seeds: mean, standard deviation (n - 1), number.

    Args:
        sampled: the standard error that comes of the test samples, which all seeds share; 0 where it is not known.
        samples: how many of these there are.
    """

    mean: float
    deviation: float
    n: int
    sampled: float = 0.0
    samples: int = 0

    @property
    def error(self) -> float:
        """Standard error of the mean, of seeds and samples; NaN of one seed."""
        return float(np.hypot(self.deviation / np.sqrt(self.n), self.sampled)) if self.n > 1 else float("nan")

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the error, a sum of two of their own: Satterthwaite's."""
        if not self.sampled:
            return self.n - 1
        seeds, samples = self.deviation**2 / self.n, self.sampled**2
        return float((seeds + samples) ** 2 / (seeds**2 / (self.n - 1) + samples**2 / (self.samples - 1)))

    @property
    def chance(self) -> float:
        """How likely a mean as far from 0 is if the true one is 0: Student's t, two-sided.

        1 of one seed, and of equal values: a few seeds that happen to agree do not say how far others would be.
        """
        if self.n < 2 or self.error < ROUNDING:
            return 1.0
        return float(2 * student.sf(abs(self.mean) / self.error, self.freedom))

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


def learned(results: Sequence[Result], task: str, variant: str, what: str) -> dict[str, list[float]]:
    """Layer -> what a variant learned there, one value for each seed; empty where it learned nothing of this name.

    Args:
        what: "negative" or "thresholds", as a result calls it.
    """
    runs = [r for r in of(results, task, variant) if r.get(what)]
    return {layer: [r[what][layer] for r in runs] for layer in runs[0][what]} if runs else {}


def polynomials(result: Result) -> dict[str, list[list[float]]]:
    """Coefficients by layer and channel, of the neurons that the variant made: others of a network, as those of q, k and v, are
    LIF in all variants, of degree 1."""
    return {path: channels for path, channels in result["polynomials"].items() if len(channels[0]) > 2}


def variants(results: Sequence[Result], task: str) -> list[str]:
    """Those of the task that were run, in the order of its plan."""
    return [v for v in PLANS[task].variants if of(results, task, v)]


def paired(results: Sequence[Result], task: str, variant: str, what: str, base: str) -> Mean | None:
    """Differences to the base, seed by seed: both start from the same weights, see the same batches and are tested on the same
    samples, whatever processor they were trained on.

    Args:
        results: of the whole study, one for each task, variant and seed (`bench.study.processors.split`).
        task, variant, base: of which. what: the key of the accuracy.

    Returns:
        With the error of the test samples where runs say which they were right on; None where they have no seed in common.
    """
    ours, bases = _by_seed(results, task, variant), _by_seed(results, task, base)
    pairs = [(ours[seed], bases[seed]) for seed in ours if seed in bases]
    if not pairs:
        return None
    found = mean([r[what] - b[what] for r, b in pairs])
    if what != "float" or not all("right" in r for pair in pairs for r in pair):
        return found
    by_sample = np.mean([_right(r) - _right(b) for r, b in pairs], axis=0)  # all seeds see the same samples
    return replace(found, sampled=float(by_sample.std(ddof=1) / np.sqrt(len(by_sample))), samples=len(by_sample))


def _by_seed(results: Sequence[Result], task: str, variant: str) -> dict[int, Result]:
    own = of(results, task, variant)
    found = {int(r["seed"]): r for r in own}
    assert len(found) == len(own), f"{variant} on {task}: a seed has several results, of which one counts"
    return found


def _right(result: Result) -> NDArray[np.float64]:
    """1 for each test sample that the float model was right on, else 0."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(result["right"]), np.uint8))
    return bits[: result["samples"]["test"]].astype(np.float64)


def against_base(results: Sequence[Result], task: str, variant: str, what: str, base: str) -> Mean:
    """As `paired`, of variants that have the same seeds."""
    found = paired(results, task, variant, what, base)
    assert found is not None
    return found


def is_claimed(difference: Mean) -> bool:
    """Whether a difference exceeds two standard errors."""
    return difference.n > 1 and abs(difference.mean) > CLAIMED_FROM * difference.error


def claimed(differences: Sequence[Mean]) -> list[bool]:
    """Which of some differences exceed two standard errors, and are no chance after Holm's correction for the number
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
    """Accuracy of floats less that of integers, positive: lost; of each seed the mean of all variants of a task."""
    own = [r for r in results if r["task"] == task]
    seeds = sorted({r["seed"] for r in own})
    return mean([float(np.mean([r["float"] - r[f"{how} {bits}"] for r in own if r["seed"] == seed])) for seed in seeds])


def lost_in_all(results: Sequence[Result], bits: int, how: str) -> float:
    """The mean of all runs of the study."""
    return float(np.mean([r["float"] - r[f"{how} {bits}"] for r in results]))


def worst(results: Sequence[Result], task: str, bits: int, how: str) -> tuple[float, str]:
    """The largest mean loss over seeds of any variant, and that variant."""
    names = sorted({r["variant"] for r in results if r["task"] == task})
    return max((mean([r["float"] - r[f"{how} {bits}"] for r in of(results, task, v)]).mean, v) for v in names)
