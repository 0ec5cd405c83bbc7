"""The command line of a deep model's train.py."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import deep_data
import torch
from deep_surrogate import WIDTHS
from exit_codes import exit_code

from snn2hw import train
from snn2hw.arguments import positive, whole
from snn2hw.errors import UsageError
from snn2hw.shown import meant
from snn2hw.train.checkpoint_folder import BEST, LAST
from snn2hw.weights import load_weights

FINETUNE = 5  # epochs on the integers


@dataclass(frozen=True)
class Preset:
    """What a small set is trained with.

    Args:
        width: factor of the channels. recipe: of the training. finetune: of the training on integers.
    """

    width: float
    recipe: train.Recipe
    finetune: train.Recipe


@dataclass(frozen=True)
class Plan:
    """A model and how it is trained.

    Args:
        build: build(classes=, channels=, size=, width=, steps=, surrogate_widths=, and what `choices` names) -> untrained model.
        sets: names in `deep_data.SETS`, the default first. steps: T.
        recipe: for a published set; its augmentation is the set's own, where it states none.
        presets: for the digits, by the set's name.
        choices: further arguments of build, each with what it can be, the default first.
        mix: classes -> the recipe's mix, where the model is trained with one.
    """

    build: Callable[..., torch.nn.Module]
    sets: tuple[str, ...]
    steps: int
    recipe: train.Recipe
    presets: Mapping[str, Preset] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mix: Callable[[int], train.recipe.Mix] | None = None


def main(plan: Plan, folder: Path) -> int:
    """`run` with the arguments of the process; exit code 0, 2 after an error's message, 130 where it was interrupted."""
    return exit_code(lambda: run(plan, folder, sys.argv[1:]))


def run(plan: Plan, folder: Path, arguments: list[str]) -> None:
    """Train; go on where a training was killed; with --integers measure the integers as well.

    What is measured are the weights of the epoch that was best on samples held back of the training split; with --no-validation
    those of the last epoch. The test split chooses nothing.

    Raises:
        DataError: the data set is not in the folder. UsageError, ShapeError, CheckpointError: see `snn2hw.train.fit`.
    """
    options = _parser(plan, folder).parse_args(arguments)
    if options.finetune is not None and not options.integers:
        raise UsageError(
            "no training on integers was asked for",
            where="--finetune",
            got=f"--finetune {options.finetune} without --integers",
            expected="--finetune with --integers",
            do="give --integers, too, or leave out --finetune",
        )
    name = _set(plan, options.data, options.set)
    found, preset = deep_data.SETS[name], plan.presets.get(name)
    steps = plan.steps if options.steps is None else options.steps
    recipe = _recipe(plan, name, options)
    width = (preset.width if preset else 1.0) if options.width is None else positive("--width", options.width, folder.name)
    if options.skip_corrupt and not found.images:
        raise UsageError(
            "there are no images that could be passed over",
            where="--skip-corrupt",
            got=name,
            expected="a set of image files, as imagenet is",
            do="leave out --skip-corrupt",
        )
    finetune = _finetune(preset, recipe, options.finetune)  # what is wrong with it is said before the training
    how = deep_data.How(steps, _size(found, options.size, name), skip=options.skip_corrupt)
    most = None if options.samples is None else whole("--samples", options.samples, 1, None, folder.name)
    parts = deep_data.parts(name, Path(options.data), how, most, not options.no_validation)
    shape = {"classes": len(parts.training.classes), "channels": found.channels, "size": how.size, "width": width, "steps": steps}
    with train.seeded(options.seed):
        model = plan.build(**shape, surrogate_widths=options.surrogate_widths, **{k: getattr(options, k) for k in plan.choices})
    count = sum(p.numel() for p in model.parameters())
    say = (lambda text: None) if options.quiet else print
    held = "none" if parts.validation is None else f"{len(parts.validation):,}"
    say(
        f"{folder.name} on {name}: {len(parts.training):,} samples, {held} held back, "
        f"{count:,} parameters, T = {steps}, width {width:g}"
    )
    shown = None if found.temporal else steps
    fitted = train.fit(
        model, parts.training, parts.validation, steps=shown, recipe=recipe, seed=options.seed,
        out=options.out, resume="auto", device=options.device, progress=not options.quiet,
    )  # fmt: skip
    file, epoch = (LAST, fitted.last) if parts.validation is None else (BEST, fitted.best)
    load_weights(fitted.model, Path(options.out) / file)
    say(f"weights: {Path(options.out) / file}, of epoch {epoch.number}")
    say(f"float accuracy on the test split: {train.evaluate(fitted.model, parts.tests, shown, batch=recipe.batch):.4f}")
    if options.integers:
        import deep_integers

        settings = deep_integers.Settings(shown, finetune, options.seed, Path(options.out), options.device)
        deep_integers.measure(fitted.model, parts.training, parts.tests, parts.still, settings, say)


def _finetune(preset: Preset | None, recipe: train.Recipe, epochs: int | None) -> train.Recipe:
    """The recipe on the integers. Arguments: of the set, of the training in floats, and how many epochs are asked for."""
    usual = preset.finetune if preset else replace(recipe, epochs=FINETUNE, learning_rate=recipe.learning_rate / 20)
    return replace(usual, augment=recipe.augment, balance=recipe.balance, epochs=usual.epochs if epochs is None else epochs)


