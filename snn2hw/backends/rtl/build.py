"""From an integer network to a design: which modules there are, and what runs between them.

A value of the network is there as events, as words, or as both; whoever reads it asks for the kind that it takes,
and an adapter is put in where there is only the other one. Sums, joins and neurons make words; inputs, recurrent
edges and merges make events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from snn2hw.backends.rtl import taps
from snn2hw.backends.rtl.datapath import constants_memory, datapath, lane_text
from snn2hw.backends.rtl.design import Design, Memory, Module, Port, Series
from snn2hw.backends.rtl.expressions import signed_bits
from snn2hw.backends.rtl.lack import lacks
from snn2hw.backends.rtl.streams import EVENTS, WORDS, Grid, Stream, counting, numbered
from snn2hw.backends.rtl.text import layer_module
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.lack import refusal
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.num import Interval

MEGAHERTZ = 100.0


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


def build(network: IntegerNetwork, folding: Folding | None = None) -> Design:
    """The design of a network.

    Args:
        network: of the integer stage. folding: how many lanes it has; one everywhere where it is left out.

    Raises:
        UnsupportedError: a layer that there is no module for.
    """
    if found := lacks(network):
        raise refusal(found, "the network does not fit the back end 'rtl'", "change these layers, or choose another back end")
    return _Builder(network, folding or Folding()).design()


class _Builder:
    def __init__(self, network: IntegerNetwork, folding: Folding) -> None:
        self.network, self.folding = network, folding
        self.modules: list[Module] = []
        self.generated: dict[str, str] = {}
        self.series: list[Series] = []
        self.signals: dict[str, Signal] = {}
        self.nodes = {n.name: n for n in network.nodes}
        self.readers: dict[str, list[IntNode]] = {n.name: [] for n in network.nodes}
        for n in network.nodes:
            for name in n.inputs:
                self.readers[name].append(n)
        self.numbers = {n.name: k for k, n in enumerate(network.nodes)}
        self.lanes = _lanes(network, folding)
        self.count = 0

    def design(self) -> Design:
        for node in self.network.nodes:
            made = MAKERS[type(node)](self, node)
            if made is not None:
                self.signals[node.name] = made
        for node in self.network.feedbacks:
            self._close(node)
        entry, readout = self.signals[self.network.input.name].events, self.signals[self.network.readout.name].words
        assert entry is not None
        assert readout is not None
        return Design(self.modules, self.generated, entry, readout, self.series, self.network.steps)

    # ---- names and streams

    def name(self, node: IntNode, what: str = "") -> str:
        """Of an instance or a stream: a number, so that it is new and no keyword, and what is readable of the layer's name."""
        plain = re.sub(r"[^A-Za-z0-9]+", "_", node.name).strip("_")[:24]
        self.count += 1
        return f"n{self.numbers[node.name]}_{plain}{'_' + what if what else ''}_{self.count}"

    def stream(self, node: IntNode, kind: str, like: Stream | None = None, **more: object) -> Stream:
        """A new one of a node's value, which lies as another one does or as its shape says."""
        grid = like.grid if like is not None else Grid.of(node.shape)
        order = like.order if like is not None else grid.order()
        lanes = self.lanes[node.name] if kind == WORDS else 1
        made = Stream(self.name(node, kind), kind, node.interval, grid, order, lanes)
        return replace(made, **more)  # type: ignore[arg-type]

    def add(self, kind: str, name: str, node: IntNode, parameters: Mapping[str, int | str], reads: list[Port],
            writes: list[Port], clocked: bool = True, memories: Mapping[str, Memory] | None = None) -> None:  # fmt: skip
        """Put a module into the design; its memories are files that bear its name."""
        kept = {f"{name}.{what.removesuffix('_FILE').lower()}.mem": m for what, m in (memories or {}).items()}
        files = dict(zip((memories or {}), kept, strict=True))
        given = {**parameters, **files}
        self.modules.append(Module(kind, name, node.name, given, tuple(reads), tuple(writes), clocked, kept))

    # ---- a value in the form that is asked for

    def events(self, name: str, still: bool = False) -> Stream:
        """A value as events; `still`: the reader takes one that comes once for each sample, too."""
        signal, node = self.signals[name], self.nodes[name]
        if signal.events is not None and (still or not signal.events.still):
            return signal.events
        words = self.words(name)
        grid = words.grid
        made = self.stream(node, EVENTS, like=words, interval=words.interval, lanes=1)
        row, column, channel = grid.address
        parameters = {
            "ROW": row, "COLUMN": column, "CHANNEL": channel, "LANES": words.lanes, "LANE": words.lanes.bit_length() - 1,
            "VALUE": words.bits, "ROWS": grid.rows, "COLUMNS": grid.columns, "CHANNELS": grid.channels,
        }  # fmt: skip
        self.add("snn_serialise", self.name(node, "serialise"), node, parameters, [Port("in", words)], [Port("out", made)])
        self.signals[name] = Signal(made, signal.words)
        return made

    def words(self, name: str) -> Stream:
        """A value as words, at every step."""
        signal, node = self.signals[name], self.nodes[name]
        if signal.words is not None and not signal.words.still:
            return signal.words
        entering = signal.events
        assert entering is not None
        rows: list[taps.Taps] = [((y, 0),) for y in range(entering.grid.rows)]
        columns: list[taps.Taps] = [((x, 0),) for x in range(entering.grid.columns)]
        kernel = taps.channelwise_kernel(rows, columns, entering.grid, entering.grid, self.lanes[name])
        made = self.sums(node, kernel, entering, order=entering.order, interval=entering.interval)
        self.signals[name] = Signal(signal.events, made)
        return made

    def sums(self, node: IntNode, kernel: taps.Kernel, entering: Stream, **more: object) -> Stream:
        """The words of a layer of sums."""
        once = entering.still and bool(self.readers[node.name]) and all(map(self._still_reader, self.readers[node.name]))
        more = {"still": once, **more}
        like = Stream("", WORDS, node.interval, kernel.out, kernel.out.order())
        made = self.stream(node, WORDS, like, **more)
        lying = taps.laid(kernel, entering.grid, made.lanes, made.bits)
        row, column, channel = entering.grid.address
        parameters: dict[str, int | str] = {
            "ROW": row, "COLUMN": column, "CHANNEL": channel, "VALUE": entering.bits, "VALUE_SIGNED": int(entering.signed),
            **lying.parameters, "REPEAT": self.network.steps if entering.still and not made.still else 1,
        }  # fmt: skip
        name = self.name(node, "sums")
        self.add("snn_scatter", name, node, parameters, [Port("in", entering)], [Port("out", made)], memories=lying.memories)
        return made

    def _still_reader(self, node: IntNode) -> bool:
        """Whether a layer takes what comes once for each sample."""
        return type(node) in SUMS

    # ---- the layers

    def input(self, node: IntInput) -> Signal:
        made = self.stream(node, EVENTS, still=node.static)
        row, column, channel = made.grid.address
        if node.static:
            parameters: dict[str, int | str] = {
                "ROW": row, "COLUMN": column, "CHANNEL": channel, "VALUE": made.bits,
                          "ROWS": made.grid.rows, "COLUMNS": made.grid.columns, "CHANNELS": made.grid.channels}  # fmt: skip
            self.add("snn_pixels", self.name(node, "pixels"), node, parameters, [], [Port("out", made)])
        else:
            parameters = {"ADDRESS": row + column + channel, "VALUE": made.bits, **self._steps()}
            self.add("snn_events", self.name(node, "events"), node, parameters, [], [Port("out", made)])
        return Signal(made)

    def _steps(self) -> dict[str, int | str]:
        return {"STEPS": self.network.steps, "STEP": numbered(self.network.steps)}

    def linear(self, node: IntLinear) -> Signal:
        entering = self.events(node.inputs[0], still=True)
        weight, bias = node.weight.astype(np.int64), node.bias.astype(np.int64)
        return Signal(words=self.sums(node, taps.dense_kernel(weight, bias, entering, self.lanes[node.name]), entering))

    def convolution(self, node: IntConv2d) -> Signal:
        entering, out = self.events(node.inputs[0], still=True), Grid.of(node.shape)
        weight, bias = node.weight.astype(np.int64), node.bias.astype(np.int64)
        kernel = taps.convolution_kernel(weight, bias, node.window, entering.grid, out, self.lanes[node.name])
        return Signal(words=self.sums(node, kernel, entering))

    def pool(self, node: IntSumPool2d | IntMaxPool2d) -> Signal:
        entering, out = self.events(node.inputs[0], still=True), Grid.of(node.shape)
        rows, columns = taps.windowed(node.window, entering.grid, out)
        kernel = taps.channelwise_kernel(rows, columns, entering.grid, out, self.lanes[node.name])
        return Signal(words=self.sums(node, replace(kernel, maximum=isinstance(node, IntMaxPool2d)), entering))

    def resize(self, node: IntResize2d) -> Signal:
        entering, out = self.events(node.inputs[0], still=True), Grid.of(node.shape)
        axes = []
        for size, factor in zip((entering.grid.rows, entering.grid.columns), node.factor, strict=True):
            reach = 1 if node.zeros else factor
            axes.append([tuple((place * factor + n, 0) for n in range(reach)) for place in range(size)])
        kernel = taps.channelwise_kernel(axes[0], axes[1], entering.grid, out, self.lanes[node.name])
        return Signal(words=self.sums(node, kernel, entering))

    def flatten(self, node: IntFlatten) -> Signal:
        return self.signals[node.inputs[0]]

    def places(self, node: IntPlaces) -> Signal:
        before = self.words(node.inputs[0])
        return Signal(words=replace(before, grid=Grid.of(node.shape)))

    def addition(self, node: IntAdd) -> Signal:
        if self._merges(node):
            return self._merged(node, node.inputs, node.factors, (0, 0))
        a, b = (self.words(name) for name in node.inputs)
        return self._joined(node, a, b, product=False, factors=node.factors)

    def product(self, node: IntMultiply) -> Signal:
        a, b = (self.words(name) for name in node.inputs)
        return self._joined(node, a, b, product=True, factors=(1, 1))

    def _merges(self, node: IntNode) -> bool:
        """Whether a sum can stay two sets of events: both are events, and whoever reads them adds up."""
        ready = all(self.signals[name].words is None or isinstance(self.nodes[name], IntNeuron) for name in node.inputs)
        return ready and all(type(reader) in ADDING for reader in self.readers[node.name])

    def concatenation(self, node: IntConcat) -> Signal:
        return self._merged(node, node.inputs, [1 << s for s in node.shifts], None)

    def _merged(self, node: IntNode, names: tuple[str, ...], factors: object, firsts: tuple[int, ...] | None) -> Signal:
        streams = [self.events(name) for name in names]
        assert isinstance(factors, list | tuple)
        made, first = streams[0], streams[0].grid.channels
        whole = Grid.of(node.shape)
        interval = streams[0].interval * Interval(factors[0], factors[0])
        for n, (stream, factor) in enumerate(zip(streams[1:], factors[1:], strict=True), 1):
            before, own = (factors[0] if n == 1 else 1), stream.interval * Interval(factor, factor)
            interval = interval.hull(own)
            grid = whole if firsts is None else made.grid
            out = self.stream(node, EVENTS, replace(made, grid=grid, order=whole.order() if firsts is None else made.order),
                              interval=interval)  # fmt: skip
            row, column, channel = out.grid.address
            parameters: dict[str, int | str] = {
                "PLACE": row + column, "CHANNEL": channel, "CHANNEL_A": made.grid.address[2],
                "CHANNEL_B": stream.grid.address[2], "FIRST_B": first if firsts is None else 0,
                **_scaled("A", made, before), **_scaled("B", stream, factor), "VALUE": out.bits,
            }  # fmt: skip
            ports = [Port("a", made), Port("b", stream)]
            self.add("snn_merge", self.name(node, "merge"), node, parameters, ports, [Port("out", out)], clocked=False)
            made, first = out, first + stream.grid.channels
        return Signal(made)

    def _joined(self, node: IntNode, a: Stream, b: Stream, product: bool, factors: tuple[int, int]) -> Signal:
        made = self.stream(node, WORDS, like=a)
        parameters: dict[str, int | str] = {
            "LANES": made.lanes, "A": a.bits, "SIGNED_A": int(a.signed), "B": b.bits, "SIGNED_B": int(b.signed),
            "OUT": made.bits, "PRODUCT": int(product), "FACTOR_A": factors[0], "FACTOR_B": factors[1],
        }  # fmt: skip
        ports = [Port("a", a), Port("b", b)]
        self.add("snn_join", self.name(node, "join"), node, parameters, ports, [Port("out", made)], clocked=False)
        return Signal(words=made)

    def offset(self, node: IntOffset) -> Signal:
        entering = self.words(node.inputs[0])
        made = self.stream(node, WORDS, like=entering)
        each = node.offset.reshape(node.offset.shape + (1,) * (len(node.shape) - node.offset.ndim))
        constants = np.broadcast_to(each, node.shape).astype(np.int64)
        values = constants.ravel()[np.maximum(made.places(), 0)]
        if (values == np.tile(values[: made.groups], (made.grid.places, 1))).all():
            values = values[: made.groups]
        parameters: dict[str, int | str] = {
            "LANES": made.lanes, "IN": entering.bits, "SIGNED_IN": int(entering.signed), "OUT": made.bits,
            "FACTOR": node.factor, "CONSTANTS": len(values), "CONSTANT_WORD": counting(len(values)),
        }  # fmt: skip
        memory = {"FILE": Memory(values, (made.bits,) * made.lanes)}
        self.add(
            "snn_offset",
            self.name(node, "offset"),
            node,
            parameters,
            [Port("in", entering)],
            [Port("out", made)],
            memories=memory,
        )
        return Signal(words=made)

    def neuron(self, node: IntNeuron) -> Signal:
        entering = self.words(node.inputs[0])
        path = datapath(node, entering.interval, self.folding.megahertz)
        made = self.stream(node, WORDS, like=entering, interval=path.spike, lanes=entering.lanes)
        memory = constants_memory(path, node, made)
        kind = self.name(node, "neurons")
        first = len(self.series)
        self.series.append(Series(node.name, "", made))
        self.series += [Series(node.name, f.name, made) for f in path.states]
        self.generated[f"{kind}.sv"] = layer_module(
            kind, node, path, entering, made, memory, self._steps(), lane_text(path), first
        )
        self.add(kind, f"i_{kind}", node, {}, [Port("in", entering)], [Port("out", made)],
                 memories={} if memory is None else {"CONSTANT_FILE": memory})  # fmt: skip
        return Signal(words=made)

    def feedback(self, node: IntFeedback) -> Signal:
        return Signal(self.stream(node, EVENTS))

    def _close(self, node: IntFeedback) -> None:
        """A recurrent edge, once the neuron that it comes from is there."""
        entering, made = self.events(node.inputs[0]), self.signals[node.name].events
        assert made is not None
        parameters = {"ADDRESS": sum(made.grid.address), "IN": entering.bits, "IN_SIGNED": int(entering.signed),
                      "VALUE": made.bits, **self._steps()}  # fmt: skip
        self.add("snn_feedback", self.name(node, "feedback"), node, parameters, [Port("in", entering)], [Port("out", made)])

    def readout(self, node: IntReadout) -> Signal:
        entering = self.words(node.inputs[0])
        parameters: dict[str, int | str] = {
            "LANES": entering.lanes, "IN": entering.bits, "SIGNED_IN": int(entering.signed),
            "OUT": readout_bits(self.network), "CLASSES": node.shape[0], "CLASS": counting(node.shape[0]), **self._steps(),
            "WORD": counting(-(-node.shape[0] // entering.lanes)),
            "LAST_STEP": int(node.kind == "last"),
        }  # fmt: skip
        self.add("snn_readout", self.name(node, "readout"), node, parameters, [Port("in", entering)], [])
        return Signal(words=entering)


def readout_bits(network: IntegerNetwork) -> int:
    """Of a beat that leaves the network: whole bytes, 32 bits at least."""
    return max(32, -(-signed_bits(network.sum_interval) // 8) * 8)


def _scaled(side: str, stream: Stream, factor: int) -> dict[str, int]:
    shift = abs(factor).bit_length() - 1
    return {f"VALUE_{side}": stream.bits, f"SIGNED_{side}": int(stream.signed), f"SHIFT_{side}": shift,
            f"NEGATIVE_{side}": int(factor < 0)}  # fmt: skip


def _lanes(network: IntegerNetwork, folding: Folding) -> dict[str, int]:
    """Lanes of every node; what is joined word by word has the same."""
    found: dict[str, int] = {}
    for node in network.nodes:
        channels = Grid.of(node.shape).channels
        before = [found[n] for n in node.inputs if n in found]
        if type(node) in SAME_WORDS and before:
            found[node.name] = before[0]
        else:
            most = 1 << (channels - 1).bit_length()
            found[node.name] = max(1, min(folding.of.get(node.name, folding.lanes), most))
    return found


SUMS: tuple[type[IntNode], ...] = (IntLinear, IntConv2d, IntSumPool2d, IntMaxPool2d, IntResize2d)
ADDING: tuple[type[IntNode], ...] = (IntLinear, IntConv2d, IntSumPool2d, IntResize2d)
SAME_WORDS: tuple[type[IntNode], ...] = (IntNeuron, IntAdd, IntMultiply, IntOffset, IntFlatten, IntPlaces, IntReadout)

Maker = Callable[[_Builder, "IntNode"], "Signal | None"]
MAKERS: dict[type[IntNode], Maker] = {
    IntInput: _Builder.input,  # type: ignore[dict-item]
    IntLinear: _Builder.linear,  # type: ignore[dict-item]
    IntConv2d: _Builder.convolution,  # type: ignore[dict-item]
    IntSumPool2d: _Builder.pool,  # type: ignore[dict-item]
    IntMaxPool2d: _Builder.pool,  # type: ignore[dict-item]
    IntResize2d: _Builder.resize,  # type: ignore[dict-item]
    IntFlatten: _Builder.flatten,  # type: ignore[dict-item]
    IntPlaces: _Builder.places,  # type: ignore[dict-item]
    IntAdd: _Builder.addition,  # type: ignore[dict-item]
    IntMultiply: _Builder.product,  # type: ignore[dict-item]
    IntConcat: _Builder.concatenation,  # type: ignore[dict-item]
    IntOffset: _Builder.offset,  # type: ignore[dict-item]
    IntNeuron: _Builder.neuron,  # type: ignore[dict-item]
    IntFeedback: _Builder.feedback,  # type: ignore[dict-item]
    IntReadout: _Builder.readout,  # type: ignore[dict-item]
}
