"""What the study trains on: the digits tasks, and recorded sets of $SNN2HW_SHARED_DATA, else of ../shared/data.

Every task has three parts. The test part is the published one. A tenth of the training samples, drawn once for all
(stratified by label), is held back to choose the epoch that counts; nothing is fitted to it. Windows of the watch overlap, so
what is held back there are the last recordings of the training part.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.commit import ROOT
from snn2hw.data import task
from snn2hw.files.read import read_bytes

HELD, SEED, WEARER = 0.1, 0, 7  # share that is held back; of the drawing; recordings of a wearer, one for each exercise
FOLDER = "SNN2HW_SHARED_DATA"
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
    (samples, labels), test = SETS[name]("train"), SETS[name]("test")
    held = _last_runs(labels, WEARER) if name == "watch" else _drawn(labels)
    return {"train": Part(samples[~held], labels[~held]), "validation": Part(samples[held], labels[held]), "test": Part(*test)}


def _drawn(labels: Tensor) -> Tensor:
    """Which of the samples are held back, bool [N]: a tenth of each class."""
    held, generator = torch.zeros(len(labels), dtype=torch.bool), torch.Generator().manual_seed(SEED)
    for label in torch.unique(labels):
        own = (labels == label).nonzero()[:, 0]
        held[own[torch.randperm(len(own), generator=generator)[: round(HELD * len(own))]]] = True
    return held


def _last_runs(labels: Tensor, count: int) -> Tensor:
    """Which of the samples are held back, bool [N]: the last so many runs of equal labels, which overlap no others."""
    begins = (labels.diff() != 0).nonzero()[:, 0] + 1
    return torch.arange(len(labels)) >= begins[-count]


Shown = tuple[Tensor, Tensor]


def _digits(name: str) -> Callable[[str], Shown]:
    def load(split: str) -> Shown:
        made = task(name, split)
        return made.samples, made.labels

    return load


def _recorded(name: str, shape: Callable[[Tensor], Tensor]) -> Callable[[str], Shown]:
    def load(split: str) -> Shown:
        folder = Path(os.environ.get(FOLDER) or ROOT.parent / "shared" / "data")
        with np.load(BytesIO(read_bytes(folder / "real" / f"{name}.npz"))) as arrays:
            x, y = arrays[f"x_{split}"], arrays[f"y_{split}"]
        return shape(torch.from_numpy(x)), torch.from_numpy(y.astype(np.int64))

    return load


def _grey(x: Tensor) -> Tensor:
    return x[:, None].float() / 255


def _series(x: Tensor) -> Tensor:
    """Each channel of an IMU to about [-1, 1]: what it is divided by is fixed, that of the training part."""
    return (x / torch.tensor(SPANS["watch"])).clamp(-1, 1)


# Of every channel the 99.5 % quantile of |x| over the training samples.
SPANS = {"watch": (3.0, 1.6, 2.2, 4.5, 7.8, 4.0)}

SETS: dict[str, Callable[[str], Shown]] = {
    "digits": _digits("digits"),
    "digits-sequential": _digits("digits-sequential"),
    "digits-events": _digits("digits-events"),
    "fashion": _recorded("fashion_mnist", _grey),
    "nmnist": _recorded("nmnist_small", lambda x: (x > 0).float()),
    "fsdd": _recorded("fsdd", lambda x: x.float() / 255),
    "watch": _recorded("watch", _series),
}
