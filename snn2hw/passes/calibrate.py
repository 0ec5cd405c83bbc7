"""calibrate: run the float network on the sample and remember what the later passes decide by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import EquationNeuron, Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.layers import Operator, Synapse
from snn2hw.passes.base import Compilation, Observation, Pass
from snn2hw.run.job import Job, results


@dataclass(frozen=True)
class Calibrate(Pass):
    """Fan-ins of every synapse (a random draw, fixed seed), firing rate of every neuron layer.

    Args:
        rows: how many fan-ins of each synapse are kept, over all steps.
        samples: how many samples of the sample are used at most.
        seed: of the draw.
        products: how many products of weights are computed at most; a network too large for that is shown fewer samples, spread
            evenly over those it would be shown, and one at least.
        memory: bytes of values at once; more are computed batch by batch, on as many processes as the compilation is given.
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
        counts = [min(batch, shown - start) for start in range(0, shown, batch)]
        rows = tuple((n, -(-self.rows * n // (c.real.steps * shown))) for n in counts)
        parts = ((k, _taken(c.sample, places[k * batch : (k + 1) * batch], axis)) for k in range(len(counts)))
        seen = _Merged()
        with results(Job("calibrate", _observing, (c.real, self.seed, rows)), parts, c.workers, c.cluster) as each:
            for part in each:
                seen.add(part)
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


def _observing(given: tuple[Network, int, Sequence[tuple[int, int]]]) -> Callable[[tuple[int, Reals]], _Seen]:
    """What a process does with a batch: (its number, its samples), which come in their order, if not without gaps.

    Args:
        given: the network, the seed of the draw, and of each batch (samples, rows that are kept at every step).
    """
    net, seed, rows = given
    draw, drawn = np.random.default_rng(seed), 0

    def observed(part: tuple[int, Reals]) -> _Seen:
        nonlocal draw, drawn
        number, x = part
        if number < drawn:  # a batch that another process was lost with
            draw, drawn = np.random.default_rng(seed), 0
        for n, each in rows[drawn:number]:  # what other processes draw for the batches before
            _passed(net, draw, n, each)
        drawn = number + 1
        seen = _Seen(draw, *rows[number])
        run_real(net, x, seen)
        return seen.without_draw()

    return observed


def _passed(net: Network, draw: np.random.Generator, samples: int, rows: int) -> None:
    """Draw as for a batch of which the values do not matter: what is drawn depends on the shapes alone."""
    shapes = {n.name: n.shape for n in net.nodes}
    for _ in range(net.steps):
        for node in net.nodes:
            if isinstance(node, Synapse):
                node.fan_ins(np.broadcast_to(np.zeros(()), (samples, *shapes[node.inputs[0]])), draw, rows)


class _Seen:
    """What one batch says."""

    def __init__(self, draw: np.random.Generator | None, samples: int, rows_per_step: int) -> None:
        self.draw, self.samples, self.rows_per_step = draw, samples, rows_per_step
        self.rows: dict[str, list[Reals]] = {}
        self.rates: dict[str, list[float]] = {}

    def __call__(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Neuron | EquationNeuron):
            self.rates.setdefault(node.name, []).append(float(np.mean(value != 0)))
        elif isinstance(node, Synapse):
            assert self.draw is not None
            self.rows.setdefault(node.name, []).append(node.fan_ins(inputs[0], self.draw, self.rows_per_step))

    def without_draw(self) -> _Seen:
        """The same, for another process."""
        self.draw = None
        return self


class _Merged:
    """What all batches say, in their order."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Reals]] = {}
        self.rates: dict[str, list[tuple[float, int]]] = {}

    def add(self, part: _Seen) -> None:
        for name, rows in part.rows.items():
            self.rows.setdefault(name, []).extend(rows)
        for name, rates in part.rates.items():
            self.rates.setdefault(name, []).extend((rate, part.samples) for rate in rates)

    def observations(self) -> dict[str, Observation]:
        synapses = {name: Observation(rows=np.concatenate(r, axis=1)) for name, r in self.rows.items()}
        neurons = {name: Observation(rate=_mean(r)) for name, r in self.rates.items()}
        return {**synapses, **neurons}


def _mean(rates: list[tuple[float, int]]) -> float:
    shares, samples = zip(*rates, strict=True)
    return float(np.average(shares, weights=samples)) if len(set(samples)) > 1 else float(np.mean(shares))
