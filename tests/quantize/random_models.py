"""Random torch models, as users write them, to be prepared, trained a little, and compared with the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from snn2hw import Options, nn

TARGETS = ("generic", "loihi2")
STEPPED = 1 << 32  # from this seed on the models of the seeds from 0 on, with thresholds that depend on the step


@dataclass(frozen=True)
class Drawn:
    """A model with batch statistics, samples for it ([N, ...] static, else [T, N, ...]), and how to prepare it."""

    model: torch.nn.Module
    sample: torch.Tensor
    steps: int | None
    target: str
    options: Options

    @property
    def x(self) -> torch.Tensor:
        """[T, N, ...]."""
        return self.sample if self.steps is None else nn.repeat(self.sample, self.steps)


class Residual(torch.nn.Module):
    """neuron(norm(conv(x)) + x)"""

    def __init__(self, channels: int, neuron: torch.nn.Module) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)
        self.neuron = neuron

    def forward(self, x: Any) -> Any:
        return self.neuron(self.norm(self.conv(x)) + x)


def drawn(seed: int) -> Drawn:
    """A function of the seed alone."""
    if seed >= STEPPED:
        case, rng = drawn(seed - STEPPED), np.random.default_rng(seed)
        for neuron in case.model.modules():
            if isinstance(neuron, nn.Neuron):
                factors = tuple(rng.choice([0.25, 0.5, 0.75, 1.0, 1.0, 1.3, 2.0], int(rng.integers(2, 6))).tolist())
                neuron.firing = replace(neuron.firing, circulates=True, by_step=factors)
                neuron.log_scale = torch.nn.Parameter(torch.zeros(())) if rng.random() < 0.6 else neuron.log_scale
        return case
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        channels, size, steps, n = int(rng.integers(2, 6)), int(rng.choice([7, 8, 9])), int(rng.integers(1, 5)), 6
        layers: list[torch.nn.Module] = [
            nn.Conv2d(2, channels, 3, padding=int(rng.integers(0, 2)), stride=int(rng.integers(1, 3)))
        ]
        if rng.random() < 0.6:
            layers.append(nn.BatchNorm2d(channels))
        layers.append(family_neuron(rng, channels))
        if rng.random() < 0.4:
            layers.append(Residual(channels, family_neuron(rng, channels)))
        if rng.random() < 0.5:
            kind = nn.MaxPool2d if rng.random() < 0.5 else nn.AvgPool2d
            layers += [kind(2, 1), nn.Conv2d(channels, 4, 2), family_neuron(rng, 4)]
        layers.append(nn.Flatten())
        counts = rng.random() < 0.5
        shape = (2, size, size)
        x = torch.as_tensor(rng.integers(0, 3, (steps, n, *shape)) if counts else rng.random((n, *shape)), dtype=torch.float32)
        entering = x if counts else nn.repeat(x, steps)
        body = nn.Sequential(*layers)
        features = body(entering).shape[2]
        hidden = int(rng.integers(3, 9))
        model = nn.Sequential(*layers, nn.Linear(features, hidden), family_neuron(rng, hidden), nn.Linear(hidden, 4))
        with torch.no_grad():
            for m in model.modules():
                if isinstance(m, torch.nn.Conv2d | torch.nn.Linear):
                    m.weight *= float(rng.uniform(1.5, 4))
            model(entering)
    target = str(rng.choice(TARGETS))
    weight_bits, state_bits = int(rng.choice([2, 3, 4, 6, 8, 8])), int(rng.choice([10, 12, 16]))
    options = Options(state_bits, weight_bits, str(rng.choice(["auto", "layer", "channel"])))
    return Drawn(model.eval(), x, None if counts else steps, target, options)


def family_neuron(rng: np.random.Generator, channels: int) -> torch.nn.Module:
    common: dict[str, Any] = {
        "reset": str(rng.choice(["subtract", "value", "none"])),
        "strict": bool(rng.random() < 0.3),
        "order": str(rng.choice(["poly_then_input", "input_then_poly"])),
        "channels": channels if rng.random() < 0.4 else None,
        "threshold": float(rng.choice([0.5, 1.0])),
    }
    surrogate = nn.Triangle(2.0, learnable=bool(rng.random() < 0.5))
    kind = int(rng.integers(0, 5))
    if kind == 0:
        return nn.LIF(float(rng.uniform(0.2, 0.95)), **common, surrogate=surrogate)
    if kind == 1:
        return nn.PLIF(float(rng.uniform(0.2, 0.95)), **common, surrogate=surrogate)
    if kind == 2:
        learned = {"learn_decay": bool(rng.random() < 0.5), "learn_threshold": bool(rng.random() < 0.5)}
        signed = bool(rng.random() < 0.5)
        levels = int(rng.integers(1, 5))
        learned |= _negative(np.random.default_rng(rng.bit_generator.state["state"]["state"])) if signed else {}
        return nn.CirculateFiring(levels, signed=signed, **common, **learned, surrogate=surrogate)
    made = nn.LNM(int(rng.integers(1, 5)), **common, surrogate=surrogate)
    if kind == 4:
        with torch.no_grad():
            made.a += torch.randn_like(made.a) * 0.3 * 4.0 ** -torch.arange(made.a.shape[1])
    return made


def _negative(rng: np.random.Generator) -> dict[str, Any]:
    """Amplitudes of negative spikes, given or learned; from a generator of their own, so that all else is what it was."""
    if rng.random() < 0.4:
        return {}
    learned = bool(rng.random() < 0.5)
    amplitude = float(rng.choice([0.0, 0.25, 0.5, 1.0, 0.3] + [2.0] * (not learned)))
    return {"negative_amplitude": amplitude, "learn_negative_amplitude": learned, "staircase": bool(rng.random() < 0.3)}
