"""calibrate: run the float network on the sample and remember what the later passes decide by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import EquationNeuron, Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.layers import Operator, Synapse
from snn2hw.passes.base import Compilation, Observation, Pass


@dataclass(frozen=True)
class Calibrate(Pass):
    """Fan-ins of every synapse (a random draw, fixed seed), firing rate of every neuron layer.

    Args:
        rows: how many fan-ins of each synapse are kept, over all steps.
        samples: how many samples of the sample are used at most.
        seed: of the draw.
        products: how many products of weights are computed at most; a network too large for that is shown fewer samples, spread
            evenly over those it would be shown, and one at least.
        memory: bytes of values at once; more are computed batch by batch.
    """

    name: ClassVar[str] = "calibrate"
    says: ClassVar[str] = "run the float network on the sample; keep fan-ins and firing rates"

    rows: int = 1024
    samples: int = 256
    seed: int = 0
    products: int = 1 << 36
    memory: int = 1 << 30

    def run(self, c: Compilation) -> Compilation:
        """The compilation with an Observation for every synapse and neuron."""
        axis = 0 if c.real.input.static else 1
        shown = self.shown(c.real, c.sample.shape[axis])
        places = spread(shown, min(self.samples, c.sample.shape[axis]))
        batch = max(1, self.memory // bytes_of_sample(c.real))
        seen = _Seen(np.random.default_rng(self.seed))
        for start in range(0, shown, batch):
            some = places[start : start + batch]
            seen.begin(len(some), -(-self.rows * len(some) // (c.real.steps * shown)))
            run_real(c.real, _taken(c.sample, some, axis), seen)
        return replace(c, observed=seen.observations())

    def shown(self, net: Network, given: int) -> int:
        """How many of so many samples the network is shown."""
        return min(given, self.samples, max(1, self.products // (net.steps * max(1, products(net)))))


def spread(shown: int, total: int) -> list[int]:
    """The places of so many samples among all of them, evenly spread."""
    return [k * total // shown for k in range(shown)]


def products(net: Network) -> int:
    """Products of a weight and a value that one sample needs at one step."""
    return sum(n.macs() for n in net.nodes if isinstance(n, Operator))


def bytes_of_sample(net: Network) -> int:
    """What a sample needs at one step: two reals for every value and every state, and the largest fan-in unfolded."""
    shapes = {n.name: n.shape for n in net.nodes}
    unfolded = [n.unfolded() for n in net.nodes if isinstance(n, Synapse)]
    return 8 * (2 * sum(map(prod, shapes.values())) + 2 * max(unfolded, default=0))


def _taken(sample: npt.NDArray[Any], places: list[int], axis: int) -> Reals:
    return np.take(sample, places, axis).astype(np.float64)


class _Seen:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.samples, self.rows_per_step = rng, 0, 0
        self.rows: dict[str, list[Reals]] = {}
        self.rates: dict[str, list[tuple[float, int]]] = {}

    def begin(self, samples: int, rows_per_step: int) -> None:
        """A batch of so many samples, of which so many fan-ins are kept at every step."""
        self.samples, self.rows_per_step = samples, rows_per_step

    def __call__(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Neuron | EquationNeuron):
            self.rates.setdefault(node.name, []).append((float(np.mean(value != 0)), self.samples))
        elif isinstance(node, Synapse):
            self.rows.setdefault(node.name, []).append(node.fan_ins(inputs[0], self.rng, self.rows_per_step))

    def observations(self) -> dict[str, Observation]:
        synapses = {name: Observation(rows=np.concatenate(r, axis=1)) for name, r in self.rows.items()}
        neurons = {name: Observation(rate=_mean(r)) for name, r in self.rates.items()}
        return {**synapses, **neurons}


def _mean(rates: list[tuple[float, int]]) -> float:
    shares, samples = zip(*rates, strict=True)
    return float(np.average(shares, weights=samples)) if len(set(samples)) > 1 else float(np.mean(shares))
