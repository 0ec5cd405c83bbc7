"""What the layers of a network need, without any chip: neurons, states, programs, constants, synapses and axons.

found = resources(net)          # an IntegerNetwork
found.layers["conv1.neuron"]    # one for each population of `connections.graph`
found.synapses                  # one for each connection that has weights
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from snn2hw.estimation.axes import Counts, product
from snn2hw.estimation.connections import Connection, Graph, Population, graph
from snn2hw.estimation.counts import FREE
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntReadout
from snn2hw.ir.program import Op, Program, values_of
from snn2hw.layers import IntConv2d, IntSynapse
from snn2hw.shown import brief


@dataclass(frozen=True, eq=False)
class Layer:
    """What one population needs.

    Args:
        population: its name, kind and shape. states, state_bits: of one neuron; a relay has none, a readout its sum.
        instructions: of the program, without those that only name a value; 0 where there is none.
        parameters: of each channel, or the only ones of the layer, the constants of the program, in their order.
        thresholds: the same of those that the membrane is compared with; all constants where nothing says which they are.
        program: tells programs apart that differ in more than constants.
        fan_in, fan_out: the most synapses into, and out of, one neuron.
        sources: the most values that one neuron reads, each counted once: axons that must reach its core.
    """

    population: Population
    states: int
    state_bits: int
    instructions: int
    parameters: tuple[tuple[int, ...], ...]
    thresholds: tuple[tuple[int, ...], ...]
    program: str
    fan_in: int
    fan_out: int
    sources: int

    __repr__ = brief

    @property
    def name(self) -> str:
        """Of the node."""
        return self.population.name

    @property
    def neurons(self) -> int:
        """Values that a core computes; of the input, that enter."""
        return self.population.size

    def of_block(self, constants: tuple[tuple[int, ...], ...], ranges: Sequence[tuple[int, int]]) -> set[tuple[int, ...]]:
        """The distinct ones of these constants, of a block of the view.

        Args:
            constants: `parameters` or `thresholds`. ranges: (first, end) of its channels, rows and columns.
        """
        view, channels = self.population.view, len(constants)
        if channels <= 1:
            return {*constants}
        if view[0] == channels:
            return {*constants[slice(*ranges[0])]}
        c, h, w = (np.arange(*r) for r in ranges)  # the channels of the constants are not those of the view
        places = (c[:, None, None] * view[1] + h[None, :, None]) * view[2] + w[None, None, :]
        return {constants[k] for k in np.unique(places // (self.population.size // channels)).tolist()}

    @property
    def parameter_sets(self) -> int:
        """Distinct sets of constants."""
        return len({*self.parameters})


@dataclass(frozen=True, eq=False)
class Synapses:
    """The weights of one connection.

    Args:
        connection: from where to where. width: bits of the widest weight, with its sign.
        distinct: the most distinct weights, other than 0, into one neuron.
    """

    connection: Connection
    synapse: IntSynapse
    width: int
    distinct: int

    __repr__ = brief

    @property
    def unshared(self) -> int:
        """Weights, where every pair of a sender and a reader has one of its own."""
        return self.connection.pairs

    @property
    def shared(self) -> int:
        """Weights, where a kernel is kept once for all places."""
        return self.synapse.weight.size if self.shares else self.connection.pairs

    @property
    def shares(self) -> bool:
        """Whether places have their weights in common."""
        return isinstance(self.synapse, IntConv2d)


@dataclass(frozen=True, eq=False)
class Resources:
    """What a network needs.

    Args:
        graph: populations and connections. layers: by name, the input among them. synapses: of connections with weights.
    """

    graph: Graph
    layers: Mapping[str, Layer]
    synapses: tuple[Synapses, ...]

    __repr__ = brief

    @cached_property
    def placed(self) -> tuple[Layer, ...]:
        """The layers that lie on cores: all but the input."""
        return tuple(layer for layer in self.layers.values() if layer.population.kind != "input")

    @property
    def neurons(self) -> int:
        """On cores."""
        return sum(layer.neurons for layer in self.placed)

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits by kind: weights kept for each pair, weights with kernels kept once, states."""
        kernels = {s.synapse.name: s.shared * s.width for s in self.synapses if s.shares}
        return {
            "weights, one for each synapse": sum(s.unshared * s.width for s in self.synapses),
            "weights, kernels once": sum(kernels.values()) + sum(s.shared * s.width for s in self.synapses if not s.shares),
            "states": sum(layer.neurons * layer.state_bits for layer in self.placed),
        }


