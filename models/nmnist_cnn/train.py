"""Trains the convolutional network on N-MNIST: python models/nmnist_cnn/train.py [--out FILE] [--epochs N] [--again N]."""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor

from snn2hw.data.augment import RandomCrop
from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent
HELD_OUT = 200  # the test split has 100 recordings only

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402


def moved(frames: Tensor) -> Tensor:
    """Recordings [T, N, ...], each moved by up to 3 pixels, all its frames alike."""
    return RandomCrop(3).batch(frames.transpose(0, 1)).transpose(0, 1)


FLOATS = Recipe(epochs=40, batch=40, learning_rate=4e-3, weight_decay=1e-3, augment=moved)
INTEGERS = Recipe(epochs=12, batch=40, learning_rate=2e-3, weight_decay=1e-3, augment=moved)
PLAN = recorded_training.Plan(source.build, None, source.OPTIONS, FLOATS, INTEGERS, quiet=0.5)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE, HELD_OUT)


if __name__ == "__main__":
    sys.exit(main())
