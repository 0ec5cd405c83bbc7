"""The command line of the train.py of a model that is trained on recorded data."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import recorded_training
from exit_codes import exit_code
from safetensors.torch import save
from torch import Tensor
from torch.nn import Module

import snn2hw
from snn2hw import train
from snn2hw.errors import UsageError
from snn2hw.files.kinds import check_name
from snn2hw.files.write import check_file, write_file
from snn2hw.user_models import CALIBRATION, find_model
from snn2hw.weights import WEIGHTS


def main(source: Any, plan: recorded_training.Plan, folder: Path, hold_out: int = 0) -> int:
    """`run` with the arguments of the process; exit code 0, 2 after an error's message, 130 where it was interrupted.

    Args:
        source: the model.py, with train_data() and test_data(). plan: of the training. folder: of both files.
        hold_out: how many training samples are left out where the command line does not say it.
    """
    return exit_code(lambda: run(source, plan, folder, sys.argv[1:], hold_out), "stopped; nothing is kept")


def run(source: Any, plan: recorded_training.Plan, folder: Path, arguments: list[str], hold_out: int = 0) -> None:
    """Train, write the weights, and say what they reach in floats and in integers: on the test split, and on what is held out.

    Where the command line holds samples out, a setting is being chosen on them: the test split is left alone then.

    Args:
        source, plan, folder, hold_out: as in `main`. arguments: of the command line.

    Raises:
        UsageError: epochs below 1, held-out samples that leave none, a folder that cannot be written, or an option that what is
            asked for has no use for.
        DataError: the data are not there.
    """
    options = _parser(folder, hold_out).parse_args(arguments)
    _check_used(options, folder.name)
    plan = dataclasses.replace(with_epochs(plan, options.epochs), integers=_epochs(plan.integers, options.again))
    out = options.out or (folder / WEIGHTS if options.bits is None else None)
    if options.calibration:
        check_file(folder / CALIBRATION, force=True)
    elif out is not None:
        check_name(out, "weights", ".safetensors")
        check_file(out, force=True)
    say = (lambda text: None) if options.quiet else print
    axis = 0 if plan.steps else 1
    samples, labels = source.train_data()
    if options.calibration:
        held = BytesIO()
        np.savez_compressed(held, samples=plan.shown(samples).numpy())
        write_file(folder / CALIBRATION, held.getvalue(), force=True)
        say(f"wrote {folder / CALIBRATION}: {len(held.getvalue()):,} bytes")
        return
    out_of, seed = hold_out if options.hold_out is None else options.hold_out, options.seed or 0
    kept = len(labels) - out_of
    if not 0 <= out_of < len(labels) or kept < max(plan.floats.batch, plan.integers.batch):
        raise UsageError(
            "too few samples are left to train on",
            where="--hold-out",
            got=str(out_of),
            expected=f"0 to {len(labels) - max(plan.floats.batch, plan.integers.batch)}",
            do="hold out fewer",
        )
    shown, named = samples.narrow(axis, 0, kept), labels[:kept]
    measured = {} if options.hold_out else {"test split": source.test_data()}
    if out_of:
        measured["held out"] = samples.narrow(axis, kept, out_of), labels[kept:]
    begun = time.process_time()
    if options.bits is None:
        model = recorded_training.train(plan, shown, named, seed, say)
    else:
        plan = dataclasses.replace(plan, options=dataclasses.replace(plan.options, weight_bits=options.bits))
        model = find_model(str(folder), sampled=False).module
        for name, data in measured.items():
            say(f"stored weights in {options.bits} bits, {name}: {reached(model, plan, samples, *data)}")
        model = recorded_training.again(plan, model, shown, named, seed, say)
    seconds = time.process_time() - begun
    if out is not None:
        write_file(out, save(model.state_dict()), force=True)
    say(f"seed {seed}: {seconds:.0f} s of CPU time; wrote {out or 'nothing'}")
    for name, data in measured.items():
        say(f"{name}: {reached(model, plan, samples, *data)}")


def reached(model: Module, plan: recorded_training.Plan, samples: Tensor, tests: Tensor, truth: Tensor) -> str:
    """Accuracy in floats and in integers, and how often each neuron layer fires, as text.

    Args:
        model: as trained. plan: of the training. samples: to calibrate on. tests, truth: what is measured.
    """
    layout = None if plan.steps else "TN"
    floats = train.evaluate(model, (tests, truth), plan.steps, layout=layout)
    artefact = snn2hw.compile(model, plan.shown(samples), plan.steps, options=plan.options, layout=layout)
    trace = snn2hw.simulate(artefact, tests, traces=False)
    some = tests[:500] if plan.steps else tests[:, :500]
    spikes = snn2hw.simulate(artefact, some).spikes
    rates = ", ".join(f"layer {name} {abs(fired).mean():.3f}" for name, fired in spikes.items())
    right = float((trace.predictions == truth.numpy()).mean())
    return f"floats {floats:.4f}, integers {right:.4f} of {len(truth)}; spikes per neuron and step: {rates}"


def with_epochs(plan: recorded_training.Plan, given: int | None) -> recorded_training.Plan:
    """The plan with so many passes in floats. The last training gets its own first; what is left over goes to those before it.

    Args:
        plan: as the model's card has it. given: passes, at least 1; None: those of the plan.
    """
    if given is None:
        return plan
    before = [name for name in ("simpler", "short") if getattr(plan, name) is not None]
    full = min(given, plan.floats.epochs) if before else given
    plan, left = dataclasses.replace(plan, floats=_epochs(plan.floats, full)), given - full
    for name in reversed(before):
        what, recipe = getattr(plan, name)
        epochs = left if name == before[0] else min(left, recipe.epochs)
        plan = dataclasses.replace(plan, **{name: (what, _epochs(recipe, epochs)) if epochs else None})
        left -= epochs
    return plan


def _check_used(options: argparse.Namespace, where: str) -> None:
    """Refuse options that would change nothing."""
    if options.calibration:
        alone, unused = "--calibration", ("out", "epochs", "again", "bits", "hold_out", "seed")
    else:
        alone, unused = "--bits", () if options.bits is None else ("epochs",)
    given = ["--" + name.replace("_", "-") for name in unused if getattr(options, name) is not None]
    if given:
        raise UsageError(
            f"{alone} has no use for other options that are given",
            where=where,
            got=", ".join([alone, *given]),
            expected="--calibration by itself or with --quiet" if options.calibration else "--bits without --epochs",
            do=f"leave out {' and '.join(given)}",
        )


def _epochs(recipe: train.Recipe, given: int | None) -> train.Recipe:
    return recipe if given is None else dataclasses.replace(recipe, epochs=given)


def _parser(folder: Path, hold_out: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Train {folder.name}: first in floats, then on the integers.")
    add = parser.add_argument
    add("--out", type=Path, help="weights file (default: beside train.py; with --bits none is written)")
    add("--epochs", type=int, help="passes over the training samples in floats, all of them (default: those of the card)")
    add("--again", type=int, help="passes on the integers")
    add("--bits", type=int, help="of weights: train the stored weights on integers of so many bits, and nothing in floats")
    add("--calibration", action="store_true", help=f"write the samples that scales are taken of to {CALIBRATION}, train nothing")
    add(
        "--hold-out",
        type=int,
        help="leave out the last so many training samples, and measure on them; where this is given and not 0, the test split is "
        + f"not read (default {hold_out}"
        + (", with which both are measured)" if hold_out else ")"),
    )
    add("--seed", type=int, help="of weights, order and augmentation (default 0)")
    add("--quiet", action="store_true", help="print nothing")
    return parser