def _parser(plan: Plan, folder: Path) -> argparse.ArgumentParser:
    r = plan.recipe
    small = [s for s in plan.sets if not deep_data.SETS[s].on_disk]
    says = (
        f"Train {folder.name}. Interrupted or killed, the same command goes on. A tenth of the training samples of each class is "
        f"held back, and {BEST} has the weights of the epoch that is best on them; {LAST} those of the last."
    )
    for name, p in plan.presets.items():
        says += (
            f" --data {name} has defaults of its own: {p.recipe.epochs} epochs, batches of {p.recipe.batch}, "
            f"learning rate {p.recipe.learning_rate:g}, width {p.width:g}, {p.finetune.epochs} epochs on the integers."
        )
    parser = argparse.ArgumentParser(description=says)
    add = parser.add_argument
    add(
        "--data",
        default=deep_data.FOLDER,
        help=" or ".join(["folder of the data set", *small]) + f" (default {deep_data.FOLDER})",
    )
    add("--set", choices=[s for s in plan.sets if s not in small], help=f"which set is in the folder (default {plan.sets[0]})")
    add("--out", default=f"build/{folder.name}", help="folder of checkpoint, weights and history")
    add("--epochs", type=int, help=f"passes over the training samples (default {r.epochs})")
    add("--batch", type=int, help=f"samples in a batch (default {r.batch})")
    add("--learning-rate", type=float, help=f"the highest (default {r.learning_rate:g}, {r.optimiser}, cosine to 0)")
    add("--balance", type=float, help=f"weight of the positive-negative balance loss, 0 for none (default {r.balance:g})")
    add("--surrogate-widths", choices=WIDTHS, default=WIDTHS[0], help="of each layer and step (default learned)")
    add("--steps", type=int, help=f"T (default {plan.steps})")
    add("--width", type=float, help="factor of all channels (default 1)")
    add("--size", type=int, help="rows and columns of a sample, where the set can have others (default the set's)")
    add(
        "--skip-corrupt",
        action="store_true",
        help="pass over images that cannot be decoded, with a warning; else they are errors",
    )
    add("--samples", type=int, help="of each split at most so many, evenly spread (default all)")
    add("--workers", type=int, default=0, help="processes that read samples ahead")
    add("--amp", default=r.amp, choices=train.recipe.PRECISIONS, help="autocast")
    add("--device", default="auto", help="cpu, cuda, cuda:1 (default: CUDA where there is one)")
    add("--seed", type=int, default=0, help="of weights, order and augmentation")
    add("--no-validation", action="store_true", help=f"hold back no samples: train on all, and write {LAST} only")
    add("--integers", action="store_true", help="then measure the integers: compiled as it is, and after training on them")
    add("--finetune", type=int, help=f"epochs of training on the integers (default {FINETUNE})")
    add("--quiet", action="store_true", help="print nothing")
    for name, words in plan.choices.items():
        add(f"--{name}", choices=words, default=words[0], help=f"(default {words[0]})")
    return parser


def _set(plan: Plan, given: str, chosen: str | None) -> str:
    small = [s for s in plan.sets if not deep_data.SETS[s].on_disk]
    if given in small and chosen is not None:
        raise UsageError(
            "two data sets are named",
            where="--set",
            got=f"--data {given} --set {chosen}",
            expected="--set with a folder",
            do="leave out --set, or give --data a folder",
        )
    if given in small:
        return given
    if given in deep_data.SETS and not Path(given).exists():
        raise UsageError(
            "the model is not trained on this data set",
            where="--data",
            got=given,
            expected=" or ".join(["a folder", *small]),
            do=f"give the folder of {', '.join(s for s in plan.sets if s not in small)}",
        )
    if not Path(given).exists() and (near := meant(given, small)):
        raise UsageError(
            "there is neither a folder nor a data set of this name",
            where="--data",
            got=given,
            expected=" or ".join(["the folder of a data set", *small]),
            do=f"{near}check the path",
        )
    return chosen or plan.sets[0]


def _size(found: deep_data.Set, given: int | None, name: str) -> int:
    if given is None or given == found.size:
        return found.size
    if not found.sizes:
        raise UsageError(
            "the samples have one size",
            where="--size",
            got=str(given),
            expected=f"{found.size}, which all of {name} have",
            do="leave out --size",
        )
    return whole("--size", given, 1, None, name)


def _recipe(plan: Plan, name: str, options: argparse.Namespace) -> train.Recipe:
    recipe = plan.presets[name].recipe if name in plan.presets else plan.recipe
    found = deep_data.SETS[name]
    given = {k: getattr(options, k) for k in ("epochs", "batch", "learning_rate", "balance")}
    mix = plan.mix(found.classes) if plan.mix is not None and name not in plan.presets else recipe.mix
    return replace(
        recipe,
        augment=recipe.augment or found.augmented.batch,
        mix=mix,
        workers=options.workers,
        amp=options.amp,
        **{k: v for k, v in given.items() if v is not None},
    )
