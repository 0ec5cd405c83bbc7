"""Trains the LNM network on the digits data: python models/digits_lnm/train.py [--out FILE] [--epochs N] [--seed S]."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from snn2hw.errors import Snn2hwError
from snn2hw.models import load_source

HERE = Path(__file__).resolve().parent
EPOCHS = 30

source = load_source(HERE / "model.py")  # also makes the files of models/ importable


def train(seed: int = 0, epochs: int = EPOCHS, progress: bool = True) -> torch.nn.Module:
    """The trained model in eval mode; see digits_training.train.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    import digits_training

    model, _ = digits_training.train(source.build, seed, epochs, progress)
    return model


def main() -> int:
    """The command line; exit code 0, or 2 after a message."""
    import digits_command

    try:
        digits_command.run(source.build, EPOCHS, HERE / "weights.safetensors")
    except Snn2hwError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
