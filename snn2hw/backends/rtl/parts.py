"""What a design is put together from: streams, modules, and a value of the network in the form that is asked for.

A value is there as events, as words, or as both; whoever reads it asks for the kind that it takes, and an adapter is
put in where there is only the other one. Sums, joins and neurons make words; inputs, recurrent edges and merges make
events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from snn2hw.backends.rtl import taps
from snn2hw.backends.rtl.design import Memory, Module, Port, Series
from snn2hw.backends.rtl.families import Resources
from snn2hw.backends.rtl.streams import EVENTS, WORDS, Grid, Stream, numbered
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.layers import IntConv2d, IntFlatten, IntLinear, IntMaxPool2d, IntResize2d, IntSumPool2d
from snn2hw.num import Interval
from snn2hw.trace import Ints

MEGAHERTZ = 100.0
Parameters = dict[str, "int | str"]
ADDING: tuple[type[IntNode], ...] = (IntLinear, IntConv2d, IntSumPool2d, IntResize2d)  # two events of one place are their sum
STEPWISE = ("snn_scatter", "snn_product")  # modules that take all of a step before they give any
IN_PIECES = ("WEIGHT_FILE",)  # memories that `snn_pieces` holds
SUMS: tuple[type[IntNode], ...] = (*ADDING, IntMaxPool2d)


@dataclass
class Signal:
    """A value of the network in the forms that there are of it."""

    events: Stream | None = None
    words: Stream | None = None


@dataclass(frozen=True)
class Folding:
    """How much of the hardware works at once.

    Args:
        lanes: values of a word, at most; a power of two. of: the same for single layers, by name.
        megahertz: the clock that the registers of the neurons are placed for.
    """

    lanes: int = 1
    of: Mapping[str, int] = field(default_factory=dict)
    megahertz: float = MEGAHERTZ


class Parts:
    """The modules of a network so far.

    Args:
        network: of the integer stage. folding: how many lanes it has. lanes: of every node.
        grids: how the sums of a node lie, where not as its shape says.
    """

    def __init__(self, network: IntegerNetwork, folding: Folding, lanes: Mapping[str, int], grids: Mapping[str, Grid]) -> None:
        self.network, self.folding, self.lanes, self.grids = network, folding, lanes, grids
        self.modules: list[Module] = []
        self.generated: dict[str, str] = {}
        self.lane_takes: dict[str, Resources] = {}
        self.series: list[Series] = []
        self.signals: dict[str, Signal] = {}
        self.nodes = {n.name: n for n in network.nodes}
        self._numbers = {n.name: k for k, n in enumerate(network.nodes)}
        self._count = 0

    # ---- names, streams, modules

    def name(self, node: IntNode, what: str) -> str:
        """Of an instance or a stream: with numbers, so that it is new and no keyword, and what is plain of the layer's name."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", node.name).strip("_")[:24]
        self._count += 1
        return f"n{self._numbers[node.name]}_{plain}_{what}_{self._count}"

    def stream(self, node: IntNode, kind: str, like: Stream | None = None) -> Stream:
        """A new one of a node's value, which lies as another one does or as its shape says.

        Args:
            node, kind: whose value, and whether it is events or words. like: the other one.
        """
        grid = like.grid if like is not None else Grid.of(node.shape)
        order = like.order if like is not None else grid.order()
        lanes = self.lanes[node.name] if kind == WORDS else 1
        return Stream(self.name(node, kind), kind, node.interval, grid, order, lanes, node=node.name)

    def add(self, module: Module, memories: Mapping[str, Memory] | None = None) -> None:
        """Put a module into the design.

        Args:
            module: without its memories. memories: by the parameter that holds the name of their file.
        """
        files: dict[str, str] = {}
        kept: dict[str, Memory] = {}
        for what, memory in (memories or {}).items():
            name = f"{module.name}.{what.removesuffix('_FILE').lower()}"
            if what in IN_PIECES:
                files[what] = f"{name}."  # in front of the number of each
                for n, piece in enumerate(memory.pieces(int(module.parameters["PIECE"]))):
                    kept[f"{name}.{n:02}.mem"] = piece
            else:
                files[what] = f"{name}.mem"
                kept[files[what]] = memory
        self.modules.append(replace(module, parameters={**module.parameters, **files}, memories=kept))

    def steps(self) -> Parameters:
        """T, and the bits that count it."""
        return {"STEPS": self.network.steps, "STEP": numbered(self.network.steps)}

    def readers(self, name: str) -> list[IntNode]:
        """The layers that read a value, through those that only name its places anew."""
        found: list[IntNode] = []
        for node in self.network.nodes:
            if name in node.inputs:
                found += self.readers(node.name) if isinstance(node, IntFlatten) else [node]
        return found

    # ---- what a stream is made of

    def sums_behind(self, stream: Stream) -> set[str]:
        """The layers of sums, by the names of their modules, whose words reach a stream without being events in between."""
        made = next((m for m in self.modules if any(p.stream.name == stream.name for p in m.writes)), None)
        if made is None or made.kind in STEPWISE:
            return set() if made is None else {made.name}
        return set().union(*(self.sums_behind(p.stream) for p in made.reads if p.stream.kind == WORDS))

    def holds_up(self, late: Stream, early: Stream) -> bool:
        """Whether a stream that is not taken until a whole step of another one is there may hold up that other one.

        It does where it passes on, as it comes, what both are made of; not where it comes of sums, which take a whole step
        before they give any, and of which the other one is not made.

        Args:
            late: the one that waits. early: the other one.
        """
        writers = {p.stream.name: m for m in self.modules for p in m.writes}
        passing: set[str] = set()
        left = [late]
        while left:
            made = writers.get(left.pop().name)
            if made is None:
                return True  # a recurrent edge, whose module is not there yet
            passing.add(made.name)
            if made.kind not in STEPWISE:
                left += [p.stream for p in made.reads]
        own = {writers[early.name].name} if early.name in writers else set()
        return bool(passing & (own | self.all_behind(own)))

    def all_behind(self, names: set[str]) -> set[str]:
        """All modules that these ones are fed by, over whatever lies between; not themselves."""
        writers = {p.stream.name: m for m in self.modules for p in m.writes}
        found: set[str] = set()
        left = [m for m in self.modules if m.name in names]
        while left:
            before = [writers[p.stream.name] for p in left.pop().reads if p.stream.name in writers]
            left += [m for m in before if m.name not in found]
            found |= {m.name for m in before}
        return found

    # ---- a value in the form that is asked for

    def events(self, name: str, still: bool = False) -> Stream:
        """A value as events.

        Args:
            name: of its node. still: whether the reader takes one that comes once for each sample, too.
        """
        signal, node = self.signals[name], self.nodes[name]
        if signal.events is not None and (still or not signal.events.still):
            return signal.events
        words = self.words(name, still)
        made = self.serialised(node, words)
        self.signals[name] = Signal(made, signal.words)
        return made

    def serialised(self, node: IntNode, words: Stream) -> Stream:
        """Words as events.

        Args:
            node: to which the module belongs. words: of any value.
        """
        grid = words.grid
        made = replace(self.stream(node, EVENTS, like=words), interval=words.interval, still=words.still)
        parameters: Parameters = {
            **addressed(made), "LANES": words.lanes, "LANE": words.lanes.bit_length() - 1, "VALUE": words.bits,
            "ROWS": grid.rows, "COLUMNS": grid.columns, "CHANNELS": grid.channels,
        }  # fmt: skip
        ports = (Port("in", words),), (Port("out", made),)
        self.add(Module("snn_serialise", self.name(node, "serialise"), node.name, parameters, *ports))
        return made

    def words(self, name: str, still: bool = False) -> Stream:
        """A value as words. Arguments as `events`."""
        signal, node = self.signals[name], self.nodes[name]
        if signal.words is not None and (still or not signal.words.still):
            return signal.words
        entering = signal.events if signal.events is not None else self.events(name, still=True)
        rows: list[taps.Taps] = [((y, 0),) for y in range(entering.grid.rows)]
        columns: list[taps.Taps] = [((x, 0),) for x in range(entering.grid.columns)]
        kernel = taps.channelwise_kernel(rows, columns, entering.grid, entering.grid, self.lanes[name])
        made = self.sums(node, kernel, entering, order=entering.order, every_step=True)
        self.signals[name] = Signal(signal.events, made)
        return made

    def sums(self, node: IntNode, kernel: taps.Kernel, entering: Stream, *, order: Ints | None = None,
             interval: Interval | None = None, every_step: bool = False) -> Stream:  # fmt: skip
        """The words of a layer of sums; once for each sample where all that read them take that.

        Args:
            node: the layer. kernel: its sums. entering: its events. order, interval: of the sums, where they are not the node's.
            every_step: whether they are wanted at every step, whoever reads them.
        """
        readers = self.readers(node.name)
        once = entering.still and not every_step and bool(readers) and all(isinstance(r, SUMS) for r in readers)
        own = node.interval if interval is None else interval
        like = Stream("", WORDS, own, kernel.out, kernel.out.order() if order is None else order)
        made = replace(self.stream(node, WORDS, like), interval=own, still=once)
        lying = taps.laid(kernel, entering.grid, made.lanes, made.bits)
        parameters: Parameters = {
            **addressed(entering), "VALUE": entering.bits, "VALUE_SIGNED": int(entering.signed), **lying.parameters,
            "REPEAT": self.network.steps if entering.still and not made.still else 1,
        }  # fmt: skip
        ports = (Port("in", entering),), (Port("out", made),)
        held = 2 * made.words * made.lanes * made.bits  # two banks
        self.add(Module("snn_scatter", self.name(node, "sums"), node.name, parameters, *ports, ram=held), lying.memories)
        return made


def addressed(stream: Stream) -> Parameters:
    """The bits of an event's address."""
    row, column, channel = stream.grid.address
    return {"ROW": row, "COLUMN": column, "CHANNEL": channel}
