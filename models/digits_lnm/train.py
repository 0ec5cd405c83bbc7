"""Trains the LNM network on the digits data: python models/digits_lnm/train.py [--out FILE] [--epochs N] [--seed S]."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent
EPOCHS = 30

source = load_source(HERE / "model.py")  # also makes the files of models/ importable


def train(seed: int = 0, epochs: int = EPOCHS, progress: bool = True) -> torch.nn.Module:
    """The trained model in eval mode; see digits_training.train.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    import digits_training

    return digits_training.train(source.build, seed, epochs, progress).model


def main() -> int:
    """The command line; see digits_command.main."""
    import digits_command

    return digits_command.main(source.build, EPOCHS, HERE / "weights.safetensors")


if __name__ == "__main__":
    sys.exit(main())
