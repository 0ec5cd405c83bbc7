"""An integer network as Lava processes: Lava's own Dense, Sparse and Conv for the synapses, ours for the rest.

Time. Lava's synapses send the sum of the step before, so each costs one step. A layer behind d synapses sees step t of
sample n at Lava's step n*T + t + d + 1; samples follow one another without a gap, and each layer resets its states when
the first step of the next sample reaches it. Joining branches are delayed to the longer one.

Exactness. Dense and Sparse keep even weights of -256..254 where signs are mixed, so weights are doubled, called mixed
whatever they are (else -256 is clipped), and the sum halved (weight_exp = -1): exact. Conv convolves, it does not
correlate, so kernels are flipped; it wraps sums at 24 bits, which `fits` checks. docs/how-to/lava.md has the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode

from snn2hw.backends.lava.fits import delays, waits
from snn2hw.backends.lava.process import Bias, Branches, Feedback, Join, Pool, ProgramNeuron
from snn2hw.ir.integer import (
    IntegerNetwork,
    IntFeedback,
    IntInput,
    IntNeuron,
    IntNode,
    IntReadout,
)
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntOperator,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.layers.add import PLUS
from snn2hw.simplification import simplified
from snn2hw.trace import Ints

MESSAGE_BITS = 8  # above 0: spike values are graded, not cast to bool


@dataclass(frozen=True)
class Mapped:
    """The processes of a network.

    Args:
        sink: receives the logits of every step in `data`.
        steps: how many steps to run so that every sample has come out.
        delays: synapses passed before each neuron layer, and before the readout, by node name.
        processes: how many Lava processes there are.
    """

    sink: Any
    steps: int
    delays: Mapping[str, int]
    processes: int


@dataclass
class _Signal:
    """What leaves a node: a port to connect from, the synapses passed, a bias that is still to be added."""

    port: Any
    delay: int
    bias: tuple[int, ...] = (0,)


class _Walk:
    def __init__(self, net: IntegerNetwork, payloads: Ints, record: Path) -> None:
        self.net, self.record, self.processes = net, record, 0
        self.signals: dict[str, _Signal] = {}
        self.delays, self.edges = delays(net), dict[str, Any]()
        depth = max(self.delays.values())
        samples = payloads.swapaxes(0, 1).reshape((-1, *net.input.shape))  # n*T + t
        self.steps = len(samples) + depth
        padded = np.concatenate([samples, np.zeros((depth, *net.input.shape), samples.dtype)])
        self.stream = np.ascontiguousarray(np.moveaxis(padded, 0, -1).astype(np.int32))

    def made(self, process: Any) -> Any:
        """Count a process."""
        self.processes += 1
        return process

    def settled(self, name: str) -> _Signal:
        """The signal of a node with its bias added."""
        signal = self.signals[name]
        if any(signal.bias):
            adder = self.made(Bias(shape=_shape(self.net, name), bias=signal.bias))
            signal.port.connect(adder.a_in)
            self.signals[name] = signal = _Signal(adder.a_out, signal.delay)
        return signal


def map_network(net: IntegerNetwork, payloads: Ints, record: Path) -> Mapped:
    """Connect the processes; run any of them to run all.

    Args:
        net: all of whose nodes have a row in ROWS.
        payloads: [T, N, ...]; they stream through, sample after sample.
        record: folder for the spike values and states of every step, one subfolder per neuron layer, numbered.

    `fits.check_network` says beforehand which networks can be mapped.
    """
    walk = _Walk(net, payloads, record)
    for node in net.nodes:
        walk.signals[node.name] = ROWS[type(node)](walk, node)
    for edge in net.feedbacks:  # of neurons that are there only now
        walk.signals[edge.inputs[0]].port.connect(walk.edges[edge.name].a_in)
    passed = {n.name: walk.signals[n.name].delay for n in net.neurons}
    last = walk.settled(net.readout.inputs[0])
    sink = walk.made(Sink(shape=net.readout.shape, buffer=walk.steps))
    last.port.connect(sink.a_in)
    return Mapped(sink, walk.steps, {**passed, net.readout.name: last.delay}, walk.processes)


def _shape(net: IntegerNetwork, name: str) -> tuple[int, ...]:
    return next(n.shape for n in net.nodes if n.name == name)


def _input(walk: _Walk, node: IntInput) -> _Signal:
    return _Signal(walk.made(Source(data=walk.stream)).s_out, 0)


def _conv2d(walk: _Walk, node: IntConv2d) -> _Signal:
    entering = walk.settled(node.inputs[0])
    channels, height, width = _shape(walk.net, node.inputs[0])
    flipped = node.weight[:, :, ::-1, ::-1].transpose(0, 2, 3, 1).astype(np.int32)
    w = node.window
    synapse = walk.made(
        Conv(
            weight=np.ascontiguousarray(flipped),
            input_shape=(height, width, channels),
            padding=w.padding,
            stride=w.stride,
            dilation=w.dilation,
            groups=node.groups,
            num_message_bits=MESSAGE_BITS,
        )
    )
    entering.port.transpose((1, 2, 0)).connect(synapse.s_in)
    return _Signal(synapse.a_out.transpose((2, 0, 1)), entering.delay + 1, tuple(node.bias.tolist()))


def _linear(walk: _Walk, node: IntLinear) -> _Signal:
    entering = walk.settled(node.inputs[0])
    doubled = 2 * node.weight.astype(np.int32)
    kind = Sparse if mostly_zeros(doubled) else Dense
    exactly = {"weight_exp": -1, "sign_mode": SignMode.MIXED, "num_message_bits": MESSAGE_BITS}
    synapse = walk.made(kind(weights=doubled, **exactly))
    entering.port.connect(synapse.s_in)
    return _Signal(synapse.a_out, entering.delay + 1, tuple(node.bias.tolist()))


def mostly_zeros(weights: np.ndarray) -> bool:
    """Whether Sparse holds them in less: it stores an index beside every weight, so fewer than half may be left."""
    return bool(2 * np.count_nonzero(weights) < weights.size)


def _pool(walk: _Walk, node: IntOperator) -> _Signal:
    entering = walk.settled(node.inputs[0])
    pool = walk.made(Pool(shape=_shape(walk.net, node.inputs[0]), node=node))
    entering.port.connect(pool.a_in)
    return _Signal(pool.a_out, entering.delay)


def _flatten(walk: _Walk, node: IntFlatten) -> _Signal:
    entering = walk.settled(node.inputs[0])
    return _Signal(entering.port.reshape((prod(node.shape),)), entering.delay)


def _add(walk: _Walk, node: IntAdd) -> _Signal:
    if node.signs != PLUS:
        return _branches(walk, node)
    a, b = (walk.settled(i) for i in node.inputs)
    delay = max(a.delay, b.delay)
    join = walk.made(Join(shape=node.shape, shifts=node.shifts, delays=(delay - a.delay, delay - b.delay)))
    a.port.connect(join.a_in)
    b.port.connect(join.b_in)
    return _Signal(join.a_out, delay)


def _branches(walk: _Walk, node: IntAdd | IntConcat | IntMultiply) -> _Signal:
    a, b = (walk.settled(i) for i in node.inputs)
    delay, shapes = max(a.delay, b.delay), (_shape(walk.net, node.inputs[0]), _shape(walk.net, node.inputs[1]))
    made = walk.made(Branches(shapes=shapes, node=node, delays=(delay - a.delay, delay - b.delay)))
    a.port.connect(made.a_in)
    b.port.connect(made.b_in)
    return _Signal(made.a_out, delay)


def _neuron(walk: _Walk, node: IntNeuron) -> _Signal:
    entering = walk.signals[node.inputs[0]]
    number = [n.name for n in walk.net.neurons].index(node.name)
    neuron = walk.made(
        ProgramNeuron(
            shape=node.shape,
            program=simplified(node.program),
            bias=entering.bias,
            period=walk.net.steps,
            delay=entering.delay,
            record=str(walk.record / str(number)),
        )
    )
    entering.port.connect(neuron.a_in)
    return _Signal(neuron.s_out, entering.delay)


def _feedback(walk: _Walk, node: IntFeedback) -> _Signal:
    delay = walk.delays[node.inputs[0]]
    edge = walk.made(Feedback(shape=node.shape, period=walk.net.steps, delay=delay, waits=waits(walk.net, node, walk.delays)))
    walk.edges[node.name] = edge
    return _Signal(edge.a_out, walk.delays[node.name])


def _readout(walk: _Walk, node: IntReadout) -> _Signal:
    return walk.signals[node.inputs[0]]


ROWS: Mapping[type[IntNode], Callable[[_Walk, Any], _Signal]] = {
    IntInput: _input,
    IntConv2d: _conv2d,
    IntLinear: _linear,
    IntSumPool2d: _pool,
    IntMaxPool2d: _pool,
    IntFlatten: _flatten,
    IntAdd: _add,
    IntConcat: _branches,
    IntMultiply: _branches,
    IntOffset: _pool,
    IntPlaces: _pool,
    IntResize2d: _pool,
    IntNeuron: _neuron,
    IntFeedback: _feedback,
    IntReadout: _readout,
}
