"""What a block of a layer needs on a core, whatever else lies there: numbers that can be compared with the limits of a core.

A block is a range of channels times a range of rows times a range of columns. A layer is cut into blocks of nearly equal
sizes, so many along each axis (`Cut`); what the largest of them needs is found from tables of one axis, without making any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod
from typing import TypeAlias

import numpy as np

from snn2hw.estimation.axes import Axis, Shape3
from snn2hw.estimation.connections import Connection
from snn2hw.estimation.mapping.words import kernel_words, neuron_words
from snn2hw.estimation.resources import Layer, Resources
from snn2hw.target import Cores

Cut: TypeAlias = "tuple[int, int, int]"  # into how many blocks along channels, rows and columns
Of: TypeAlias = "Callable[[Axis, Sequence[int]], int]"  # a number of one axis that is cut at these ends


@lru_cache(maxsize=4096)
def cuts(n: int, parts: int) -> tuple[int, ...]:
    """The ends of `parts` ranges of nearly equal sizes: 0, ..., n."""
    return tuple(i * n // parts for i in range(parts + 1))


def stored_width(width: int, cores: Cores) -> int:
    """The width that a weight is kept in: the next that the chip has, itself where it has none that is wide enough."""
    return next((w for w in cores.allowed("weight_bits") or () if w >= width), width)


@dataclass
class Needs:
    """What blocks of one layer need.

    Args:
        found: of the whole network. layer: the one that is cut. cores: the chip's.
        downstream: how the layers behind it are cut, as far as that is known.
    """

    found: Resources
    layer: Layer
    cores: Cores
    downstream: Mapping[str, Cut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name = self.layer.name
        self.into, self.out = self.found.graph.into(name), self.found.graph.out_of(name)
        self.synapses = [s for s in self.found.synapses if s.connection.target == name]
        self._known: dict[tuple[Of, int, int, int], int] = {}

    @property
    def view(self) -> Shape3:
        """The shape in which it is cut."""
        return self.layer.population.view

    @cached_property
    def smallest(self) -> Cut:
        """Every neuron by itself."""
        return self.view

    def block(self, cut: Cut) -> Shape3:
        """The sizes of the largest block."""
        c, h, w = (-(-n // k) for n, k in zip(self.view, cut, strict=True))
        return c, h, w

    def loads(self, cut: Cut) -> dict[str, int]:
        """Of the largest block, for every limit of a core that the chip states."""
        made: Mapping[str, Callable[[Cut], int]] = {
            "neurons": self._neurons,
            "in_axons": self._in_axons,
            "out_axons": self._out_axons,
            "synapse_memory_bits": self._synapse_bits,
            "state_memory_bits": self._state_bits,
            "shared_memory_bits": lambda cut: self._synapse_bits(cut) + self._state_bits(cut),
            "parameter_sets": lambda cut: self._sets(self.layer.parameters, cut),
            "threshold_sets": lambda cut: self._sets(self.layer.thresholds, cut),
            "instructions": lambda cut: self.layer.instructions,
            "kernel_words": self._kernel_words,
            "neuron_words": self._neuron_words,
            "layers_per_core": lambda cut: 1,
        }
        return {name: load(cut) for name, load in made.items() if name in self.cores.facts}

    def over(self, cut: Cut) -> Iterator[tuple[str, int]]:
        """(limit, load) of every limit that the largest block breaks on the largest core."""
        for name, load in self.loads(cut).items():
            if load > largest(self.cores, name):
                yield name, load

    def fits(self, cut: Cut) -> bool:
        """Whether every block has room on a core of its own."""
        return not any(self.over(cut))

    def fewest(self) -> int:
        """Blocks that are needed at least: all of something does not lie in fewer."""
        whole, least = self.loads((1, 1, 1)), 1
        for name in ("neurons", "state_memory_bits", "synapse_memory_bits", "shared_memory_bits"):
            if name in whole:
                least = max(least, -(-whole[name] // largest(self.cores, name)))
        return least

    def traffic(self, cut: Cut, spikes: Mapping[str, float]) -> float:
        """Spikes that reach the blocks, each counted once for a block, where a value of a source sends so many of them."""
        return sum(self._of(_all_sources, c, cut) * spikes.get(c.source, 1.0) for c in self.into)

    def _neurons(self, cut: Cut) -> int:
        if "output_neurons" in self.cores.facts and self.layer.population.kind == "readout":
            return 0  # the chip has others for what leaves it
        return prod(self.block(cut))

    def _state_bits(self, cut: Cut) -> int:
        return prod(self.block(cut)) * self.layer.state_bits

    def _in_axons(self, cut: Cut) -> int:
        if cut == self.smallest:
            return self.layer.sources
        total = 0
        for source in dict.fromkeys(c.source for c in self.into):
            between = [c for c in self.into if c.source == source]
            seen = sum(self._of(_most_sources, c, cut) for c in between)
            total += min(seen, prod(a.of for a in between[0].axes))
        return total

    def _out_axons(self, cut: Cut) -> int:
        reached = 0
        for name in dict.fromkeys(c.target for c in self.out):
            parts = self.downstream.get(name, (1, 1, 1))
            each = [self._of(_reached, c, parts) for c in self.out if c.target == name]
            reached += min(sum(each), prod(parts))
        return prod(self.block(cut)) * reached

    def _synapse_bits(self, cut: Cut) -> int:
        total, kept = 0, set[str]()
        for s in self.synapses:
            width = stored_width(s.width, self.cores)
            if s.shares and self.cores.shares_kernels:
                if s.synapse.name not in kept:
                    total += self.block(cut)[0] * s.synapse.weight[0].size * width
                kept.add(s.synapse.name)
            else:
                total += width * self._of(_most_pairs, s.connection, cut)
        return total

    def _sets(self, constants: tuple[tuple[int, ...], ...], cut: Cut) -> int:
        ends = [cuts(n, k) for n, k in zip(self.view, cut, strict=True)]
        if self.view[0] != len(constants):  # one for the layer, or for channels that are not those of the view
            return min(len({*constants}), prod(self.block(cut)))
        whole = [(0, n) for n in self.view[1:]]
        return max(len(self.layer.of_block(constants, [channels, *whole])) for channels in pairwise(ends[0]))

    def _kernel_words(self, cut: Cut) -> int:
        return kernel_words(self.cores, self.synapses, self.block(cut))

    def _neuron_words(self, cut: Cut) -> int:
        return neuron_words(self.cores, self.block(cut))

    def _of(self, what: Of, c: Connection, cut: Cut) -> int:
        """A product of numbers of the three axes."""
        total = 1
        for axis, (a, k) in enumerate(zip(c.axes, cut, strict=True)):
            key = (what, id(c), axis, k)
            if key not in self._known:
                self._known[key] = what(a, cuts(a.to, k))
            total *= self._known[key]
        return total


def largest(cores: Cores, name: str) -> int:
    """A limit of the core that has the most of it."""
    low = cores.facts[name].low
    return int(max(low) if isinstance(low, list) else low)


def _most_pairs(axis: Axis, ends: Sequence[int]) -> int:
    return int(np.add.reduceat(axis.reads(), np.asarray(ends[:-1])).max())


def _most_sources(axis: Axis, ends: Sequence[int]) -> int:
    return int(axis.tiles(ends).sum(1).max())


def _all_sources(axis: Axis, ends: Sequence[int]) -> int:
    return int(axis.tiles(ends).sum())


def _reached(axis: Axis, ends: Sequence[int]) -> int:
    return int(axis.tiles(ends).sum(0).max())
