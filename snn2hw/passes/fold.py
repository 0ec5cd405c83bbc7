"""fold: BatchNorm and input gains disappear into the weights before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import BatchNorm, Conv2d, Linear, Network, Neuron, Node
from snn2hw.passes.base import Compilation, Pass, channels_first


@dataclass(frozen=True)
class Fold(Pass):
    """scale*(W x + b) + shift = (scale*W) x + (scale*b + shift), per output channel; gain likewise.

    Raises:
        UnsupportedError: a BatchNorm whose input is no convolution or linear layer, or one that others read too.
    """

    name: ClassVar[str] = "fold"
    says: ClassVar[str] = "BatchNorm and input gains into the weights before them"

    def run(self, c: Compilation) -> Compilation:
        """The compilation with no BatchNorm left."""
        nodes: dict[str, Node] = {n.name: n for n in c.real.nodes}
        renamed: dict[str, str] = {}
        for node in c.real.nodes:
            node = replace(node, inputs=tuple(renamed.get(i, i) for i in node.inputs))
            nodes[node.name] = node
            if isinstance(node, BatchNorm):
                synapse = _foldable(node, nodes, c.real)
                nodes[synapse.name] = _scaled(synapse, node)
                renamed[node.name] = synapse.name
                del nodes[node.name]
            elif isinstance(node, Neuron) and node.gain != 1.0:
                self._fold_gain(node, nodes, c.real)
        return replace(c, real=replace(c.real, nodes=tuple(nodes.values())))

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """No BatchNorm is left."""
        yield from (f"BatchNorm '{n.name}' is still there" for n in after.real.nodes if isinstance(n, BatchNorm))

    @staticmethod
    def _fold_gain(node: Neuron, nodes: dict[str, Node], net: Network) -> None:
        synapse = nodes[node.inputs[0]]
        if isinstance(synapse, Conv2d | Linear) and _readers(synapse.name, nodes) == 1:
            nodes[synapse.name] = replace(synapse, weight=synapse.weight * node.gain, bias=synapse.bias * node.gain)
            nodes[node.name] = replace(node, gain=1.0)


def _readers(name: str, nodes: dict[str, Node]) -> int:
    return sum(n.inputs.count(name) for n in nodes.values())


def _foldable(norm: BatchNorm, nodes: dict[str, Node], net: Network) -> Conv2d | Linear:
    synapse = nodes[norm.inputs[0]]
    readers = sum(n.inputs.count(synapse.name) for n in net.nodes)
    if isinstance(synapse, Conv2d | Linear) and readers == 1:
        return synapse
    reason = f"{readers} layers read it" if readers > 1 else f"its input is {type(synapse).__name__} '{synapse.name}'"
    raise UnsupportedError(
        "this BatchNorm cannot be folded into weights",
        where=norm.source or norm.name,
        got=reason,
        expected="a Conv2d or Linear before it that nothing else reads",
        do="put the BatchNorm directly behind a Conv2d or Linear",
    )


def _scaled(synapse: Conv2d | Linear, norm: BatchNorm) -> Conv2d | Linear:
    weight = synapse.weight * channels_first(norm.scale, synapse.weight.ndim)
    return replace(synapse, weight=weight, bias=synapse.bias * norm.scale + norm.shift)