def resources(net: IntegerNetwork) -> Resources:
    """What the layers of a network need."""
    found = graph(net)
    layers = {name: _layer(net, found, p) for name, p in found.populations.items()}
    return Resources(found, layers, tuple(_synapses(c, c.synapse) for c in found.connections if c.synapse is not None))


def program_length(program: Program) -> int:
    """Instructions that compute something."""
    return sum(i.op not in FREE for i in program.instructions)


def _layer(net: IntegerNetwork, found: Graph, p: Population) -> Layer:
    into, out = found.into(p.name), found.out_of(p.name)
    nothing = np.zeros(1, np.int64)
    fan_in = sum((c.fan_in() for c in into if c.synapse is not None), nothing)
    fan_out = sum((c.fan_out() for c in out if c.synapse is not None), nothing)
    fans = int(np.max(fan_in)), int(np.max(fan_out)), _sources(into)
    if isinstance(p.node, IntNeuron):
        program = p.node.program
        bits = [s.format.width for s in program.states.values()]
        constants = _constants(program, list(program.params))
        limits = _constants(program, thresholds_of(program))
        return Layer(p, len(bits), sum(bits), program_length(program), constants, limits, _body(program), *fans)
    bits = [net.sum_interval.bits[0]] if isinstance(p.node, IntReadout) and p.node.kind == "sum" else []
    return Layer(p, len(bits), sum(bits), 0, (), (), "", *fans)


def _sources(into: list[Connection]) -> int:
    """The most distinct values that one neuron reads; each of them is an axon into its core."""
    each = [distinct_sources([c for c in into if c.source == source]) for source in dict.fromkeys(c.source for c in into)]
    return int(np.max(sum(each))) if each else 0


def distinct_sources(between: list[Connection]) -> Counts:
    """[C, H, W]: how many distinct values of one source each neuron reads through several connections.

    |A or B| = |A| + |B| - |A and B|, and each of them is a product of axes; of more than two unlike connections it is the sum
    of all, at most the whole source.
    """
    whole = prod(a.of for a in between[0].axes)
    unlike = list[Connection]()
    for c in between:
        if not any(_alike(c, other) for other in unlike):
            unlike.append(c)
    fans: Any = sum(c.fan_in() for c in unlike)
    if len(unlike) == 2:
        pairs = zip(unlike[0].axes, unlike[1].axes, strict=True)
        fans = fans - product([(a.as_table() & b.as_table()).sum(1) for a, b in pairs])
    found: Counts = np.minimum(fans, whole)
    return found


def _alike(one: Connection, other: Connection) -> bool:
    return all(
        (a.is_all and b.is_all) or (a.is_same and b.is_same) or (a.table is not None and b.table is not None and _equal(a, b))
        for a, b in zip(one.axes, other.axes, strict=True)
    )


def _equal(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a.table, b.table))


def _synapses(c: Connection, synapse: IntSynapse) -> Synapses:
    rows = np.sort(synapse.weight.reshape(len(synapse.weight), -1), axis=1)
    changes = np.count_nonzero(rows[:, 1:] != rows[:, :-1], axis=1) + 1 - (rows == 0).any(1)
    low, high = int(rows.min()), int(rows.max())
    return Synapses(c, synapse, max((-low - 1).bit_length() if low < 0 else 0, max(high, 0).bit_length()) + 1, int(changes.max()))


def thresholds_of(program: Program) -> list[str]:
    """The constants that the membrane is compared with; all of a program that does not say which they are."""
    firing = program.roles.firing if program.roles is not None else None
    if program.roles is not None and firing is None:
        return []
    names = list(program.params) if firing is None else [t.constant for t in firing.thresholds]
    return [n for n in names if n in program.params]


def _constants(program: Program, names: list[str]) -> tuple[tuple[int, ...], ...]:
    """(values of these constants) of each channel, or of the layer where no constant depends on the channel."""
    values = [values_of(program.by_name[n]) for n in names]
    channels = max(map(len, values), default=1)
    return tuple(zip(*(v * channels if len(v) == 1 else v for v in values), strict=True)) if values else ()


def _body(program: Program) -> str:
    """The program without names and without the values of its constants."""
    number = {i.name: f"%{k}" for k, i in enumerate(program.instructions)}
    lines = [
        f"{i.op.value} {' '.join(number[a] for a in i.args)} {() if i.op is Op.PARAM else i.attrs} {i.format}"
        if i.op not in (Op.STATE, Op.OUTPUT)
        else f"{i.op.value} {' '.join(number[a] for a in i.args)} {i.format}"
        for i in program.instructions
    ]
    return "\n".join(lines)
