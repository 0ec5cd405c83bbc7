"""The data sets that deep models are trained on, by name: published ones from a folder, the digits from scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from snn2hw import data
from snn2hw.data import Samples, augment
from snn2hw.errors import ShapeError, UsageError
from snn2hw.train.held_back import held_back

FOLDER_VARIABLE, FOLDER = "SNN2HW_DATA", "data"
CALIBRATION = 256


@dataclass(frozen=True)
class How:
    """How samples are read.

    Args:
        steps: T. size: rows and columns. still: as they are, every time the same; else with what is random in reading them.
        skip: whether files that cannot be read are passed over.
    """

    steps: int
    size: int
    still: bool = False
    skip: bool = False


@dataclass(frozen=True)
class Set:
    """A data set.

    Args:
        open: (folder, split, how) -> its samples. splits: for training, for testing. on_disk: whether it has a folder.
        classes, channels, size: of the model. sizes: whether its samples may have another size than that.
        augmented: what the field does to its samples. images: whether it is of image files, which may be damaged.
        temporal: whether a sample begins with T.
    """

    open: Callable[[Path, str, How], Samples]
    splits: tuple[str, str]
    classes: int
    channels: int
    size: int
    augmented: augment.Chain
    temporal: bool = False
    on_disk: bool = True
    sizes: bool = False
    images: bool = False


class Enlarged(Samples):
    """Scans of 8x8 as images of size x size, bilinear: values stay in [0, 1]."""

    steps = None

    def __init__(self, split: str, size: int) -> None:
        task = data.task("digits", split)
        self.labels, self.classes, self.shape = task.labels, task.classes, (1, size, size)
        self.samples = interpolate(task.samples, (size, size), mode="bilinear", align_corners=False)

    def sample(self, index: int) -> Tensor:
        """A view of `samples`."""
        return self.samples[index]


@dataclass(frozen=True)
class Parts:
    """What a training and its measurement read.

    Args:
        training: samples to train on. validation: those held back of them, as they are; None where none are.
        still: `training` as it is, for scales. tests: the test split.
    """

    training: Samples
    validation: Samples | None
    still: Samples
    tests: Samples


MOVED = augment.Chain((augment.RandomCrop(4), augment.Flip()))
SETS = {
    "cifar10": Set(lambda root, split, how: data.CIFAR10(root, split), ("train", "test"), 10, 3, 32, MOVED),
    "cifar100": Set(lambda root, split, how: data.CIFAR100(root, split), ("train", "test"), 100, 3, 32, MOVED),
    "imagenet": Set(
        lambda root, split, how: data.ImageFolder(
            root, split, size=how.size, crop="centre" if how.still else None, on_corrupt="skip" if how.skip else "raise"
        ),
        ("train", "val"), 1000, 3, 224, augment.Chain((augment.Flip(),)),  # cut out at random already, when it is decoded
        sizes=True, images=True,
    ),
    "cifar10-dvs": Set(
        lambda root, split, how: data.CIFAR10DVS(root, split, steps=how.steps, size=how.size),
        ("train", "test"), 10, 2, 48, augment.Chain((augment.Flip(), augment.EventRoll(5))), temporal=True, sizes=True,
    ),
    "digits": Set(
        lambda root, split, how: Enlarged(split, how.size),
        ("train", "test"), 10, 1, 32, augment.Chain((augment.RandomCrop(2),)), on_disk=False, sizes=True,
    ),
    "digits-events": Set(
        lambda root, split, how: data.task("digits-events", split),
        ("train", "test"), 10, 2, 16, augment.Chain((augment.RandomCrop(1),)), temporal=True, on_disk=False,
    ),
}  # fmt: skip


def opened(name: str, root: Path, how: How) -> tuple[Samples, Samples]:
    """Samples to train on, samples to test on.

    Raises:
        DataError: the set is not in the folder, or damaged. ShapeError: samples of another T than the model's.
    """
    found, steps = SETS[name], how.steps
    train, test = (found.open(root, split, how) for split in found.splits)
    if train.steps not in (None, steps):
        raise ShapeError(
            "the samples have another number of steps than the model",
            where=f"data set '{name}'",
            got=f"T = {train.steps}",
            expected=f"T = {steps}",
            do=f"train with --steps {train.steps}, or bin the events into {steps} frames",
        )
    return train, test


def parts(name: str, root: Path, how: How, most: int | None, hold: bool) -> Parts:
    """The parts of a data set.

    Args:
        name: of the set. root: its folder. how: it is read.
        most: of each split at most so many samples, evenly spread; None: all.
        hold: whether a tenth of each class of the training split is held back (`held_back`).

    Raises:
        DataError, ShapeError: as `opened`. UsageError: no class has samples enough that one can be held back.
    """
    training, tests = opened(name, root, how)
    still = training
    if SETS[name].images:  # cut out at random whenever they are read
        still, _ = opened(name, root, replace(how, still=True))
    if most is not None:
        training, still, tests = (samples.part(spread(samples, most)) for samples in (training, still, tests))
    if not hold:
        return Parts(training, None, still, tests)
    out = held_back(training.labels)
    kept, held = (places.nonzero()[:, 0].tolist() for places in (~out, out))
    if not held:
        raise UsageError(
            "there are too few training samples to hold some of them back",
            where=f"data set '{name}'",
            got=f"{len(training)} samples of {len(training.labels.unique())} classes",
            expected="2 samples of a class or more",
            do="take more samples, or give --no-validation to hold back none",
        )
    return Parts(training.part(kept), still.part(held), still.part(kept), tests)


def calibration(name: str, steps: int) -> tuple[Tensor, Tensor]:
    """Up to 256 samples, spread over the training split, from $SNN2HW_DATA or data/: [N, ...], or [T, N, ...] where temporal.

    Raises:
        DataError: the set is not there; `snn2hw compile --sample FILE.npy` needs none.
    """
    found = SETS[name]
    how = How(steps, found.size, still=True)
    return with_largest(found.open(Path(os.environ.get(FOLDER_VARIABLE, FOLDER)), found.splits[0], how), CALIBRATION)


def with_largest(samples: Samples, most: int) -> tuple[Tensor, Tensor]:
    """So many of the samples, evenly spread, and their labels: [N, ...], or [T, N, ...] where temporal.

    Of event counts the last one is the sample with the largest count of all: the range of counts is taken from what is shown,
    and one that a training meets later must be in it.
    """
    places = spread(samples, most)
    if not samples.static:
        places[-1] = max(range(len(samples)), key=lambda k: float(samples[k][0].max()))
    x = torch.stack([samples[k][0] for k in places])
    return x if samples.static else x.transpose(0, 1), samples.labels[places]


def spread(samples: Samples, most: int) -> list[int]:
    """Indices of so many of the samples, of all where there are no more."""
    count = min(most, len(samples))
    return [k * len(samples) // count for k in range(count)]
