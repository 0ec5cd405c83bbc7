"""How the digits models are trained: `snn2hw.train` with one recipe, on shifted images, on one thread."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from snn2hw import train as training
from snn2hw.data import digits
from snn2hw.train.threads import one_thread

STEPS = 4
SHIFTED = 0.3  # the share of images moved by up to a pixel; the scans fill their frame, so moving more cuts digits off

Build = Callable[[], torch.nn.Module]


def shifted(images: Tensor) -> Tensor:
    """A share of the images [N, 1, H, W] moved by -1, 0 or 1 pixels down and across, zeros moving in."""
    n, size = len(images), images.shape[-1]
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1))[:, 0]
    start = torch.where(torch.rand(n, 1) < SHIFTED, torch.randint(0, 3, (2, n, 1)), 1)
    down, across = start + torch.arange(size)
    return padded[torch.arange(n)[:, None, None], down[:, :, None], across[:, None, :]][:, None]


RECIPE = training.Recipe(
    batch=96,
    learning_rate=6e-3,
    dynamics_rate=1.0,
    weight_decay=1e-2,
    warmup=0.15,
    label_smoothing=0.05,
    clip=None,
    range_penalty=0.0,
    coefficient_penalty=1e-2,  # keeps learned polynomials near where they started, and so bounded over the state range
    augment=shifted,
    drop_last=True,
)


def train(build: Build, seed: int, epochs: int, progress: bool = True) -> training.Fitted:
    """The trained model, on the CPU, and its history; the test split is never read.

    Args:
        build: makes the untrained model, [T, N, 1, 8, 8] -> [T, N, 10].
        seed: of weights, order and shifts; the same seed gives the same weights on the same CPU and torch.
        epochs: passes over the 1437 training samples.
        progress: as in `snn2hw.train.fit`.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    images, labels = digits.load("train")
    return fit(build, images, labels, seed, epochs, progress)


def fit(build: Build, images: Tensor, labels: Tensor, seed: int, epochs: int, progress: bool = True) -> training.Fitted:
    """`train` on given images float32 [N, 1, 8, 8] and labels int64 [N], N at least one batch."""
    recipe = dataclasses.replace(RECIPE, epochs=epochs)
    with one_thread():
        with training.seeded(seed):
            model = build()
        data = (images, labels)
        return training.fit(model, data, steps=STEPS, recipe=recipe, seed=seed, device="cpu", progress=progress)
