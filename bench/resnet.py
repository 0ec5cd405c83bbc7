"""The simulator on a ResNet-18 body for 32x32 images (random weights, BatchNorm statistics of random images), T = 4, batch 1.

One run, one thread, the same network and image for every executor, minima and medians of rounds: fast (dense, event by event,
and as it decides itself), onnxruntime on our own ONNX, torch float32 on the model it was made from. The threshold sets how much
fires. Milliseconds are of this machine; the ratios are the result.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

import snn2hw
from snn2hw import console, nn
from snn2hw.api import stimulus
from snn2hw.executors import EXECUTORS
from snn2hw.executors.fast import Fast

STEPS, WIDTHS = 4, (64, 128, 256, 512)


class Block(torch.nn.Module):
    """Two convolutions; the membrane takes the shortcut where shapes change."""

    def __init__(self, entering: int, leaving: int, stride: int, neuron: Callable[[], torch.nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entering, leaving, 3, stride=stride, padding=1, bias=False)
        self.norm1, self.fire1 = nn.BatchNorm2d(leaving), neuron()
        self.conv2 = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        self.norm2, self.fire2 = nn.BatchNorm2d(leaving), neuron()
        self.short: torch.nn.Module | None = None
        if stride != 1:
            self.short = torch.nn.Sequential(nn.Conv2d(entering, leaving, 1, stride=stride, bias=False), nn.BatchNorm2d(leaving))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(self.fire1(self.norm1(self.conv1(x)))))
        return self.fire2(y if self.short is None else y + self.short(x))


def resnet(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    layers: list[torch.nn.Module] = [nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False), nn.BatchNorm2d(WIDTHS[0]), neuron()]
    entering = WIDTHS[0]
    for stage, leaving in enumerate(WIDTHS):
        for block in range(2):
            layers.append(Block(entering, leaving, 2 if stage and not block else 1, neuron))
            entering = leaving
    return torch.nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(WIDTHS[-1], 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--neuron", choices=["LNM", "LIF", "CF"], default="LNM")
    parser.add_argument("--thresholds", nargs="+", type=float, default=[0.25, 0.4])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["SNN2HW_THREADS"] = "1"
    console.say(f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, one thread")
    for threshold in arguments.thresholds:
        _bench(arguments.neuron, threshold, arguments.rounds)


def _bench(kind: str, threshold: float, rounds: int) -> None:
    make = {"LNM": lambda: nn.LNM(degree=3, threshold=threshold), "LIF": lambda: nn.LIF(threshold=threshold)}
    make["CF"] = lambda: nn.CirculateFiring(levels=2, threshold=threshold)
    torch.manual_seed(0)
    model, images = resnet(make[kind]), torch.rand(16, 3, 32, 32)
    with torch.no_grad():
        for _ in range(3):
            model(nn.repeat(images, STEPS))
    model.eval()
    artefact = snn2hw.compile(model, images[:4].numpy(), STEPS, target="loihi2")
    payloads = stimulus(artefact, images[:1].numpy())
    fast = {"fast": Fast(), "fast, dense": Fast(0), "fast, event by event": Fast(101)}
    ways: dict[str, Callable[[], Any]] = {
        **{name: lambda f=f: f.run(artefact, payloads, False) for name, f in fast.items()},
        "onnxruntime": lambda: EXECUTORS["onnxruntime"].run(artefact, payloads, False),
        "torch float32": lambda: _float(model, images[:1]),
    }
    law = EXECUTORS["reference"].run(artefact, payloads)
    for name in fast:
        assert np.array_equal(ways[name]().readout, law.readout), name
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, run in ways.items():
            begun = perf_counter()
            run()
            times[name].append(1e3 * (perf_counter() - begun))
    density = np.mean([np.mean(v != 0) for v in law.spikes.values()])
    own = min(times["fast"][1:])
    rows = [[n, f"{min(t[1:]):.2f}", f"{median(t[1:]):.2f}", f"{min(t[1:]) / own:.2f}"] for n, t in times.items()]
    title = f"ResNet-18 body, {kind}, threshold {threshold:g}: {100 * density:.1f} % of payloads are not zero"
    console.table(title, ["executor", "min ms", "median ms", "times fast's minimum"], rows, (1, 2, 3))


def _float(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(nn.repeat(images, STEPS))


if __name__ == "__main__":
    main()
