"""Random models with layers that hear themselves: neurons of every kind, Linear and Conv2d synapses, one layer or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from snn2hw import Options, nn
from tests.quantize.random_models import TARGETS, Drawn, family_neuron
from tests.random_equations import make_neuron, neuron_source

PUBLISHED: dict[str, Callable[[], torch.nn.Module]] = {
    "ALIF": lambda: nn.ALIF(0.8, 0.9, 0.3, learn=True),
    "CubaLIF": lambda: nn.CubaLIF(0.8, 0.5, 0.4, learn=True),
    "IAF": lambda: nn.IAF(0.6),
    "IFNode": lambda: nn.IFNode(0.6),
    "Izhikevich": lambda: nn.Izhikevich(learn=True),
    "LIFBox": lambda: nn.LIFBox(v_th=0.3),
    "LIFNode": lambda: nn.LIFNode(v_threshold=0.4),
    "LIFRefrac": lambda: nn.LIFRefrac(2.0, v_th=0.2),
    "LSNN": lambda: nn.LSNN(v_th=0.2, beta=0.3),
    "Lapicque": lambda: nn.Lapicque(0.9, threshold=0.5),
    "Leaky": lambda: nn.Leaky(0.9, threshold=0.5, learn_beta=True, learn_threshold=True),
    "NorseLIF": lambda: nn.NorseLIF(v_th=0.2),
    "ParametricLIFNode": lambda: nn.ParametricLIFNode(v_threshold=0.4),
    "QIFNode": lambda: nn.QIFNode(v_threshold=0.4),
    "RLeaky": lambda: nn.RLeaky(0.9, 0.3, threshold=0.5, learn_beta=True, learn_recurrent=True, learn_threshold=True),
    "RSynaptic": lambda: nn.RSynaptic(0.7, 0.8, -0.4, learn_recurrent=True),
    "RefractoryLIF": lambda: nn.RefractoryLIF(learn=True),
    "ResonateAndFire": lambda: nn.ResonateAndFire(learn=True),
    "Synaptic": lambda: nn.Synaptic(0.7, 0.8, threshold=0.6, learn_beta=True),
}


class Again(torch.nn.Module):
    """One recurrent layer that is called twice, and a way around it."""

    def __init__(self, layer: torch.nn.Module, between: torch.nn.Module) -> None:
        super().__init__()
        self.layer, self.between = layer, between

    def forward(self, x: Any) -> Any:
        return self.layer(self.between(self.layer(x)) + self.between(x))


def drawn_recurrent(seed: int) -> Drawn:
    """A function of the seed alone."""
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        steps, n, images = int(rng.integers(3, 8)), 9, bool(rng.random() < 0.4)
        shape, channels = ((2, 5, 4) if images else (7,)), int(rng.integers(2, 6))
        moving = rng.random() < 0.6
        given = rng.integers(0, 3, (steps, n, *shape)) if moving else rng.random((n, *shape))
        x = torch.as_tensor(given, dtype=torch.float32)
        first = nn.Conv2d(2, channels, 3, padding=1) if images else nn.Linear(7, channels)
        layer: torch.nn.Module = _recurrent(rng, channels, images, seed)
        if rng.random() < 0.2:
            layer = nn.Sequential(nn.LIF(0.5, threshold=0.3), Again(layer, _synapse(rng, channels, images)))
        layers: list[torch.nn.Module] = [first, layer]
        if rng.random() < 0.3:
            layers += [_synapse(rng, channels, images), _recurrent(rng, channels, images, seed + 1)]
        layers += [nn.Flatten(), nn.Linear(channels * 20, 4)] if images else [nn.Linear(channels, 4)]
        model = nn.Sequential(*layers)
        with torch.no_grad():
            for m in model.modules():
                if isinstance(m, torch.nn.Conv2d | torch.nn.Linear):
                    m.weight *= float(rng.uniform(1.5, 4))
    options = Options(int(rng.choice([10, 12, 16])), int(rng.choice([3, 4, 8, 8])), str(rng.choice(["auto", "layer", "channel"])))
    return Drawn(model.eval(), x, None if moving else steps, str(rng.choice(TARGETS)), options)


def _recurrent(rng: np.random.Generator, channels: int, images: bool, seed: int) -> nn.Recurrent:
    kind = int(rng.integers(0, 4))
    if kind < 2:
        neuron = family_neuron(rng, channels)
    elif kind == 2:
        neuron = PUBLISHED[str(rng.choice(list(PUBLISHED)))]()
    else:
        neuron = make_neuron(neuron_source(seed), channels)
    return nn.Recurrent(neuron, _synapse(rng, channels, images), enters=str(rng.choice(["with", "after"])))


def _synapse(rng: np.random.Generator, channels: int, images: bool) -> torch.nn.Module:
    """From a shape to the same."""
    bias = bool(rng.random() < 0.5)
    if not images:
        return nn.Linear(channels, channels, bias=bias)
    kernel, dilation = ((1, 3), 1) if rng.random() < 0.3 else ((3, 3), int(rng.integers(1, 3)))
    groups = channels if rng.random() < 0.3 else 1
    padding = tuple(dilation * (k - 1) // 2 for k in kernel)
    return nn.Conv2d(channels, channels, kernel, padding=padding, dilation=dilation, groups=groups, bias=bias)
