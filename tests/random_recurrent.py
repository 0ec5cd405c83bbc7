"""What makes a random network recurrent: edges back to earlier layers; and, in the integer stage, Loihi's neurons and delays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snn2hw.ir.delay import delay_program
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode
from snn2hw.ir.loihi import VTH_MAX, loihi_lif, widest_input
from snn2hw.ir.network import Feedback, Network, Neuron, Node
from snn2hw.ir.rules import check_integer, check_network
from snn2hw.ir.shapes import Window
from snn2hw.layers import Add, BatchNorm, Conv2d, IntConv2d, IntLinear, Linear
from snn2hw.num import Format, Interval

SUMS = Conv2d | Linear | Add | BatchNorm


def with_feedback(net: Network, rng: np.random.Generator) -> Network:
    """One or two neurons take, beside their sums, what a neuron from there on fired one step before."""
    known = {n.name: n for n in net.nodes}
    joinable = [n for n in net.neurons if isinstance(known[n.inputs[0]], SUMS)]
    rng.shuffle(joinable)  # type: ignore[arg-type]
    for neuron in joinable[: int(rng.integers(1, 3))]:
        at = net.nodes.index(neuron)
        sources = _neurons(net.nodes[at:], neuron)
        source = sources[0] if rng.random() < 0.7 else sources[rng.integers(len(sources))]
        net = _joined(net, neuron, source, "", rng)
    check_network(net)
    return net


def with_late_edge(net: Network, rng: np.random.Generator) -> Network:
    """One neuron takes, where two fit, what a neuron before it fired one step before: mostly an edge that closes no cycle."""
    known = {n.name: n for n in net.nodes}
    joinable = [(at, n) for at, n in enumerate(net.nodes) if isinstance(n, Neuron) and isinstance(known[n.inputs[0]], SUMS)]
    pairs = [(n, source) for at, n in joinable for source in _neurons(net.nodes[:at], n)]
    if pairs:
        net = _joined(net, *pairs[int(rng.integers(len(pairs)))], ".late", rng)
    check_network(net)
    return net


def _neurons(nodes: Sequence[Node], like: Neuron) -> list[Neuron]:
    return [n for n in nodes if isinstance(n, Neuron) and n.shape[1:] == like.shape[1:]]


def _joined(net: Network, neuron: Neuron, source: Neuron, more: str, rng: np.random.Generator) -> Network:
    at = [n.name for n in net.nodes].index(neuron.name)
    made: list[Node] = [Feedback(f"{neuron.name}{more}.back", (source.name,), source.shape, source="back")]
    if source.shape != neuron.shape or rng.random() < 0.8:
        made.append(_synapse(f"{neuron.name}{more}.again", made[0], neuron.shape[0], rng))
    made.append(Add(f"{neuron.name}{more}.sum", (neuron.inputs[0], made[-1].name), neuron.shape, source="sum"))
    first = min(at, net.nodes.index(source))  # an edge stands before its neuron
    before = [*net.nodes[:first], made[0], *net.nodes[first:at]]
    nodes = [*before, *made[1:], replace(neuron, inputs=(made[-1].name,)), *net.nodes[at + 1 :]]
    return replace(net, nodes=tuple(nodes))


def _synapse(name: str, entering: Node, out: int, rng: np.random.Generator) -> Node:
    channels, shape = entering.shape[0], (out, *entering.shape[1:])
    bias = rng.normal(0, 0.1, out) * rng.choice([0.0, 1.0])
    if len(shape) == 1:
        weight = rng.normal(0, 1.0 / np.sqrt(channels), (out, channels))
        return Linear(name, (entering.name,), shape, weight, bias, source=name)
    size = int(rng.choice([1, 3]))
    groups = channels if out == channels and rng.random() < 0.3 else 1
    weight = rng.normal(0, 1.0 / (size * np.sqrt(channels // groups)), (out, channels // groups, size, size))
    window = Window((size, size), padding=(size // 2, size // 2))
    return Conv2d(name, (entering.name,), shape, weight, bias, window, groups, source=name)


def grafted(net: IntegerNetwork, rng: np.random.Generator) -> IntegerNetwork:
    """Some neurons become Loihi's, with two states and a refractory counter; behind some there are delays."""
    for neuron in net.neurons:
        if rng.random() < 0.4:
            net = _with_loihi(net, neuron.name, rng)
        if rng.random() < 0.3:
            net = _with_delay(net, neuron.name, rng)
    check_integer(net)
    return net


def _with_loihi(net: IntegerNetwork, name: str, rng: np.random.Generator) -> IntegerNetwork:
    nodes: dict[str, IntNode] = {n.name: n for n in net.nodes}
    neuron, synapse = nodes[name], nodes[nodes[name].inputs[0]]
    assert isinstance(neuron, IntNeuron)
    alone = isinstance(synapse, IntConv2d | IntLinear) and sum(n.inputs.count(synapse.name) for n in net.nodes) == 1
    if not alone or neuron.format.frac or 1 not in range(neuron.interval.lo, neuron.interval.hi + 1):
        return net
    width = synapse.interval.magnitude.bit_length()
    align = int(np.clip(20 - width, 0, 13))
    largest = max(synapse.interval.magnitude, 1) << align
    biases = [int(b) for b in rng.integers(-200, 400, neuron.shape[0])] if rng.random() < 0.5 else 0
    program = loihi_lif(
        int(rng.choice([-1, 0, 400, 2047, 4095])),
        int(rng.choice([0, 128, 1024, 4096])),
        int(min((largest >> 6) * rng.uniform(0.02, 0.4), VTH_MAX)),
        biases,
        int(rng.integers(0, 8)),
        int(rng.choice([0, 0, 1, 3])),
        align=align,
        input_bits=widest_input(synapse.interval),
    )
    nodes[synapse.name] = replace(synapse, format=Format(synapse.format.width, -align, synapse.format.signed))
    fired = Interval(0, 1)
    nodes[name] = replace(neuron, program=program, meaning=None, interval=fired, format=Format.holding(fired, 0))
    return replace(net, nodes=tuple(nodes.values()))


def _with_delay(net: IntegerNetwork, name: str, rng: np.random.Generator) -> IntegerNetwork:
    """Whoever read the neuron, recurrent edges too, reads it through its axons."""
    neuron = next(n for n in net.neurons if n.name == name)
    if 0 not in range(neuron.interval.lo, neuron.interval.hi + 1):
        return net  # axons send 0 at first, for which the intervals of its readers have no room
    each = int(rng.choice([1, neuron.shape[0]]))
    program = delay_program([int(d) for d in rng.integers(0, 4, each)], neuron.interval, neuron.format.frac)
    axon = f"{name}.axon"
    nodes: list[IntNode] = []
    for node in net.nodes:
        nodes.append(replace(node, inputs=tuple(axon if i == name else i for i in node.inputs)))
        if node.name == name:
            nodes.append(
                IntNeuron(
                    axon, (name,), node.shape, node.format, node.interval.hull(Interval(0, 0)), source=axon, program=program
                )
            )
    return replace(net, nodes=tuple(nodes))
