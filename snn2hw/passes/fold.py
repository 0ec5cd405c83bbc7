"""fold: BatchNorm and input gains disappear into the weights before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import Add, AvgPool2d, BatchNorm, Conv2d, Linear, MaxPool2d, Neuron, Node
from snn2hw.passes.base import Compilation, Pass, channels_first


@dataclass(frozen=True)
class Fold(Pass):
    """scale*(W x + b) + shift = (scale*W) x + (scale*b + shift), per output channel; gain likewise. Behind a join of such layers
    all of them are scaled, and the first takes the shift. A pool may stand between: a mean
    without padding, or a maximum where no scale is negative.

    Raises:
        UnsupportedError: a BatchNorm whose input is no convolution or linear layer, or one that others read too.
    """

    name: ClassVar[str] = "fold"
    says: ClassVar[str] = "BatchNorm and input gains into the weights before them"

    def run(self, c: Compilation) -> Compilation:
        """The compilation with no BatchNorm left."""
        nodes: dict[str, Node] = {n.name: n for n in c.real.nodes}
        for node in c.real.nodes:
            current = nodes[node.name]
            if isinstance(current, BatchNorm):
                synapses = _foldable(current, current.inputs[0], nodes)
                del nodes[node.name]
                for k, synapse in enumerate(synapses):
                    nodes[synapse.name] = _scaled(synapse, current, shifted=k == 0)
                nodes = {k: _reading(n, node.name, current.inputs[0]) for k, n in nodes.items()}
            elif isinstance(current, Neuron) and current.gain != 1.0:
                _fold_gain(current, nodes)
        return replace(c, real=replace(c.real, nodes=tuple(nodes.values())))

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """No BatchNorm is left."""
        yield from (f"BatchNorm '{n.name}' is still there" for n in after.real.nodes if isinstance(n, BatchNorm))


def _reading(node: Node, old: str, new: str) -> Node:
    """The node with `new` in place of every input `old`."""
    return replace(node, inputs=tuple(new if i == old else i for i in node.inputs)) if old in node.inputs else node


def _readers(name: str, nodes: dict[str, Node]) -> int:
    return sum(n.inputs.count(name) for n in nodes.values())


def _fold_gain(node: Neuron, nodes: dict[str, Node]) -> None:
    synapse = nodes[node.inputs[0]]
    if isinstance(synapse, Conv2d | Linear) and _readers(synapse.name, nodes) == 1:
        nodes[synapse.name] = replace(synapse, weight=synapse.weight * node.gain, bias=synapse.bias * node.gain)
        nodes[node.name] = replace(node, gain=1.0)


def _foldable(norm: BatchNorm, name: str, nodes: dict[str, Node]) -> list[Conv2d | Linear]:
    """The layers whose sum is the value of this name."""
    source = nodes[name]
    readers = _readers(name, nodes)
    if isinstance(source, Conv2d | Linear) and readers == 1:
        return [source]
    if isinstance(source, Add) and readers == 1:
        return [s for branch in source.inputs for s in _foldable(norm, branch, nodes)]
    mean = isinstance(source, AvgPool2d) and not any(source.window.padding)
    if (mean or (isinstance(source, MaxPool2d) and (norm.scale >= 0).all())) and readers == 1:
        return _foldable(norm, source.inputs[0], nodes)
    reason = f"{readers} layers read it" if readers > 1 else f"its input is {type(source).__name__} '{name}'"
    raise UnsupportedError(
        "this BatchNorm, or gain or threshold per channel, cannot be folded into weights",
        where=norm.source or norm.name,
        got=reason,
        expected="a Conv2d or Linear before it that nothing else reads, on every edge that enters it",
        do="put it directly behind a Conv2d or Linear, or give the layer one gain and one threshold",
    )


def _scaled(synapse: Conv2d | Linear, norm: BatchNorm, shifted: bool) -> Conv2d | Linear:
    weight = synapse.weight * channels_first(norm.scale, synapse.weight.ndim)
    return replace(synapse, weight=weight, bias=synapse.bias * norm.scale + (norm.shift if shifted else 0.0))
