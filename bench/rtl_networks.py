"""Small networks on the digits scans, one for each kind of layer a circuit must have; compiled in a few seconds.

Nobody has trained them: weights are random, and BatchNorm statistics make every layer fire. What
they show is that two ways of running a network agree, never how well it classifies. The first
`CALIBRATION` scans of the training split set statistics and scales; all have T = 4 and fewer than
2,000 neurons.

    artefact, images = compiled("two states", 64)     # 64 scans of the test split
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

import snn2hw
from bench.learned import give_learned_polynomials
from snn2hw import nn
from snn2hw.data import digits
from snn2hw.nn import blocks
from snn2hw.passes.findings import LossWarning
from snn2hw.train import seeded

STEPS, CALIBRATION = 4, 64
Make = Callable[[], torch.nn.Module]


def compiled(name: str, samples: int = 64, out: str | Path | None = None, *, seed: int = 0) -> tuple[snn2hw.Artefact, Tensor]:
    """A network of `NETWORKS`, and scans [samples, 1, 8, 8] of the test split to run it on.

    Args:
        name: of the network. samples: how many scans. out: folder of the artefact, None: in memory.
        seed: of the weights.

    Raises:
        MissingExtraError: scikit-learn is not installed. KeyError: no such network.
    """
    images = digits.load("train")[0][:CALIBRATION]
    module = settled(name, images, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)  # what random weights predict is nothing to lose
        artefact = snn2hw.compile(module, images, STEPS, out=out)
    return artefact, digits.load("test")[0][:samples]


def settled(name: str, images: Tensor, seed: int = 0) -> torch.nn.Module:
    """The float model of a network, in evaluation mode, BatchNorm statistics taken from these images.

    Args:
        name: of the network. images: [N, 1, 8, 8] in [0, 1]. seed: of the weights.
    """
    with seeded(seed):
        module = NETWORKS[name]()
    give_learned_polynomials(module)
    blocks.settle(module, nn.repeat(images, STEPS))
    return module


class MixingBlock(torch.nn.Module):
    """y = x + fire(mix(x)), z = y + fire(narrow(fire(wide(y)))): a Transformer block whose attention is a convolution.

    mix is depthwise, 7x7 for 4x4 places: every place hears every other, each channel by weights of
    its own. The perceptron is two 1x1 convolutions. Both residuals add spike values [T, N, C, 4, 4].
    """

    def __init__(self, channels: int, ratio: int = 2) -> None:
        super().__init__()
        self.mix = nn.Sequential(*blocks.conv_norm(channels, channels, 7, groups=channels), nn.LIF())
        self.wide = nn.Sequential(*blocks.conv_norm(channels, ratio * channels, 1), nn.LIF())
        self.narrow = nn.Sequential(*blocks.conv_norm(ratio * channels, channels, 1), nn.LIF())

    def forward(self, x: Tensor) -> Tensor:
        """Spike values."""
        y = x + self.mix(x)
        z: Tensor = y + self.narrow(self.wide(y))
        return z


def _dense(neuron: Make, hidden: int = 48) -> torch.nn.Module:
    """64-48-48-10: two layers of the same neuron."""
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(64, hidden), nn.BatchNorm1d(hidden), neuron()),
        *(nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), neuron()),
        nn.Linear(hidden, 10),
    )


def _residual() -> torch.nn.Module:
    """Both residuals: one adds synaptic sums, the other spikes; learned polynomials fire."""
    return nn.Sequential(
        blocks.cifar_stem(8, None, channels=1),
        *(blocks.MembraneBlock(8, 8, 1, lambda c: nn.LNM(3)), nn.LNM(3), nn.MaxPool2d(2)),
        blocks.SpikeBlock(8, 8, 1, lambda c: nn.LIF()),
        *(nn.Flatten(), nn.Linear(128, 10)),
    )


def _spike_driven() -> torch.nn.Module:
    """The spike-driven Transformer block of 8 channels on 4 x 4 places; circulate firing, two spikes per step."""
    kinds = blocks.circulating(levels=2)
    return nn.Sequential(
        *(blocks.cifar_stem(8, kinds.neuron, channels=1), blocks.conv_norm(8, 8, stride=2)),
        blocks.SpikeDrivenBlock(8, 4, kinds, ratio=2),
        *(kinds.neuron(8), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(8, 10)),
    )


def _attention() -> torch.nn.Module:
    """The Spikformer block of 8 channels in two heads on 4 x 4 places: products of queries, keys and values."""
    kinds = blocks.circulating(levels=2)
    return nn.Sequential(
        *(blocks.cifar_stem(8, kinds.neuron, channels=1), blocks.conv_norm(8, 8, stride=2), kinds.neuron(8)),
        blocks.SpikformerBlock(8, 4, 2, kinds, ratio=2),
        *(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(8, 10)),
    )


def _token_mixing() -> torch.nn.Module:
    """4 x 4 places of 8 channels, one block that mixes them, the mean of the places."""
    return nn.Sequential(
        *(blocks.cifar_stem(8, lambda c: nn.LIF(), channels=1), nn.MaxPool2d(2)),
        MixingBlock(8),
        *(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(8, 10)),
    )


NETWORKS: Mapping[str, Callable[[], torch.nn.Module]] = {
    "two states": lambda: _dense(nn.CubaLIF),
    "adaptive threshold": lambda: _dense(nn.ALIF),
    "recurrent": lambda: _dense(lambda: nn.Recurrent(nn.LIF(0.75), nn.Linear(48, 48))),
    "residual": _residual,
    "token mixing": _token_mixing,
    "spike-driven": _spike_driven,
    "attention": _attention,
}
