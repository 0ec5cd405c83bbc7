"""What an arrangement of blocks on cores needs of each core, and how many spikes it sends from core to core: exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snn2hw.estimation.mapping.blocks import Indices
from snn2hw.estimation.mapping.problem import OUTSIDE, Floats, Problem
from snn2hw.shown import brief


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Blocks on cores.

    Args:
        problem: blocks and nets. core: [blocks] the core of each, counted from 0 without a gap.
    """

    problem: Problem
    core: Indices

    __repr__ = brief

    @cached_property
    def cores(self) -> int:
        """Cores in use."""
        return int(self.core.max(initial=-1)) + 1

    @cached_property
    def reach(self) -> tuple[Indices, Indices]:
        """(net, core) of every core that a net sends to, each pair once."""
        p = self.problem
        net = np.repeat(np.arange(len(p.net_source)), np.diff(p.net_start))
        pairs = np.unique(net * max(self.cores, 1) + self.core[p.net_blocks])
        return pairs // max(self.cores, 1), pairs % max(self.cores, 1)

    @cached_property
    def source_core(self) -> Indices:
        """[nets] the core that sends, or OUTSIDE."""
        source = self.problem.net_source
        return np.where(source == OUTSIDE, OUTSIDE, self.core[np.maximum(source, 0)])

    @cached_property
    def loads(self) -> dict[str, Indices]:
        """Limit -> [cores] what is needed of it, of all that the chip states."""
        p, facts, n = self.problem, self.problem.cores.facts, self.cores
        found = {name: _summed(self.core, each, n) for name, each in p.needs.items()}
        for name, kept in p.kept.items():
            found[name] = found.get(name, np.zeros(n, np.int64)) + self._once(kept)
        net, core = self.reach
        if "in_axons" in facts:
            found["in_axons"] = _summed(core, p.net_neurons[net], n)
        if "out_axons" in facts:
            own = self.source_core[net]
            found["out_axons"] = _summed(own[own >= 0], p.net_neurons[net][own >= 0], n)
        if "destinations_per_neuron" in facts:
            most = np.bincount(net, minlength=len(p.net_source))
            found["destinations_per_neuron"] = np.zeros(n, np.int64)
            inside = self.source_core >= 0
            np.maximum.at(found["destinations_per_neuron"], self.source_core[inside], most[inside])
        if "destinations_per_core" in facts:
            found["destinations_per_core"] = self._destinations()
        return found

    def over(self) -> Iterator[tuple[int, str, int]]:
        """(core, limit, load) of every limit that is broken on a core, were it the one that has the most."""
        for name, load in self.loads.items():
            most = largest_of(self.problem, name)
            for core in np.flatnonzero(load > most):
                yield int(core), name, int(load[core])

    @cached_property
    def crossing(self) -> float:
        """Spikes that go from one core, or from outside, to another, each counted once for each core that it reaches."""
        net, core = self.reach
        away = core != self.source_core[net]
        return float(self.problem.net_spikes[net][away].sum())

    @cached_property
    def routes(self) -> tuple[Indices, Indices, Indices, Floats]:
        """(core or OUTSIDE, core, axons, spikes) of every pair of cores of which one sends to the other, or to itself."""
        p = self.problem
        net, core = self.reach
        key = (self.source_core[net] + 1) * max(self.cores, 1) + core
        pairs, of = np.unique(key, return_inverse=True)
        axons = np.bincount(of, weights=p.net_neurons[net], minlength=len(pairs)).astype(np.int64)
        spikes: Floats = np.bincount(of, weights=p.net_spikes[net], minlength=len(pairs)).astype(np.float64)
        return pairs // max(self.cores, 1) - 1, pairs % max(self.cores, 1), axons, spikes

    @cached_property
    def synapses(self) -> Indices:
        """[cores] weights that are kept on each, kernels once."""
        return _summed(self.core, self.problem.synapses, self.cores) + self._once(self.problem.kernels)

    @cached_property
    def neurons(self) -> Indices:
        """[cores] values that are computed on each, those of readouts and relays among them."""
        return _summed(self.core, np.array([b.neurons for b in self.problem.blocks], np.int64), self.cores)

    def _once(self, kept: tuple[tuple[tuple[object, int], ...], ...]) -> Indices:
        total, seen = np.zeros(self.cores, np.int64), set[tuple[int, object]]()
        for core, each in zip(self.core.tolist(), kept, strict=True):
            for what, size in each:
                if (core, what) not in seen:
                    seen.add((core, what))
                    total[core] += size
        return total

    def _destinations(self) -> Indices:
        p, layers = self.problem, {b.layer: k for k, b in enumerate(self.problem.blocks)}
        layer_of = np.array([layers[b.layer] for b in p.blocks], np.int64)
        net = np.repeat(np.arange(len(p.net_source)), np.diff(p.net_start))
        own = self.source_core[net]
        away = (own >= 0) & (own != self.core[p.net_blocks])
        key = np.unique(own[away] * len(p.blocks) + layer_of[p.net_blocks][away])
        return np.bincount(key // len(p.blocks), minlength=self.cores)


def largest_of(problem: Problem, name: str) -> int:
    """A limit of the core that has the most of it."""
    low = problem.cores.facts[name].low
    return int(max(low) if isinstance(low, list) else low)


def compact(core: Indices) -> Indices:
    """The same arrangement with cores counted from 0 without a gap, in the order in which blocks name them."""
    _, first, of = np.unique(core, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[of.ravel()].astype(np.int64)


def _summed(core: Indices, each: Indices, n: int) -> Indices:
    total = np.zeros(n, np.int64)
    np.add.at(total, core, each)
    return total
