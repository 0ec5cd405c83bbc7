"""The command line of a digits model's train.py."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import digits_training
import torch
from safetensors.torch import save as serialise

from snn2hw.data import digits
from snn2hw.errors import UsageError


def run(build: digits_training.Build, epochs: int, weights: Path, arguments: list[str] | None = None) -> None:
    """Train, write the weights, and say the test accuracy of the last epoch's weights.

    Args:
        build: makes the untrained model.
        epochs: default of --epochs.
        weights: default of --out.
        arguments: of the command line; None: those of the process.

    Raises:
        UsageError: epochs below 1, or a folder that cannot be written. MissingExtraError: scikit-learn is not installed.
    """
    parser = argparse.ArgumentParser(description="Train this model on the digits data and write its weights.")
    parser.add_argument("--out", type=Path, default=weights, help="weights file (default: beside train.py)")
    parser.add_argument("--epochs", type=int, default=epochs, help=f"passes over the training samples (default {epochs})")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and shifts (default 0)")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        raise UsageError(
            "nothing to train", where="--epochs", got=str(options.epochs), expected="at least 1", do="pass --epochs 1 or more"
        )
    begun, out = time.perf_counter(), options.out
    model, _ = digits_training.train(build, options.seed, options.epochs, progress=not options.quiet)
    seconds = time.perf_counter() - begun
    save(model, out)
    if not options.quiet:
        reached = digits_training.accuracy(model, *digits.load("test"))
        print(f"seed {options.seed}: test accuracy {reached:.4f} after {options.epochs} epochs, {seconds:.0f} s; wrote {out}")


def save(model: torch.nn.Module, path: Path) -> None:
    """Write the weights as safetensors, aside and then renamed, so that no half-written file ever has the name.

    Raises:
        UsageError: the folder does not exist or cannot be written.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        aside.write_bytes(serialise(model.state_dict()))
        os.replace(aside, path)
    except OSError as error:
        raise UsageError(
            "the weights cannot be written",
            where=str(path),
            got=str(error),
            expected="a folder that exists and can be written",
            do="pass another --out",
        ) from error
    finally:
        aside.unlink(missing_ok=True)
