"""The networks that are measured: digits_lnm as it was trained; VGG-11 and a ResNet-18 body for 32x32 images, random weights.

Nobody trained the large ones: LNM has the polynomials of digits_lnm, BatchNorm takes its statistics from random images, and
thresholds are either those that neurons come with or, for a target density, found layer by layer so that so many of a layer's
spike values are not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import snn2hw
from bench.learned import give_learned_polynomials
from snn2hw import nn
from snn2hw.api import stimulus
from snn2hw.artefact import Artefact
from snn2hw.backends.c.plan import plan, type_bytes
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork, IntInput
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.trace import Ints
from snn2hw.user_models import find_model

STEPS, SIZE, CLASSES = 4, 32, 10
WIDTHS = (64, 128, 256, 512)
CALIBRATION = 4  # images that BatchNorm, thresholds and scales are taken from
LOWEST, HIGHEST, HALVINGS = 1e-3, 4.0, 14  # of the search for a threshold; 4 is the end of the state's range
NEURONS: dict[str, Callable[[], nn.LNM | nn.CirculateFiring]] = {
    "LNM": partial(nn.LNM, degree=3),
    "CF": partial(nn.CirculateFiring, levels=4, signed=True),
}
Make = Callable[[], torch.nn.Module]


@dataclass(frozen=True)
class Compiled:
    """A network to be measured.

    Args:
        kind: of its neurons. wish: density asked for in percent, or None as the neurons come.
        density: percent of all spike values that are not zero, for the image that is measured.
    """

    name: str
    kind: str
    wish: int | None
    density: float
    model: torch.nn.Module
    artefact: Artefact
    images: Tensor

    def payloads(self, batch: int) -> Ints:
        """Of the first images."""
        return stimulus(self.artefact, self.images[:batch].numpy())


class Block(torch.nn.Module):
    """Two convolutions; the membrane takes the shortcut where shapes change."""

    def __init__(self, entering: int, leaving: int, stride: int, neuron: Make) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entering, leaving, 3, stride=stride, padding=1, bias=False)
        self.norm1, self.fire1 = nn.BatchNorm2d(leaving), neuron()
        self.conv2 = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        self.norm2, self.fire2 = nn.BatchNorm2d(leaving), neuron()
        self.short: torch.nn.Module | None = None
        if stride != 1:
            self.short = torch.nn.Sequential(nn.Conv2d(entering, leaving, 1, stride=stride, bias=False), nn.BatchNorm2d(leaving))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm2(self.conv2(self.fire1(self.norm1(self.conv1(x)))))
        fired: Tensor = self.fire2(y if self.short is None else y + self.short(x))
        return fired


def resnet18(neuron: Make, widths: Sequence[int]) -> torch.nn.Module:
    layers: list[torch.nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), neuron()]
    entering = widths[0]
    for stage, leaving in enumerate(widths):
        for block in range(2):
            layers.append(Block(entering, leaving, 2 if stage and not block else 1, neuron))
            entering = leaving
    return torch.nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(widths[-1], CLASSES))


def vgg11(neuron: Make, widths: Sequence[int]) -> torch.nn.Module:
    a, b, c, d = widths
    layers: list[torch.nn.Module] = []
    entering = 3
    for group in ((a,), (b,), (c, c), (d, d), (d, d)):
        for leaving in group:
            layers += [nn.Conv2d(entering, leaving, 3, padding=1, bias=False), nn.BatchNorm2d(leaving), neuron()]
            entering = leaving
        layers.append(nn.MaxPool2d(2))
    return torch.nn.Sequential(*layers, nn.Flatten(), nn.Linear(d, CLASSES))


BODIES: dict[str, Callable[[Make, Sequence[int]], torch.nn.Module]] = {"VGG-11": vgg11, "ResNet-18": resnet18}


def compiled(name: str, kind: str, wish: int | None, widths: Sequence[int], images: int) -> Compiled:
    """One of `BODIES`, and random images to run it on."""
    torch.manual_seed(0)
    model = BODIES[name](NEURONS[kind], widths)
    shown, measured = torch.rand(CALIBRATION, 3, SIZE, SIZE), torch.rand(images, 3, SIZE, SIZE)
    return prepared(name, kind, wish, model, shown, measured, STEPS)


def prepared(
    name: str, kind: str, wish: int | None, model: torch.nn.Module, shown: Tensor, measured: Tensor, steps: int
) -> Compiled:
    """A network that nobody trained, compiled.

    Args:
        name, kind, wish: as in `Compiled`. shown: what BatchNorm, thresholds and scales are taken from. measured: its images.
        steps: T.
    """
    give_learned_polynomials(model)
    settle(model, nn.repeat(shown, steps), wish)
    artefact = snn2hw.compile(model, shown[:1].numpy(), steps, target="loihi2")
    return _compiled(name, kind, wish, model, artefact, measured)


def digits(images: int, wish: int | None = None) -> Compiled:
    """digits_lnm and test images; for a target density with other thresholds than those it was trained with."""
    found = find_model("digits_lnm")
    assert found.source is not None
    assert found.sample is not None
    if wish is not None:
        settle(found.module, nn.repeat(torch.as_tensor(found.sample)[:CALIBRATION], STEPS), wish)
    artefact = snn2hw.compile(found.module, found.sample, found.steps, target="loihi2")
    found.module.eval()
    return _compiled("digits_lnm", "LNM", wish, found.module, artefact, found.source.test_data()[0][:images])


def _compiled(name: str, kind: str, wish: int | None, model: torch.nn.Module, artefact: Artefact, images: Tensor) -> Compiled:
    law = interpret(artefact.network, stimulus(artefact, images[:1].numpy()))
    fired, all_of_them = (sum(f(v) for v in law.spikes.values()) for f in (np.count_nonzero, np.size))
    return Compiled(name, kind, wish, 100 * fired / all_of_them, model, artefact, images)


def settle(model: torch.nn.Module, x: Tensor, wish: int | None) -> None:
    """BatchNorm statistics of x, and thresholds for the target percentage, in one pass; leaves the model in evaluation mode."""

    def search(neuron: torch.nn.Module, entering: tuple[Tensor, ...]) -> None:
        assert isinstance(neuron, nn.LNM | nn.CirculateFiring)
        least, most = LOWEST, HIGHEST
        for _ in range(HALVINGS):
            theta = (least + most) / 2
            neuron.firing = replace(neuron.firing, thresholds=(theta,) * len(neuron.thresholds))
            active = 100 * float((neuron.forward(entering[0][:, :1]) != 0).float().mean())
            least, most = (theta, most) if active > (wish or 0) else (least, theta)

    hooks = []
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean of all that was seen, not one that forgets
        elif wish is not None and isinstance(module, nn.LNM | nn.CirculateFiring):
            hooks.append(module.register_forward_pre_hook(search))
    model.train()
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    model.eval()


def macs(net: IntegerNetwork, still: bool) -> int:
    """Multiplications of a sample that a dense sum does; a synapse whose input is the same at every step is summed once."""
    values, total = plan(net, 0, still).values, 0
    for node in net.nodes:
        if isinstance(node, IntConv2d | IntLinear):
            total += values[node.inputs[0]].steps * prod(node.shape) * prod(node.weight.shape[1:])
    return total


def traffic(net: IntegerNetwork, still: bool) -> int:
    """Bytes that a sample moves where nothing stays in a cache: weights once, values once written and once for each reader."""
    laid = plan(net, 0, still)
    total = sum(n.weight.size for n in net.nodes if isinstance(n, IntConv2d | IntLinear))
    for node in net.nodes:
        value = laid.values[node.name]
        readers = sum(node.name in n.inputs for n in net.nodes)
        times = 0 if node.name in laid.fused.values() else readers + (not isinstance(node, IntInput))
        total += times * value.steps * prod(node.shape) * type_bytes(value.type)
    return total


def of_density(density: float, shape: Sequence[int]) -> npt.NDArray[Any]:
    """Payloads 0 and 1, so many percent of them 1."""
    return (np.random.default_rng(0).random(tuple(shape)) < density / 100).astype(np.uint8)
