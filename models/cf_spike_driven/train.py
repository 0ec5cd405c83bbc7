"""Trains a spike-driven Transformer: python models/cf_spike_driven/train.py --data FOLDER | digits."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw import train
from snn2hw.data.augment import Mixup
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import deep_command  # noqa: E402

# AdamW with 20 of 300 epochs of warm-up, weight decay 0.06, label smoothing and mixup, batches of 64: after arXiv 2307.01694.
RECIPE = train.Recipe(
    epochs=300, batch=64, learning_rate=5e-4, weight_decay=0.06, warmup=20 / 300, label_smoothing=0.1, clip=None, balance=1e-2
)
DIGITS = deep_command.Preset(
    width=0.125,
    recipe=train.Recipe(epochs=20, batch=64, learning_rate=2e-3, label_smoothing=0.05, balance=1e-2),
    finetune=train.Recipe(epochs=3, batch=64, learning_rate=2e-4),
)
PLAN = deep_command.Plan(
    build=source.build,
    sets=("cifar10", "cifar100", "digits"),
    steps=source.STEPS,
    recipe=RECIPE,
    presets={"digits": DIGITS},
    mix=Mixup,
)


def main() -> int:
    """The command line; see deep_command.main."""
    return deep_command.main(PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
