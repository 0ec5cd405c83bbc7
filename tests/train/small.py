"""A training small enough for tests, which kills its process in the middle of an epoch if told to."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from snn2hw import nn, train

N, CLASSES, SHAPE, STEPS = 60, 3, (2, 4, 4), 2
KILL_AT = "SNN2HW_TEST_KILL_AT"
calls = 0


def model(seed: int = 0) -> torch.nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.LNM(degree=3),
            nn.Dropout(0.1),
            nn.Flatten(),
            nn.Linear(64, 12),
            nn.CirculateFiring(levels=2),
            nn.Linear(12, CLASSES),
        )


def data(samples: int = N, seed: int = 0, shape: tuple[int, ...] = SHAPE) -> tuple[Tensor, Tensor]:
    """Classes that differ in where they are bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (samples,), generator=generator)
    x = torch.rand(samples, *shape, generator=generator)
    x[torch.arange(samples), ..., labels] += 1.0
    return x / 2, labels


class Noisy(Dataset[Any]):
    """Items with noise drawn in the process that reads them."""

    def __init__(self) -> None:
        self.x, self.labels = data()

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.x[index] + 0.1 * torch.rand(SHAPE), int(self.labels[index])


def shifted(x: Tensor) -> Tensor:
    """Moved by up to a pixel; the process dies in the batch it was told to."""
    global calls  # noqa: PLW0603
    calls += 1
    if str(calls) == os.environ.get(KILL_AT):
        os.kill(os.getpid(), signal.SIGKILL)
    return x.roll(int(torch.randint(-1, 2, ())), -1)


RECIPE = train.Recipe(epochs=3, batch=16, learning_rate=1e-2, balance=0.01, augment=shifted, workers=2)


def fitted(out: Path | None, **arguments: Any) -> train.Fitted:
    return train.fit(
        model(), Noisy(), data(30, 1), steps=STEPS, recipe=RECIPE, out=out, progress=False, device="cpu", **arguments
    )
