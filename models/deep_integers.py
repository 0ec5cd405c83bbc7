"""What becomes of a trained model's accuracy in integers: compiled as it is, and trained on its integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import deep_data
import numpy as np
import numpy.typing as npt
import torch

import snn2hw
from snn2hw import quantize, train
from snn2hw.artefact import Artefact
from snn2hw.data import Samples

BATCH = 64
SAMPLES = 64  # that scales are calibrated on


@dataclass(frozen=True)
class Settings:
    """How.

    Args:
        steps: T of static samples, None for temporal ones. recipe: of the training on integers. seed: of that.
        out: folder; `integers` and `trained_integers` are written into it. device: of the training.
    """

    steps: int | None
    recipe: train.Recipe
    seed: int
    out: Path
    device: str = "auto"


def measure(
    model: torch.nn.Module, samples: Samples, tests: Samples, still: Samples, settings: Settings, say: Callable[[str], None]
) -> tuple[float, float]:
    """Accuracy on the test split of the integers as compiled, and of those trained on; both artefacts are written.

    Args:
        still: the training split as it is, of which scales are taken. Event counts of the test split beyond all of its own are
            taken for its largest: more than that the integer input does not hold.
    """
    sample, _ = deep_data.with_largest(still, SAMPLES)
    most = float("inf") if still.static else float(sample.max())
    model = model.cpu()
    plain = accuracy(snn2hw.compile(model, sample, settings.steps, out=settings.out / "integers"), tests, most)
    say(f"integer accuracy as compiled: {plain:.4f}")
    prepared = quantize.prepare(model, sample, steps=settings.steps)
    out = settings.out / "finetune"
    train.fit(
        prepared, samples, steps=settings.steps, recipe=settings.recipe, seed=settings.seed, out=out, device=settings.device
    )
    trained = accuracy(snn2hw.compile(prepared.cpu(), sample, out=settings.out / "trained_integers"), tests, most)
    say(f"integer accuracy after {settings.recipe.epochs} epochs on the integers: {trained:.4f}")
    return plain, trained


def accuracy(artefact: Artefact, tests: Samples, most: float = float("inf")) -> float:
    """Share of right predictions, read batch by batch, no value above `most`."""
    trace = snn2hw.simulate(artefact, _batches(tests, most), "auto", traces=False)
    return float((trace.predictions == tests.labels.numpy()).mean())


def _batches(tests: Samples, most: float) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(tests), BATCH):
        x = torch.stack([tests[k][0] for k in range(start, min(start + BATCH, len(tests)))])
        yield (x if tests.static else x.transpose(0, 1)).clamp(max=most).numpy()
