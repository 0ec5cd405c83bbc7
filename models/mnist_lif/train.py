"""Trains the LIF network on MNIST: python models/mnist_lif/train.py [--out FILE] [--epochs N] [--again N] [--seed S]."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402

FLOATS = Recipe(epochs=120, batch=256, learning_rate=4e-3, weight_decay=1e-3, augment=recorded_training.bent)
INTEGERS = Recipe(epochs=60, batch=256, learning_rate=2e-3, weight_decay=1e-3, augment=recorded_training.bent)
PLAN = recorded_training.Plan(source.build, source.STEPS, source.OPTIONS, FLOATS, INTEGERS, quiet=0.2)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
