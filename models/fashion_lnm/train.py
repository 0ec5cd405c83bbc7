"""Trains the LNM network on Fashion-MNIST: python models/fashion_lnm/train.py [--out FILE] [--epochs N] [--seed S]."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402

SHORT = 2, Recipe(epochs=5, batch=100, learning_rate=4e-3, amp="bf16")  # steps, and what they are trained by
FLOATS = Recipe(epochs=2, batch=100, learning_rate=2e-3, amp="bf16")
INTEGERS = Recipe(epochs=1, batch=100, learning_rate=3e-4)
PLAN = recorded_training.Plan(source.build, source.STEPS, source.OPTIONS, FLOATS, INTEGERS, short=SHORT)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
