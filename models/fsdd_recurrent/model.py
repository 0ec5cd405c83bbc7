"""A recurrent network on spoken digits (FSDD), whose neurons fire up to four spikes a step."""

from __future__ import annotations

import recorded
import torch
from torch import Tensor

from snn2hw import Options, nn

STEPS = 40
TEMPORAL = True
OPTIONS = Options(weight_bits=8)  # what the weights were trained for
WIDTH = 160


def neuron() -> nn.CirculateFiring:
    """Circulate firing as we read it, without negative spikes; a learned decay that begins at 180 ms."""
    return nn.CirculateFiring(4, signed=False, decay=0.9, learn_decay=True, surrogate=nn.Triangle(1.0))


class Deaf(torch.nn.Module):
    """A neuron layer as `nn.Recurrent` has it, without the synapse: the same names, a fraction of the time."""

    def __init__(self, neuron: torch.nn.Module) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, x: Tensor) -> Tensor:
        """Spike values of the neuron."""
        fired: Tensor = self.neuron(x)
        return fired


def build(recurrent: bool = True) -> torch.nn.Module:
    """[T, N, 32] -> logits [T, N, 10], untrained; the second layer hears itself, through weights that begin at 0.

    Args:
        recurrent: whether it does; where not, the weights that are left have the same names.
    """
    heard = nn.Linear(WIDTH, WIDTH)
    torch.nn.init.zeros_(heard.weight)
    torch.nn.init.zeros_(heard.bias)
    return nn.Sequential(
        nn.Linear(32, WIDTH), nn.BatchNorm1d(WIDTH), neuron(),
        nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Recurrent(neuron(), heard) if recurrent else Deaf(neuron()),
        nn.Linear(WIDTH, 10),
    )  # fmt: skip


def train_data() -> tuple[Tensor, Tensor]:
    """Spectra [40, 2700, 32] in [0, 1] and labels [2700], in an order drawn once, for the file has digit after digit."""
    spectra, labels = recorded.spoken_digits("train")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return spectra[:, order], labels[order]


def test_data() -> tuple[Tensor, Tensor]:
    """Spectra [40, 300, 32] in [0, 1] and labels [300]: the data set's own test split."""
    return recorded.spoken_digits("test")
