"""Trains the circulate-firing network on N-MNIST: python models/nmnist_cf/train.py [--out FILE] [--epochs N] [--again N]."""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor

from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402


def bent(frames: Tensor) -> Tensor:
    """Recordings [T, N, ...], each turned, scaled, slanted, moved and bent a little, all its frames alike; still 0 or 1."""
    images = frames.transpose(0, 1).flatten(1, 2)
    return (recorded_training.bent(images) > 0.5).float().reshape(frames.transpose(0, 1).shape).transpose(0, 1)


FLOATS = Recipe(epochs=20, batch=50, learning_rate=6e-3, label_smoothing=0.05, augment=bent)
INTEGERS = Recipe(epochs=1, batch=50, learning_rate=1e-3, label_smoothing=0.05, augment=bent)
PLAN = recorded_training.Plan(source.build, None, source.OPTIONS, FLOATS, INTEGERS, calibration=64)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
