"""Blocks of layers, and what each of them needs of a core: what adds up there, and what is kept once whoever needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.estimation.axes import Shape3
from snn2hw.estimation.connections import Connection
from snn2hw.estimation.mapping.needs import stored_width
from snn2hw.estimation.mapping.words import kernel_words, neuron_words
from snn2hw.estimation.resources import Layer, Resources, Synapses
from snn2hw.target import Cores

Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Channels, rows and columns of a layer, each as (first, end)."""

    layer: str
    channels: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def size(self) -> Shape3:
        """How many channels, rows and columns."""
        c, h, w = (b - a for a, b in (self.channels, self.rows, self.columns))
        return c, h, w

    @property
    def neurons(self) -> int:
        """How many there are."""
        return prod(self.size)


def needs_of(found: Resources, cores: Cores, blocks: list[Block]) -> tuple[dict[str, Indices], dict[str, Any], Indices, Any]:
    """What adds up, and what is kept once, of every limit of a core that the chip states; and the same of synapses.

    Args:
        found: what the layers need. cores: the chip's. blocks: of the whole network.
    """
    of: dict[str, list[Synapses]] = {}
    for s in found.synapses:
        of.setdefault(s.connection.target, []).append(s)
    rows = [_Block(found.layers[b.layer], of.get(b.layer, []), b, cores) for b in blocks]
    adds = {name: np.array([get(r) for r in rows], np.int64) for name, get in ADDS.items() if name in cores.facts}
    kept = {name: tuple(tuple(get(r).items()) for r in rows) for name, get in KEPT.items() if name in cores.facts}
    synapses = np.array([r.own for r in rows], np.int64)
    return adds, kept, synapses, tuple(tuple(r.shared.items()) for r in rows)


class _Block:
    """What one block needs."""

    def __init__(self, layer: Layer, synapses: list[Synapses], block: Block, cores: Cores) -> None:
        self.layer, self.synapses, self.block, self.cores = layer, synapses, block, cores
        self.weights, self.kernels = 0, dict[Any, int]()
        self.own, self.shared = 0, dict[Any, int]()  # how many weights that are
        for s in synapses:
            width = stored_width(s.width, cores)
            if s.shares and cores.shares_kernels:
                kernel = block.size[0] * s.synapse.weight[0].size * width
                self.kernels["kernel", s.synapse.name, block.channels] = kernel
                self.shared["kernel", s.synapse.name, block.channels] = kernel // width
            else:
                pairs = _pairs(s.connection, block)
                self.weights += width * pairs
                self.own += pairs

    def neurons(self) -> int:
        outside = self.layer.population.kind == "readout" and "output_neurons" in self.cores.facts
        return 0 if outside else self.block.neurons

    def states(self) -> int:
        return self.block.neurons * self.layer.state_bits

    def sets(self, constants: tuple[tuple[int, ...], ...]) -> dict[Any, int]:
        ranges = (self.block.channels, self.block.rows, self.block.columns)
        return {(self.layer.program, c): 1 for c in self.layer.of_block(constants, ranges)}

    def words(self) -> dict[Any, int]:
        found = kernel_words(self.cores, self.synapses, self.block.size)
        return {("words", self.layer.name, self.block.channels): found} if found else {}


ADDS: Mapping[str, Callable[[_Block], int]] = {
    "neurons": _Block.neurons,
    "state_memory_bits": _Block.states,
    "synapse_memory_bits": lambda b: b.weights,
    "shared_memory_bits": lambda b: b.weights + b.states(),
    "neuron_words": lambda b: neuron_words(b.cores, b.block.size),
}
KEPT: Mapping[str, Callable[[_Block], dict[Any, int]]] = {
    "synapse_memory_bits": lambda b: b.kernels,
    "shared_memory_bits": lambda b: b.kernels,
    "parameter_sets": lambda b: b.sets(b.layer.parameters),
    "threshold_sets": lambda b: b.sets(b.layer.thresholds),
    "instructions": lambda b: {b.layer.program: b.layer.instructions} if b.layer.instructions else {},
    "layers_per_core": lambda b: {b.layer.name: 1},
    "kernel_words": _Block.words,
}


def _pairs(c: Connection, b: Block) -> int:
    ranges = (b.channels, b.rows, b.columns)
    return prod(int(a.reads()[lo:hi].sum()) for a, (lo, hi) in zip(c.axes, ranges, strict=True))
