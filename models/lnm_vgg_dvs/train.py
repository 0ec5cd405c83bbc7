"""Trains a VGG of LNM neurons on events: python models/lnm_vgg_dvs/train.py --data FOLDER | digits-events."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw import train
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import deep_command  # noqa: E402

# AdamW at 1e-3 on a cosine over 300 epochs, batches of 128, flips and rolls: after arXiv 2202.11946, which has Adam.
RECIPE = train.Recipe(epochs=300, batch=128, learning_rate=1e-3, weight_decay=5e-4, warmup=0.0, clip=None, balance=1e-2)
DIGITS = deep_command.Preset(
    width=0.125,
    recipe=train.Recipe(epochs=20, batch=64, learning_rate=4e-3, label_smoothing=0.05, balance=1e-2),
    finetune=train.Recipe(epochs=3, batch=64, learning_rate=4e-4),
)
PLAN = deep_command.Plan(
    build=source.build,
    sets=("cifar10-dvs", "digits-events"),
    steps=source.STEPS,
    recipe=RECIPE,
    presets={"digits-events": DIGITS},
)


def main() -> int:
    """The command line; see deep_command.main."""
    return deep_command.main(PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
