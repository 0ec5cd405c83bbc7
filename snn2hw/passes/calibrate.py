"""calibrate: run the real network on the sample and remember what the later passes decide by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from snn2hw.ir.network import Conv2d, Linear, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.ir.windows import patches
from snn2hw.passes.base import Compilation, Observation, Pass


@dataclass(frozen=True)
class Calibrate(Pass):
    """Fan-ins of every synapse (a random draw, fixed seed), firing rate of every neuron layer.

    Args:
        rows: how many fan-ins of each synapse are kept, over all steps.
        samples: how many samples of the sample are used at most.
        seed: of the draw.
    """

    name: ClassVar[str] = "calibrate"
    says: ClassVar[str] = "run the real network on the sample; keep fan-ins and firing rates"

    rows: int = 1024
    samples: int = 256
    seed: int = 0

    def run(self, c: Compilation) -> Compilation:
        """The compilation with an Observation for every synapse and neuron."""
        static = c.real.input.static
        x = np.asarray(c.sample, np.float64)
        x = x[: self.samples] if static else x[:, : self.samples]
        seen = _Seen(np.random.default_rng(self.seed), -(-self.rows // c.real.steps))
        run_real(c.real, x, seen)
        return replace(c, observed=seen.observations())


class _Seen:
    def __init__(self, rng: np.random.Generator, rows_per_step: int) -> None:
        self.rng, self.rows_per_step = rng, rows_per_step
        self.rows: dict[str, list[Reals]] = {}
        self.rates: dict[str, list[float]] = {}

    def __call__(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Neuron):
            self.rates.setdefault(node.name, []).append(float(np.mean(value != 0)))
        elif isinstance(node, Conv2d | Linear):
            self.rows.setdefault(node.name, []).append(self._draw(node, inputs[0]))

    def _draw(self, node: Conv2d | Linear, x: Reals) -> Reals:
        """[G, P, fan-in] at random places of random samples; one sample gives several places so that few are unfolded."""
        if isinstance(node, Linear):
            chosen = self.rng.integers(0, len(x), self.rows_per_step)
            return x[chosen][None]
        images = self.rng.integers(0, len(x), min(len(x), 64))
        seen = patches(x[images], node.window, node.groups).transpose(1, 0, 2, 3)
        seen = seen.reshape(node.groups, -1, seen.shape[-1])
        return np.ascontiguousarray(seen[:, self.rng.integers(0, seen.shape[1], self.rows_per_step)])

    def observations(self) -> dict[str, Observation]:
        synapses = {name: Observation(rows=np.concatenate(r, axis=1)) for name, r in self.rows.items()}
        neurons = {name: Observation(rate=float(np.mean(r))) for name, r in self.rates.items()}
        return {**synapses, **neurons}
