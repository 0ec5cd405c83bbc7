"""Trains ResNet-18 of LNM neurons: python models/lnm_resnet18/train.py --data FOLDER | digits."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw import train
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import deep_command  # noqa: E402

# SGD with momentum 0.9 from 0.1 on a cosine, batches of 128: what spiking ResNets on CIFAR are trained with.
RECIPE = train.Recipe(
    epochs=300, batch=128, optimiser="sgd", learning_rate=0.1, weight_decay=5e-4, warmup=0.0, clip=None, balance=1e-2
)
DIGITS = deep_command.Preset(
    width=0.125,
    recipe=train.Recipe(epochs=20, batch=64, learning_rate=4e-3, label_smoothing=0.05, balance=1e-2),
    finetune=train.Recipe(epochs=3, batch=64, learning_rate=4e-4),
)
PLAN = deep_command.Plan(
    build=source.build,
    sets=("cifar10", "cifar100", "digits"),
    steps=source.STEPS,
    recipe=RECIPE,
    presets={"digits": DIGITS},
    choices={"residual": ("membrane", "spike")},
)


def main() -> int:
    """The command line; see deep_command.main."""
    return deep_command.main(PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
