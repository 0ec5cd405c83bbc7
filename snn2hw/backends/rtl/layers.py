"""What every layer of the network becomes: one function for each, a row of the table `LAYERS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.backends.rtl import taps
from snn2hw.backends.rtl.datapath import constants_memory, datapath, lane_takes, lane_text
from snn2hw.backends.rtl.design import Memory, Module, Port, Series
from snn2hw.backends.rtl.expressions import signed_bits
from snn2hw.backends.rtl.parts import ADDING, Parameters, Parts, Signal, addressed
from snn2hw.backends.rtl.products import product
from snn2hw.backends.rtl.proofs import said
from snn2hw.backends.rtl.streams import EVENTS, WORDS, Grid, Stream, counting, numbered
from snn2hw.backends.rtl.text import layer_module
from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.num import Interval


def _input(parts: Parts, node: IntInput) -> Signal:
    made = replace(parts.stream(node, EVENTS), still=node.static)
    grid, writes = made.grid, (Port("out", made),)
    if node.static:
        sizes: Parameters = {"ROWS": grid.rows, "COLUMNS": grid.columns, "CHANNELS": grid.channels}
        kind, parameters = "snn_pixels", {**addressed(made), "VALUE": made.bits, **sizes}
    else:
        kind, parameters = "snn_events", {"ADDRESS": sum(grid.address), "VALUE": made.bits, **parts.steps()}
    parts.add(Module(kind, parts.name(node, "input"), node.name, parameters, (), writes))
    return Signal(made)


def _linear(parts: Parts, node: IntLinear) -> Signal:
    entering = parts.events(node.inputs[0], still=True)
    weight, bias = node.weight.astype(np.int64), node.bias.astype(np.int64)
    out = parts.grids.get(node.name, Grid.of(node.shape))
    kernel = taps.dense_kernel(weight, bias, entering, parts.lanes[node.name], out)
    return Signal(words=parts.sums(node, kernel, entering))


def _convolution(parts: Parts, node: IntConv2d) -> Signal:
    entering, out = parts.events(node.inputs[0], still=True), Grid.of(node.shape)
    weight, bias = node.weight.astype(np.int64), node.bias.astype(np.int64)
    kernel = taps.convolution_kernel(weight, bias, node.window, entering.grid, out, parts.lanes[node.name])
    return Signal(words=parts.sums(node, kernel, entering))


def _pool(parts: Parts, node: IntSumPool2d | IntMaxPool2d) -> Signal:
    entering, out = parts.events(node.inputs[0], still=True), Grid.of(node.shape)
    kernel = _pooling(parts, node, entering.grid, out)
    return Signal(words=parts.sums(node, kernel, entering))


def _pooling(parts: Parts, node: IntSumPool2d | IntMaxPool2d, entering: Grid, out: Grid) -> taps.Kernel:
    rows, columns = taps.windowed(node.window, entering, out)
    kernel = taps.channelwise_kernel(rows, columns, entering, out, parts.lanes[node.name])
    return replace(kernel, maximum=isinstance(node, IntMaxPool2d))


def _maximum(parts: Parts, node: IntMaxPool2d) -> Signal:
    """Of values that can be negative: raised above 0 first, so that each is an event, and lowered again behind it.

    Sums begin at 0 and hear of no 0, so that they are the largest value only where none is negative.
    """
    if parts.nodes[node.inputs[0]].interval.lo >= 0:
        return _pool(parts, node)
    words = parts.words(node.inputs[0])
    lift = 1 - words.interval.lo
    raised = _raised(parts, node, words, lift, words.interval + Interval(lift, lift))
    kernel = _pooling(parts, node, words.grid, Grid.of(node.shape))
    largest = parts.sums(node, kernel, parts.serialised(node, raised), interval=raised.interval)
    return Signal(words=_raised(parts, node, largest, -lift, node.interval))


def _raised(parts: Parts, node: IntNode, entering: Stream, by: int, interval: Interval) -> Stream:
    made = replace(parts.stream(node, WORDS, like=entering), interval=interval, lanes=entering.lanes)
    parameters: Parameters = {
        "LANES": made.lanes, "IN": entering.bits, "SIGNED_IN": int(entering.signed), "OUT": made.bits, "FACTOR": 1,
        "CONSTANTS": 1, "CONSTANT_WORD": 1,
    }  # fmt: skip
    ports = (Port("in", entering),), (Port("out", made),)
    memory = Memory(np.full((1, made.lanes), by, np.int64), (made.bits,) * made.lanes)
    parts.add(Module("snn_offset", parts.name(node, "raised"), node.name, parameters, *ports), {"FILE": memory})
    return made


def _resize(parts: Parts, node: IntResize2d) -> Signal:
    entering, out = parts.events(node.inputs[0], still=True), Grid.of(node.shape)
    axes: list[list[taps.Taps]] = []
    for size, factor in zip((entering.grid.rows, entering.grid.columns), node.factor, strict=True):
        reach = 1 if node.zeros else factor
        axes.append([tuple((place * factor + n, 0) for n in range(reach)) for place in range(size)])
    kernel = taps.channelwise_kernel(axes[0], axes[1], entering.grid, out, parts.lanes[node.name])
    return Signal(words=parts.sums(node, kernel, entering))


def _flatten(parts: Parts, node: IntFlatten) -> Signal:
    """Nothing moves: the order of the values goes with them."""
    return parts.signals[node.inputs[0]]


def _places(parts: Parts, node: IntPlaces) -> Signal:
    """Words of the same order, at places that are counted in another way."""
    return Signal(words=replace(parts.words(node.inputs[0]), grid=Grid.of(node.shape)))


def _addition(parts: Parts, node: IntAdd) -> Signal:
    """Where whoever reads the sum adds up, too, it stays two sets of events, and nothing is added here."""
    ready = all(s.words is None or isinstance(parts.nodes[n], IntNeuron) for n, s in ((n, parts.signals[n]) for n in node.inputs))
    if ready and all(isinstance(reader, ADDING) for reader in parts.readers(node.name)):
        return _merged(parts, node, node.factors, joined=False)
    return _joined(parts, node, product=False, factors=node.factors)


def _product(parts: Parts, node: IntMultiply) -> Signal:
    return _joined(parts, node, product=True, factors=(1, 1))


def _concatenation(parts: Parts, node: IntConcat) -> Signal:
    return _merged(parts, node, [1 << s for s in node.shifts], joined=True)


def _merged(parts: Parts, node: IntNode, factors: Sequence[int], joined: bool) -> Signal:
    """Events of several branches in one stream.

    Args:
        parts, node: the layer. factors: 1 or -1 times a power of two for each branch. joined: whether each has channels of its
            own, behind those of the branches before it.
    """
    streams = [parts.events(name) for name in node.inputs]
    _check_order(node, streams, joined)
    made, factor = streams[0], factors[0]
    for stream, own in zip(streams[1:], factors[1:], strict=True):
        interval = (made.interval * Interval(factor, factor)).hull(stream.interval * Interval(own, own))
        like = _beside(made, stream) if joined else made
        out = replace(parts.stream(node, EVENTS, like), interval=interval)
        row, column, channel = out.grid.address
        parameters: Parameters = {
            "PLACE": row + column, "CHANNEL": channel, "CHANNEL_A": made.grid.address[2], "CHANNEL_B": stream.grid.address[2],
            "FIRST_B": made.grid.channels if joined else 0, **_scaled("A", made, factor), **_scaled("B", stream, own),
            "VALUE": out.bits,
        }  # fmt: skip
        ports = (Port("a", made), Port("b", stream)), (Port("out", out),)
        parts.add(Module("snn_merge", parts.name(node, "merge"), node.name, parameters, *ports))
        made, factor = out, 1
    return Signal(made)


def _beside(a: Stream, b: Stream) -> Stream:
    """How two values lie whose channels stand side by side at every place; flattened, one lies behind the other."""
    grid = replace(a.grid, channels=a.grid.channels + b.grid.channels)
    sides = a.order.reshape(grid.places, -1), a.grid.size + b.order.reshape(grid.places, -1)
    return replace(a, grid=grid, order=np.concatenate(sides, axis=1).ravel())


def _check_order(node: IntNode, streams: Sequence[Stream], joined: bool) -> None:
    """Branches are joined value by value as they come, so each must come in the order of the others.

    Args:
        node: the join. streams: its branches. joined: whether each has channels of its own.

    Raises:
        UnsupportedError: a flattened image, whose channels lie side by side at every place, beside a vector.
    """
    first = streams[0]
    for stream in streams[1:]:
        places = (stream.grid.rows, stream.grid.columns) == (first.grid.rows, first.grid.columns)
        if not places or not (joined or np.array_equal(stream.order, first.order)):
            raise UnsupportedError(
                "branches whose values come in different orders are joined",
                where=node.source or node.name,
                got=f"values at {first.grid.places} and at {stream.grid.places} places",
                expected="both images of one size, or both vectors",
                do="join them before they are flattened, or put a Linear layer behind the flattened one",
            )


def _scaled(side: str, stream: Stream, factor: int) -> Parameters:
    shift = abs(factor).bit_length() - 1
    return {
        f"VALUE_{side}": stream.bits, f"SIGNED_{side}": int(stream.signed), f"SHIFT_{side}": shift,
        f"NEGATIVE_{side}": int(factor < 0),
    }  # fmt: skip


def _joined(parts: Parts, node: IntNode, product: bool, factors: tuple[int, int]) -> Signal:
    """Two branches word by word.

    Args:
        parts, node: the layer. product: whether they are multiplied. factors: of each, where they are added.
    """
    a, b = (parts.words(name) for name in node.inputs)
    _check_order(node, [a, b], joined=False)
    a, b = _waiting(parts, node, a, b), _waiting(parts, node, b, a)
    made = parts.stream(node, WORDS, like=a)
    parameters: Parameters = {
        "LANES": made.lanes, "A": a.bits, "SIGNED_A": int(a.signed), "B": b.bits, "SIGNED_B": int(b.signed), "OUT": made.bits,
        "PRODUCT": int(product), "FACTOR_A": factors[0], "FACTOR_B": factors[1],
    }  # fmt: skip
    ports = (Port("a", a), Port("b", b)), (Port("out", made),)
    parts.add(Module("snn_join", parts.name(node, "join"), node.name, parameters, *ports, clocked=False))
    return Signal(words=made)


def _waiting(parts: Parts, node: IntNode, stream: Stream, other: Stream) -> Stream:
    """A branch, behind a queue where it has to wait for the other one.

    Sums keep a step apart: they take all of it before they give any. Where the other branch passes sums that are made of what
    this one passes on as it comes, this one would hold up the very words that the other one waits for.

    Args:
        parts, node: the join. stream: the branch. other: the branch that it is joined with.
    """
    mine, theirs = parts.sums_behind(stream), parts.sums_behind(other)
    if not mine & parts.all_behind(theirs):
        return stream
    made = replace(parts.stream(node, WORDS, like=stream), interval=stream.interval)
    bits = stream.lanes * stream.bits
    sizes: Parameters = {"WORDS": stream.words, "WORD": counting(stream.words), "COUNT": numbered(stream.words)}
    ports = (Port("in", stream),), (Port("out", made),)
    name = parts.name(node, "buffer")
    parts.add(Module("snn_buffer", name, node.name, {"BITS": bits, **sizes}, *ports, ram=bits * stream.words))
    return made


def _offset(parts: Parts, node: IntOffset) -> Signal:
    entering = parts.words(node.inputs[0])
    made = parts.stream(node, WORDS, like=entering)
    each = node.offset.reshape(node.offset.shape + (1,) * (len(node.shape) - node.offset.ndim))
    values = np.broadcast_to(each, node.shape).astype(np.int64).ravel()[np.maximum(made.places(), 0)]
    if (values == np.tile(values[: made.groups], (made.grid.places, 1))).all():
        values = values[: made.groups]  # the same at every place
    parameters: Parameters = {
        "LANES": made.lanes, "IN": entering.bits, "SIGNED_IN": int(entering.signed), "OUT": made.bits, "FACTOR": node.factor,
        "CONSTANTS": len(values), "CONSTANT_WORD": counting(len(values)),
    }  # fmt: skip
    ports = (Port("in", entering),), (Port("out", made),)
    memory = Memory(values, (made.bits,) * made.lanes)
    parts.add(Module("snn_offset", parts.name(node, "offset"), node.name, parameters, *ports), {"FILE": memory})
    return Signal(words=made)


def _neuron(parts: Parts, node: IntNeuron) -> Signal:
    entering = parts.words(node.inputs[0])
    path = datapath(node, entering.interval, parts.folding.megahertz, entering.words, entering.lanes)
    made = replace(parts.stream(node, WORDS, like=entering), interval=path.spike, lanes=entering.lanes)
    memory = constants_memory(path, node, made)
    kind, first = parts.name(node, "neurons"), len(parts.series)
    parts.series += [Series(node.name, "", made, said(path)), *(Series(node.name, f.name, made) for f in path.states)]
    text = layer_module(kind, node, path, entering, made, memory, parts.steps(), lane_text(path), first)
    parts.generated[f"{kind}.sv"] = text
    parts.lane_takes[kind] = lane_takes(path)
    ports = (Port("in", entering),), (Port("out", made),)
    held = made.words * made.lanes * path.state_bits
    parts.add(Module(kind, f"i_{kind}", node.name, {}, *ports, ram=held), {} if memory is None else {"CONSTANT_FILE": memory})
    return Signal(words=made)


def _feedback(parts: Parts, node: IntFeedback) -> Signal:
    """The stream that it writes; `close` adds the module, once the neuron that it reads is there."""
    return Signal(parts.stream(node, EVENTS))


def close(parts: Parts, node: IntFeedback) -> None:
    """Put in the module of a recurrent edge."""
    entering, made = parts.events(node.inputs[0]), parts.signals[node.name].events
    assert made is not None
    parameters: Parameters = {
        "ADDRESS": sum(made.grid.address), "IN": entering.bits, "IN_SIGNED": int(entering.signed), "VALUE": made.bits,
        **parts.steps(),
    }  # fmt: skip
    ports = (Port("in", entering),), (Port("out", made),)
    parts.add(Module("snn_feedback", parts.name(node, "feedback"), node.name, parameters, *ports))


def _readout(parts: Parts, node: IntReadout) -> Signal:
    entering, classes = parts.words(node.inputs[0]), node.shape[0]
    parameters: Parameters = {
        "LANES": entering.lanes, "IN": entering.bits, "SIGNED_IN": int(entering.signed), "OUT": readout_bits(parts.network),
        "CLASSES": classes, "CLASS": counting(classes), "WORD": counting(-(-classes // entering.lanes)), **parts.steps(),
        "LAST_STEP": int(node.kind == "last"),
    }  # fmt: skip
    parts.add(Module("snn_readout", parts.name(node, "readout"), node.name, parameters, (Port("in", entering),), ()))
    return Signal(words=entering)


def readout_bits(network: IntegerNetwork) -> int:
    """Of a beat that leaves the network: 32 bits, or 64 where the sums of all steps need more."""
    return 32 if signed_bits(network.sum_interval) <= 32 else 64


LAYERS: dict[type[IntNode], Callable[[Parts, Any], Signal]] = {
    IntInput: _input,
    IntLinear: _linear,
    IntConv2d: _convolution,
    IntSumPool2d: _pool,
    IntMaxPool2d: _maximum,
    IntResize2d: _resize,
    IntFlatten: _flatten,
    IntPlaces: _places,
    IntAdd: _addition,
    IntMultiply: _product,
    IntMatMul: product,
    IntConcat: _concatenation,
    IntOffset: _offset,
    IntNeuron: _neuron,
    IntFeedback: _feedback,
    IntReadout: _readout,
}

# What reads and writes words of the same order, so that its lanes are those of what it reads.
SAME_WORDS = (IntNeuron, IntAdd, IntMultiply, IntOffset, IntFlatten, IntPlaces, IntReadout)
