"""One 3 x 3 convolution and its LNM neurons, alone: cost against density, width and steps, with spike values made by hand.

The four layers are those of a ResNet-18 body's four stages, each with as many products as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

import snn2hw
from bench.networks import macs, of_density, traffic
from bench.rounds import rounds
from snn2hw import nn
from snn2hw.backends.fast.built import build
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten, IntMaxPool2d

DENSE, EVENTS = "dense", "event-driven"
TURN = 0.01  # seconds of a way in a round: there are twice as many ways as densities
PERCENT = {DENSE: 0, EVENTS: 101}


@dataclass(frozen=True)
class Layer:
    """A layer at a density.

    Args:
        spikes: of all steps. macs: products of a dense sum. bytes: moved at least.
        seconds: way -> one figure for each round.
    """

    width: int
    size: int
    steps: int
    density: float
    spikes: int
    macs: int
    bytes: int
    seconds: dict[str, list[float]]


def layer(width: int, size: int, steps: int) -> IntegerNetwork:
    """Payloads 0 and 1 [width, size, size] -> convolution -> LNM -> the neurons of one place, so that nothing else takes time."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.LNM(degree=3, threshold=0.2),
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, momentum=None), nn.LNM(degree=3),
        nn.AvgPool2d(size), nn.Flatten(), nn.Linear(width, 10),
    )  # fmt: skip
    images = torch.rand(2, 3, size, size)
    with torch.no_grad():
        model(nn.repeat(images, 4))
    net = snn2hw.compile(model.eval(), images.numpy(), 4, target="loihi2").network
    first, second = net.neurons
    conv = next(n for n in net.nodes if isinstance(n, IntConv2d) and n.name in second.inputs)
    spikes = IntInput(first.name, (), first.shape, first.format, first.interval, unit=1.0, static=False, counts=True)
    one = IntMaxPool2d("one", (second.name,), (width, 1, 1), second.format, second.interval, Window((1, 1), (size, size)))
    flat = IntFlatten("flat", ("one",), (width,), second.format, second.interval)
    readout = IntReadout("readout", ("flat",), (width,), second.format, second.interval)
    return replace(net, steps=steps, nodes=(spikes, conv, second, one, flat, readout))


def against_density(widths: Sequence[tuple[int, int]], densities: Sequence[float], steps: int, count: int) -> list[Layer]:
    """Every width (with its size) at every density; one set of rounds for each width."""
    found = []
    for width, size in widths:
        found += _measured(layer(width, size, steps), densities, count)
    return found


def against_steps(width: int, size: int, steps: Sequence[int], density: float, count: int) -> list[Layer]:
    """One width at one density for some numbers of steps."""
    net = layer(width, size, steps[0])
    return [found for t in steps for found in _measured(replace(net, steps=t), (density,), count)]


def _measured(net: IntegerNetwork, densities: Sequence[float], count: int) -> list[Layer]:
    built = build(net, False)
    neuron = next(n for n in net.nodes if isinstance(n, IntNeuron))
    width, size, _ = neuron.shape
    readouts = {way: np.empty((1, width), np.int64) for way in PERCENT}
    runs: dict[tuple[float, str], Callable[[], None]] = {}
    spikes = {}
    for density in densities:
        x = of_density(density, (net.steps, size, size, width)).astype(built.source.input_type[:-2])
        spikes[density] = int(x.sum())
        for way, percent in PERCENT.items():
            runs[density, way] = partial(built.runner(x[None], readouts[way], [], percent), 0, 1)
            runs[density, way]()
        if (readouts[DENSE] != readouts[EVENTS]).any():
            raise AssertionError(f"both ways must give one readout, width {width}, {density} %")
    seconds = rounds({f"{d} {w}": run for (d, w), run in runs.items()}, count, turn=TURN)
    cost = macs(net, False), traffic(net, False)
    return [
        Layer(width, size, net.steps, 100 * spikes[d] / (net.steps * width * size * size), spikes[d], *cost,
              {w: seconds[f"{d} {w}"] for w in PERCENT})
        for d in densities
    ]  # fmt: skip
