"""Lava beside `fast` on a few layers: 3 -> 64 -> 64 channels of 32 x 32 with LNM, the beginning of a ResNet-18 body.

Lava needs seconds for what takes `fast` a millisecond, so it gets few samples and its figure is that of a step: what its
processes take to start is left out, what it takes to record spikes and states is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import torch

import snn2hw
from bench.learned import give_learned_polynomials
from bench.networks import CLASSES, NEURONS, SIZE, STEPS, macs, settle
from bench.ways import threads_of_fast
from snn2hw import nn
from snn2hw.api import stimulus
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.lava.executor import LavaExecutor
from snn2hw.errors import Snn2hwError

CALLS = 20  # of `fast` in a round: Lava takes seconds for one


@dataclass(frozen=True)
class Lava:
    """Both on the same layers and samples.

    Args:
        lava, fast: seconds of a step, one figure for each round. steps: that Lava ran in a round. macs: of a step.
        reason: why Lava did not run; empty where it did.
    """

    lava: list[float]
    fast: list[float]
    steps: int
    processes: int
    macs: int
    reason: str = ""


def against_lava(rounds: int, width: int = 64, samples: int = 2) -> Lava:
    """Lava and fast in turn; `fast` some calls for each of Lava's."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), NEURONS["LNM"](),
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), NEURONS["LNM"](),
        nn.AvgPool2d(SIZE), nn.Flatten(), nn.Linear(width, CLASSES),
    )  # fmt: skip
    images = torch.rand(samples, 3, SIZE, SIZE)
    give_learned_polynomials(model)
    settle(model, nn.repeat(images, STEPS), None)
    artefact = snn2hw.compile(model, images.numpy(), STEPS, target="loihi2")
    payloads = stimulus(artefact, images.numpy())
    lava, fast = LavaExecutor(), Fast()
    found = Lava([], [], 0, 0, macs(artefact.network, True) // STEPS)
    if reason := lava.unavailable():
        return Lava([], [], 0, 0, found.macs, reason)
    wanted = fast.run(artefact, payloads, False).readout
    for _ in range(rounds):
        try:
            trace = lava.run(artefact, payloads, False)
        except Snn2hwError as error:
            return Lava([], [], 0, 0, found.macs, error.what)
        assert (trace.readout == wanted).all()
        found.lava.append(lava.report["seconds_run"] / (lava.report["steps"] - 1))
        with threads_of_fast(1):
            begun = perf_counter()
            for _ in range(CALLS):
                fast.run(artefact, payloads, False)
        found.fast.append((perf_counter() - begun) / CALLS / (samples * STEPS))
    return Lava(found.lava, found.fast, int(lava.report["steps"]), int(lava.report["processes"]), found.macs)
