"""Three tasks of the same digits scans: seen at once, line by line, and by an event camera."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.data import digits, saccades
from snn2hw.data.kept import Kept
from snn2hw.data.labelled import Samples, Transform

FRAMES = 10


@dataclass(frozen=True)
class Kind:
    """A way to show the scans.

    Args:
        says: in a line, what a sample is. show: images float32 [N, 1, 8, 8] in [0, 1] -> samples [N, ...].
        temporal: whether a sample begins with T.
    """

    says: str
    show: Callable[[Tensor], Tensor]
    temporal: bool


class Task(Samples):
    """A part of the digits scans, shown in one way; in memory as a whole.

    Attributes:
        name: of TASKS. split: "train" or "test". samples: float32 [N, *shape], not
            transformed; `self[i]` are views of it where there is no transform.
    """

    def __init__(self, name: str, split: str, transform: Transform | None = None) -> None:
        kind = TASKS[one_of("task", name, tuple(TASKS), "snn2hw.data.task")]
        images, self.labels = digits.load(split)
        self.name, self.split, self.classes, self.transform = name, split, digits.CLASSES, transform
        self.samples = kind.show(images)
        self.shape = tuple(self.samples.shape[1:])
        self.steps = self.shape[0] if kind.temporal else None

    def sample(self, index: int) -> Tensor:
        """A view of `samples`."""
        return self.samples[index]


def task(name: str, split: str, transform: Transform | None = None) -> Task:
    """A task by its name: 1437 samples for training, 360 for testing, the same ones in every task.

    digits             [1, 8, 8]          the scan, static, in [0, 1]
    digits-sequential  [8, 8]             one row per step: row t from the top is the input of step t, in [0, 1]
    digits-events      [10, 2, 16, 16]    OFF and ON events counted in 30 ms each, while the scan is moved (`saccades`)

    Args:
        name: of TASKS. split: "train" or "test". transform: applied to every sample that is taken; not to `samples`.

    Raises:
        UsageError: another name or split. MissingExtraError: scikit-learn is not installed.
    """
    return Task(name, split, transform)


def _events(images: Tensor) -> Tensor:
    scans = np.rint(images[:, 0].numpy() * digits.WHITE).astype(np.int8)
    shape = (len(scans), FRAMES, 2, saccades.SIZE, saccades.SIZE)
    facts = (saccades.facts(), hashlib.sha256(scans.tobytes()).hexdigest())
    kept = Kept("digits-events", facts, np.dtype(np.uint8), shape)
    counts = kept.read()
    if counts is None:
        exact = np.stack([e.frames(FRAMES, duration=saccades.DURATION) for e in saccades.record(scans)])
        counts = exact.astype(np.uint8)
        assert np.array_equal(counts, exact)
        kept.write(counts)
    return torch.from_numpy(counts.astype(np.float32))


TASKS = {
    "digits": Kind("the scan, static", lambda images: images, temporal=False),
    "digits-sequential": Kind("one row of the scan per step", lambda images: images[:, 0].contiguous(), temporal=True),
    "digits-events": Kind("the scan moved before an event camera", _events, temporal=True),
}
