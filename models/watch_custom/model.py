"""Exercises of the shoulder from a smart watch's motion sensors, with a neuron that is written here and nowhere else."""

from __future__ import annotations

from typing import ClassVar

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 100
TEMPORAL = True
OPTIONS = Options(weight_bits=8)  # what the weights were trained for
WIDTH = 64
LAST = 210  # windows of the training split: its last seven recordings, of three people and three exercises


class Tiring(nn.CustomNeuron):
    """A neuron that forgets at a rate of its own and gets tired: every spike raises its threshold, which then falls back.

    v[t] = leak v[t-1] + x[t]                    leak: learned, one for each neuron
    s[t] = [v[t] >= 1/2 + a[t-1]]
    v[t] = v[t] - s[t]
    a[t] = 15/16 a[t-1] + strength s[t]          strength: learned, one for each neuron
    """

    states: ClassVar = {"v": nn.State(range=(-4.0, 4.0)), "a": nn.State(range=(0.0, 4.0))}

    def __init__(self, count: int) -> None:
        """Leaks begin spread over 1/2 to 0.98."""
        super().__init__()
        self.leak = torch.nn.Parameter(torch.linspace(0.0, 4.0, count))
        self.strength = torch.nn.Parameter(torch.full((count,), 0.1))

    def step(self, x: Tensor, v: Tensor, a: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """One step."""
        v = nn.per_channel(torch.sigmoid(self.leak)) * v + x
        s = nn.fire(v, 0.5 + a)
        return s, {"v": v - s, "a": 0.9375 * a + nn.per_channel(self.strength) * s}


def build() -> torch.nn.Module:
    """[T, N, 6] -> logits [T, N, 7], untrained."""
    return nn.Sequential(
        nn.Linear(6, WIDTH), nn.BatchNorm1d(WIDTH), Tiring(WIDTH),
        nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), Tiring(WIDTH),
        nn.Linear(WIDTH, 7),
    )  # fmt: skip


def train_data() -> tuple[Tensor, Tensor]:
    """Windows [100, 3193, 6] in [0, 1], 1/2 where the sensor felt nothing, and labels [3193].

    The last 210 are the last seven recordings of the file; their wearers are in other recordings, too. The others are in an order
    drawn once, for the file has recording after recording, each of one exercise.
    """
    series, labels = _within(*recorded.watch("train"))
    order = torch.randperm(len(labels) - LAST, generator=torch.Generator().manual_seed(0))
    order = torch.cat([order, torch.arange(len(labels) - LAST, len(labels))])
    return series[:, order], labels[order]


def test_data() -> tuple[Tensor, Tensor]:
    """Windows [100, 1484, 6] in [0, 1] and labels [1484], of three other people."""
    return _within(*recorded.watch("test"))


def _within(series: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return (0.5 + series / (2 * torch.tensor(recorded.WATCH_SPAN))).clamp(0, 1), labels
