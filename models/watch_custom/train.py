"""Trains the network of tiring neurons on a smart watch's motion: python models/watch_custom/train.py [--hold-out N]."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from snn2hw.train import Recipe
from snn2hw.user_models import load_source

HERE = Path(__file__).resolve().parent

source = load_source(HERE / "model.py")  # also makes the files of models/ importable

import recorded_command  # noqa: E402
import recorded_training  # noqa: E402


def varied(series: Tensor) -> Tensor:
    """Windows [T, N, 6], each 0.8 to 1.25 times as strong, channel by channel, and as if the watch sat turned by up to 0.2 rad.

    The first three channels are the acceleration, the others the rotation: one turn for both.
    """
    steps, n, channels = series.shape
    turned = torch.einsum("nij,tnkj->tnki", torch.linalg.matrix_exp(_skew(0.2 * (2 * torch.rand(n, 3) - 1))),
                          (series - 0.5).reshape(steps, n, 2, 3))  # fmt: skip
    factor = 0.8 * (1.25 / 0.8) ** torch.rand(n, channels)
    return (0.5 + turned.reshape(series.shape) * factor).clamp(0, 1)


def _skew(axis: Tensor) -> Tensor:
    x, y, z = axis.unbind(1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)


FLOATS = Recipe(epochs=16, batch=128, learning_rate=6e-3, label_smoothing=0.05, augment=varied)
INTEGERS = Recipe(epochs=1, batch=128, learning_rate=5e-4, label_smoothing=0.05, augment=varied)
PLAN = recorded_training.Plan(source.build, None, source.OPTIONS, FLOATS, INTEGERS, calibration=64)


def main() -> int:
    """The command line; see recorded_command.main."""
    return recorded_command.main(source, PLAN, HERE, source.LAST)


if __name__ == "__main__":
    sys.exit(main())
