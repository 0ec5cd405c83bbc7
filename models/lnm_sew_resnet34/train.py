"""Trains SEW-ResNet-34 of LNM neurons: python models/lnm_sew_resnet34/train.py --data FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from snn2hw import train
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import deep_command  # noqa: E402

# SGD with momentum 0.9 from 0.1 on a cosine over 320 epochs, no weight decay, batches of 256 (8 GPUs of 32 as published).
RECIPE = train.Recipe(
    epochs=320, batch=256, optimiser="sgd", learning_rate=0.1, weight_decay=0.0, warmup=0.0, clip=None, balance=1e-2
)
PLAN = deep_command.Plan(build=source.build, sets=("imagenet",), steps=source.STEPS, recipe=RECIPE)


def main() -> int:
    """The command line; see deep_command.main."""
    return deep_command.main(PLAN, HERE)


if __name__ == "__main__":
    sys.exit(main())
