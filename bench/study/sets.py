"""What the study trains on: the digits tasks, and recorded sets of $SNN2HW_SHARED_DATA, else of ../shared/data.

Every task has three parts. The test part is the published one. A tenth of the training samples, drawn once for all
(stratified by label), is held back to choose the epoch that counts; nothing is fitted to it. Windows of the watch overlap, so
what is held back there is the last recording of every exercise; the training has others of those who wear it there.

All parts are in an order that is drawn, so that the first of them, which integers are calibrated and compared on, are like all
others: files have one class after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from snn2hw.data import task
from snn2hw.train.held_back import held_back
from snn2hw.user_models import load_source, models_folder

SEED = 0  # of the order of samples
# Of Fashion-MNIST's 60,000 those that are trained on, so that a training takes minutes; and of its 10,000 those that a
# Transformer is tested on, whose integers take 25 ms each.
IMAGES, SHOWN = 6000, 1000
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """samples float32 [N, ...] (temporal: [N, T, ...]), labels int64 [N]."""

    samples: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@cache
def parts(name: str) -> dict[str, Part]:
    """Training, validation and test part of a task, by name of SETS."""
    (samples, labels), test = SETS[name].load("train"), SETS[name].load("test")
    held = SETS[name].held(labels)
    made = {"train": (samples[~held], labels[~held]), "validation": (samples[held], labels[held]), "test": test}
    return {part: _shuffled(*own) for part, own in made.items()}


def _shuffled(samples: Tensor, labels: Tensor) -> Part:
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SEED))
    return Part(samples[order], labels[order])


def _last_runs(labels: Tensor) -> Tensor:
    """Which of the samples are held back, bool [N]: of every label the last run of it, which overlaps no other."""
    runs = torch.cat([torch.zeros(1, dtype=torch.int64), (labels.diff() != 0).cumsum(0)])
    last = torch.stack([runs[labels == label].max() for label in torch.unique(labels)])
    return torch.isin(runs, last)


Shown = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Set:
    """load: samples [N, ...] (temporal: [N, T, ...]) and labels of a split. held: which training samples are held back."""

    load: Callable[[str], Shown]
    held: Callable[[Tensor], Tensor] = held_back


def _digits(name: str) -> Set:
    def load(split: str) -> Shown:
        made = task(name, split)
        return made.samples, made.labels

    return Set(load)


def _source() -> Any:
    return load_source(models_folder() / "recorded.py")


def _recorded(name: str, static: bool = False, held: Callable[[Tensor], Tensor] = held_back) -> Set:
    """A set of models/recorded.py, by the name of its function; there samples are [T, N, ...] where they are not static."""

    def load(split: str) -> Shown:
        samples, labels = getattr(_source(), name)(split)
        return (samples if static else samples.transpose(0, 1)), labels

    return Set(load, held)


def _first(whole: Set, counts: Mapping[str, int]) -> Set:
    """The first so many samples of each split."""

    def load(split: str) -> Shown:
        samples, labels = whole.load(split)
        return samples[: counts[split]], labels[: counts[split]]

    return Set(load, whole.held)


def _watch() -> Set:
    """Each channel of the sensor to about [-1, 1]: what it is divided by is fixed, that of the training part."""
    raw = _recorded("watch", held=_last_runs)

    def load(split: str) -> Shown:
        (samples, labels), source = raw.load(split), _source()
        return (samples / torch.tensor(source.WATCH_SPAN)).clamp(-1, 1), labels

    return Set(load, raw.held)


SETS = {
    "digits-sequential": _digits("digits-sequential"),
    "digits-events": _digits("digits-events"),
    "fashion": _first(_recorded("fashion", static=True), {"train": IMAGES, "test": 10_000}),
    "fashion-patches": _first(_recorded("fashion", static=True), {"train": IMAGES, "test": SHOWN}),
    "nmnist": _recorded("nmnist"),
    "fsdd": _recorded("spoken_digits"),
    "watch": _watch(),
}
