"""A network that ends in large linear layers, in two: what comes before them, and these, which take several samples at once.

Convolutions read their weights once for all places of an image. The linear layers behind them have one place: of few steps they
mostly wait for their weights. So the front is run for each sample, its last value of every step is kept, and the tail, which is a
network of linear layers, runs side by side.
"""

from __future__ import annotations

from dataclasses import replace

from snn2hw.backends.fast.side_by_side import at_once
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNode
from snn2hw.layers import IntLinear

LEAST = 1 << 20  # chosen: weights of the tail; fewer stay in the second cache, and two more libraries have to be compiled


def split(net: IntegerNetwork) -> tuple[IntegerNetwork, IntegerNetwork] | None:
    """The front, which ends in the vector that it hands on, and the tail, whose input that is; None where that is not worth it.

    The tail is as long as it can be: it reads no other value of the front, and takes several samples side by side.

    Args:
        net: of one sample.
    """
    if _weights(net.nodes) < LEAST:
        return None
    for k, node in enumerate(net.nodes):
        if k and len(node.shape) == 1 and (tail := _tail(net, k)) is not None and at_once(tail) > 1:
            return replace(net, nodes=net.nodes[: k + 1]), tail
    return None


def _tail(net: IntegerNetwork, k: int) -> IntegerNetwork | None:
    """What follows a node, its value the input; None where that reads more of the front, or the front reads it, or where it has
    few weights."""
    last, before, behind = net.nodes[k], net.nodes[: k + 1], net.nodes[k + 1 :]
    if _weights(behind) < LEAST:
        return None
    inside, outside = {node.name for node in before}, {last.name, *(node.name for node in behind)}
    if not all(inside.issuperset(node.inputs) for node in before) or not all(outside.issuperset(node.inputs) for node in behind):
        return None
    entering = IntInput(last.name, (), last.shape, last.format, last.interval, unit=1.0, static=False, counts=True)
    return replace(net, nodes=(entering, *behind))


def _weights(nodes: tuple[IntNode, ...]) -> int:
    """Of linear layers."""
    return sum(node.weight.size for node in nodes if isinstance(node, IntLinear))
