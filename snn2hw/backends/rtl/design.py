"""A design: modules joined by streams, and the numbers in their memories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snn2hw.backends.rtl.families import Resources
from snn2hw.backends.rtl.streams import Stream
from snn2hw.trace import Ints


@dataclass(frozen=True)
class Memory:
    """What a memory holds at first: a row of bits for each word, the first value of a word in its lowest bits.

    Args:
        values: [words, values of a word]. bits: of each value of a word, two's complement.
    """

    values: Ints = field(repr=False)
    bits: tuple[int, ...]

    def text(self) -> str:
        """One hexadecimal number a line, as `$readmemh` reads it."""
        width = sum(self.bits)
        columns: list[npt.NDArray[np.uint8]] = []
        for column, bits in enumerate(self.bits):
            shifts = np.arange(bits, dtype=np.int64)
            columns.append(((self.values[:, column, None] >> np.minimum(shifts, 63)) & 1).astype(np.uint8))
        flat = np.concatenate(columns, axis=1)
        padded = np.zeros((len(flat), -(-width // 8) * 8), np.uint8)
        padded[:, :width] = flat
        digits = -(-width // 4)
        raw = np.packbits(padded, axis=1, bitorder="little")[:, ::-1]
        return "\n".join(row.tobytes().hex()[-digits:] for row in np.ascontiguousarray(raw)) + "\n"

    def pieces(self, bits: int) -> list[Memory]:
        """The memory in pieces of 2**bits words, the last one with what is left."""
        size = 1 << bits
        return [Memory(self.values[n : n + size], self.bits) for n in range(0, len(self.values), size)]


@dataclass(frozen=True)
class Port:
    """One end of a stream at a module: `prefix` in front of valid, ready and the rest."""

    prefix: str
    stream: Stream


@dataclass(frozen=True)
class Module:
    """An instance of a module of the library, or of one that was generated for a layer.

    Args:
        kind: the module. name: of the instance. node: the layer that it belongs to, empty where it only joins.
        parameters: numbers, and file names of memories. reads, writes: its streams. clocked: whether it has a clock.
        memories: by file name. ram: bits of what it remembers besides.
    """

    kind: str
    name: str
    node: str
    parameters: Mapping[str, int | str]
    reads: tuple[Port, ...]
    writes: tuple[Port, ...]
    clocked: bool = True
    memories: Mapping[str, Memory] = field(default_factory=dict)
    ram: int = 0

    @property
    def bits(self) -> int:
        """Of all its memories."""
        return self.ram + sum(len(m.values) * sum(m.bits) for m in self.memories.values())


@dataclass(frozen=True)
class Series:
    """What the simulator records of a layer of neurons: its spikes, or one of its states.

    Args:
        neuron, state: by name; state is empty for the spikes. stream: in whose order the values come.
        watched: at the spikes, the values of the layer that the simulator watches, and their intervals.
    """

    neuron: str
    state: str
    stream: Stream
    watched: Sequence[str] = ()


@dataclass(frozen=True)
class Design:
    """All of a network.

    Args:
        modules: in no particular order. generated: text of the modules of the neurons, by file name.
        lane_takes: what one lane of such a module is expected to take of an FPGA, by the module's name.
        entry: what enters. readout: what is read out. series: what the simulator records, in this order.
        steps: T.
    """

    modules: Sequence[Module]
    generated: Mapping[str, str]
    lane_takes: Mapping[str, Resources]
    entry: Stream
    readout: Stream
    series: Sequence[Series]
    steps: int
