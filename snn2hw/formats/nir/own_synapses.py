"""Synapses of their own for neurons whose gain or threshold differs by channel, so that the weights can take the factors.

A synapse that others read as well is written once more for the neuron; what reaches it without a synapse passes one that
changes nothing. Both are exact: W x is W x whoever reads it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn2hw.ir.network import Delay, Node
from snn2hw.ir.shapes import Window
from snn2hw.layers import Add, AvgPool2d, BatchNorm, Conv2d, Linear, Synapse

MOST = 1 << 10  # neurons of a line for which a matrix that changes nothing is written
Nodes = dict[str, Node]


def with_own_synapses(nodes: Nodes) -> Nodes:
    """The nodes, in order of evaluation, where behind every BatchNorm stand only synapses that nothing else reads."""
    made: Nodes = {}
    for name, node in nodes.items():
        if isinstance(node, BatchNorm):
            before = _own(node.inputs[0], {**nodes, **made}, made)
            made[name] = replace(node, inputs=(before,))
        else:
            made[name] = node
    return made


def _own(name: str, nodes: Nodes, made: Nodes) -> str:
    """The name of the same value, made of synapses that nothing else reads; what is new is entered into `made`."""
    node, alone = nodes[name], sum(n.inputs.count(name) for n in nodes.values()) == 1
    if isinstance(node, Synapse):
        return name if alone else _enter(node, made, node.inputs)
    if isinstance(node, Add | AvgPool2d | Delay):
        inputs = tuple(_own(i, nodes, made) for i in node.inputs)
        if alone:
            made[name] = replace(node, inputs=inputs)
            made[name] = made.pop(name)  # behind what is new
            return name
        return _enter(node, made, inputs)
    return name if len(node.shape) == 1 and node.shape[0] > MOST else _enter(_unit(node), made, (name,))


def _enter(node: Node, made: Nodes, inputs: tuple[str, ...]) -> str:
    name = f"{node.name}.own"
    while name in made:
        name += "_"
    made[name] = replace(node, name=name, inputs=inputs)
    return name


def _unit(node: Node) -> Node:
    """A synapse that changes nothing of the node's value."""
    channels = node.shape[0]
    if len(node.shape) == 1:
        return Linear(node.name, (), node.shape, np.eye(channels), np.zeros(channels), source=node.source)
    window = Window((1, 1), (1, 1), (0, 0))
    return Conv2d(
        node.name, (), node.shape, np.ones((channels, 1, 1, 1)), np.zeros(channels), window, channels, source=node.source
    )
