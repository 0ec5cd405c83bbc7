"""Trains the recurrent network on spoken digits: python models/fsdd_recurrent/train.py [--out FILE] [--hold-out N]."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402


def varied(spectra: Tensor) -> Tensor:
    """Spectra [T, N, F], each spoken a little faster or slower, sooner or later, higher or lower, louder or softer.

    Time is stretched by up to a tenth and moved by -60 to 100 ms, the spectrum by up to a band; loudness is a factor of
    0.9 to 1.1 and an offset of up to 0.08. What is silent, 0, stays silent.
    """
    steps, n, bands = spectra.shape
    rate, later, factor, offset = (_between(n, *ends) for ends in ((0.9, 1.1), (-3, 5), (0.9, 1.1), (-0.08, 0.08)))
    at = ((torch.arange(steps)[:, None] - later) * rate).round().long()
    band = (torch.arange(bands) + torch.randint(-1, 2, (n, 1))).clamp(0, bands - 1)
    moved = spectra[at.clamp(0, steps - 1), torch.arange(n)].gather(2, band.expand(steps, n, bands))
    louder = (moved * factor[:, None] + offset[:, None]).clamp(0, 1)
    return torch.where(moved > 0, louder, moved) * ((at >= 0) & (at < steps))[:, :, None]


def _between(n: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(n)


DEAF = Recipe(epochs=30, batch=64, learning_rate=6e-3, label_smoothing=0.05, range_penalty=1.0, augment=varied)
FLOATS = Recipe(epochs=8, batch=128, learning_rate=3e-3, label_smoothing=0.05, range_penalty=1.0, augment=varied)
INTEGERS = Recipe(epochs=2, batch=128, learning_rate=1e-3, label_smoothing=0.05, range_penalty=1.0, augment=varied)
PLAN = recorded_training.Plan(
    source.build, None, source.OPTIONS, FLOATS, INTEGERS, simpler=(lambda: source.build(recurrent=False), DEAF)
)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
