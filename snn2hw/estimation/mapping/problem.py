"""A network that is cut into blocks, as a hypergraph: blocks that need room, and nets of neurons that send to the same blocks.

    block   a range of channels, rows and columns of a layer
    net     the neurons of one block that send to the same set of blocks: so many of them, with so many spikes together

As every neuron of a net sends to the same blocks, an axon is counted once for each core on which any of these lies, whatever
the arrangement; nothing is listed neuron by neuron.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.estimation.connections import Connection, Population
from snn2hw.estimation.mapping.blocks import Block, Indices, needs_of
from snn2hw.estimation.mapping.needs import Cut, cuts
from snn2hw.estimation.resources import Resources
from snn2hw.shown import brief
from snn2hw.target import Cores

Floats: TypeAlias = npt.NDArray[np.float64]
Spikes: TypeAlias = Mapping[str, npt.NDArray[Any]]

OUTSIDE = -1  # the block of values that enter from outside


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be arranged.

    Args:
        cut: how every layer is cut. blocks: of the whole network, layer by layer.
        needs: limit -> [blocks], of what adds up on a core.
        kept: limit -> for each block (what, how much) of what is kept once on a core, whoever needs it.
        synapses, kernels: of every block, weights of its own, and (kernel, weights) of those that are kept once on a core.
        net_source, net_neurons, net_spikes: [nets] the block that sends, or OUTSIDE; its neurons; their spikes together.
        net_start, net_blocks: the blocks that net k sends to are net_blocks[net_start[k] : net_start[k + 1]].
    """

    found: Resources
    cores: Cores
    cut: Mapping[str, Cut]
    blocks: tuple[Block, ...]
    needs: Mapping[str, Indices]
    kept: Mapping[str, tuple[tuple[tuple[Any, int], ...], ...]]
    synapses: Indices
    kernels: tuple[tuple[tuple[Any, int], ...], ...]
    net_source: Indices
    net_neurons: Indices
    net_spikes: Floats
    net_start: Indices
    net_blocks: Indices

    __repr__ = brief

    def targets(self, net: int) -> Indices:
        """The blocks that a net sends to."""
        return self.net_blocks[self.net_start[net] : self.net_start[net + 1]]


def make_problem(found: Resources, cores: Cores, cut: Mapping[str, Cut], spikes: Spikes) -> Problem:
    """The hypergraph of a network whose layers are cut like this.

    Args:
        found: what the layers need. cores: the chip's. cut: of every layer that is placed.
        spikes: of each value of a layer; 1 where a layer has none.
    """
    first, blocks = dict[str, int](), list[Block]()
    for layer in found.placed:
        first[layer.name] = len(blocks)
        ends = [list(pairwise(cuts(n, k))) for n, k in zip(layer.population.view, cut[layer.name], strict=True)]
        blocks += [Block(layer.name, *ranges) for ranges in product(*ends)]
    nets = _Nets(found, cut, first)
    for population in found.graph.populations.values():
        nets.add(population, np.asarray(spikes.get(population.name, np.ones(population.size)), np.float64))
    adds, once, synapses, kernels = needs_of(found, cores, blocks)
    return Problem(found, cores, cut, tuple(blocks), adds, once, synapses, kernels, *nets.arrays())


class _Nets:
    """Collects the nets of one population after the other."""

    def __init__(self, found: Resources, cut: Mapping[str, Cut], first: Mapping[str, int]) -> None:
        self.found, self.cut, self.first = found, cut, first
        self.source, self.neurons, self.spikes = list[int](), list[int](), list[float]()
        self.sizes, self.blocks = list[int](), list[Indices]()

    def add(self, p: Population, spikes: Floats) -> None:
        """The nets of a population: along each axis, indices of the same block that the same blocks read are one class."""
        out = self.found.graph.out_of(p.name)
        if not out:
            return
        own = self.cut.get(p.name, (1, 1, 1))
        seen = [[c.axes[a].tiles(cuts(c.axes[a].to, self.cut[c.target][a])) for c in out] for a in range(3)]
        classes = [_classes(n, k, tables) for n, k, tables in zip(p.view, own, seen, strict=True)]
        sums = spikes.reshape(p.view)
        for axis, (of, number, _) in enumerate(classes):
            sums = _summed(sums, of, number, axis)
        members = [np.bincount(of, minlength=number) for of, number, _ in classes]
        heads = [head for _, _, head in classes]
        ends = [cuts(n, k) for n, k in zip(p.view, own, strict=True)]
        owner = [np.searchsorted(np.asarray(e), head, side="right") - 1 for e, head in zip(ends, heads, strict=True)]
        reads = [
            [[np.flatnonzero(table[:, i]) for i in head] for table in tables] for head, tables in zip(heads, seen, strict=True)
        ]
        for i, j, k in np.ndindex(*map(len, heads)):
            size = int(members[0][i] * members[1][j] * members[2][k])
            into = self._into(out, [[reads[a][e][x] for a, x in enumerate((i, j, k))] for e in range(len(out))])
            if not len(into):
                continue
            block = self.first[p.name] + _flat(own, owner[0][i], owner[1][j], owner[2][k]) if p.name in self.first else OUTSIDE
            self.source.append(block)
            self.neurons.append(size)
            self.spikes.append(float(sums[i, j, k]))
            self.sizes.append(len(into))
            self.blocks.append(into)

    def _into(self, out: list[Connection], reads: list[list[Indices]]) -> Indices:
        found = []
        for c, (x, y, z) in zip(out, reads, strict=True):
            if len(x) and len(y) and len(z):
                _, rows, columns = self.cut[c.target]
                flat = (x[:, None, None] * rows + y[None, :, None]) * columns + z[None, None, :]
                found.append(self.first[c.target] + flat.ravel())
        if not found:
            return np.zeros(0, np.int64)
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    def arrays(self) -> tuple[Indices, Indices, Floats, Indices, Indices]:
        """As `Problem` has them."""
        start = np.concatenate([[0], np.cumsum(self.sizes, dtype=np.int64)]).astype(np.int64)
        blocks = np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.int64)
        return (
            np.array(self.source, np.int64), np.array(self.neurons, np.int64), np.array(self.spikes, np.float64), start,
            blocks.astype(np.int64),
        )  # fmt: skip


def _flat(cut: Cut, i: int, j: int, k: int) -> int:
    return int((i * cut[1] + j) * cut[2] + k)


def _classes(n: int, parts: int, tables: list[npt.NDArray[np.bool_]]) -> tuple[Indices, int, Indices]:
    """(class of every index, how many there are, one index of each) along one axis: same block, read by the same blocks."""
    own = np.repeat(np.arange(parts), np.diff(cuts(n, parts)))
    columns = [own.astype(">i8").view(np.uint8).reshape(n, -1), *(np.packbits(t, axis=0).T for t in tables)]
    _, head, of = np.unique(np.hstack(columns), axis=0, return_index=True, return_inverse=True)
    return of.ravel(), len(head), head


def _summed(x: Floats, of: Indices, number: int, axis: int) -> Floats:
    moved = np.moveaxis(x, axis, 0)
    total = np.zeros((number, *moved.shape[1:]))
    np.add.at(total, of, moved)
    return np.moveaxis(total, 0, axis)
