"""The command line of a digits model's train.py."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import digits_training
from exit_codes import exit_code
from safetensors.torch import save

from snn2hw import train
from snn2hw.data import digits
from snn2hw.errors import UsageError
from snn2hw.files.kinds import check_name
from snn2hw.files.write import check_file, write_file


def main(build: digits_training.Build, epochs: int, weights: Path) -> int:
    """`run` with the arguments of the process; exit code 0, 2 after an error's message, 130 where it was interrupted."""
    return exit_code(lambda: run(build, epochs, weights))


def run(build: digits_training.Build, epochs: int, weights: Path) -> None:
    """Train, write the weights, and say the test accuracy of the last epoch's weights.

    Args:
        build: makes the untrained model.
        epochs: default of --epochs.
        weights: default of --out.

    Raises:
        UsageError: epochs below 1, or a folder that cannot be written. MissingExtraError: scikit-learn is not installed.
    """
    parser = argparse.ArgumentParser(description="Train this model on the digits data and write its weights.")
    parser.add_argument("--out", type=Path, default=weights, help="weights file (default: beside train.py)")
    parser.add_argument("--epochs", type=int, default=epochs, help=f"passes over the training samples (default {epochs})")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and shifts (default 0)")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    options = parser.parse_args()
    if options.epochs < 1:
        raise UsageError(
            "nothing to train", where="--epochs", got=str(options.epochs), expected="at least 1", do="pass --epochs 1 or more"
        )
    out = options.out
    check_name(out, "weights", ".safetensors")
    check_file(out, force=True)
    begun = time.perf_counter()
    model = digits_training.train(build, options.seed, options.epochs, progress=not options.quiet).model
    seconds = time.perf_counter() - begun
    write_file(out, save(model.state_dict()), force=True)
    if not options.quiet:
        reached = train.evaluate(model, digits.load("test"), digits_training.STEPS)
        print(f"seed {options.seed}: test accuracy {reached:.4f} after {options.epochs} epochs, {seconds:.0f} s; wrote {out}")
