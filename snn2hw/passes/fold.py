"""fold: BatchNorm and input gains disappear into the weights before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.ir.network import Delay, Neuron, Node
from snn2hw.layers import BatchNorm, Offset, Operator, Synapse
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.norms import without_norm, without_offset


@dataclass(frozen=True)
class Fold(Pass):
    """A BatchNorm goes into the weights before it, or behind it (`norms`); a gain into the weights before its neuron.

    Raises:
        UnsupportedError: a BatchNorm that neither can take.
    """

    name: ClassVar[str] = "fold"
    says: ClassVar[str] = "BatchNorm and input gains into the weights beside them"

    def run(self, c: Compilation) -> Compilation:
        """The compilation with no BatchNorm left."""
        nodes: dict[str, Node] = {n.name: n for n in c.real.nodes}
        for node in c.real.nodes:
            current = nodes[node.name]
            if isinstance(current, BatchNorm):
                nodes = without_norm(current, nodes)
            elif isinstance(current, Offset):
                nodes = without_offset(current, nodes)
            elif isinstance(current, Neuron) and current.gain not in (0.0, 1.0):
                _fold_gain(current, nodes)
        return replace(c, real=replace(c.real, nodes=tuple(nodes.values())))

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """No BatchNorm is left."""
        yield from (f"BatchNorm '{n.name}' is still there" for n in after.real.nodes if isinstance(n, BatchNorm))


def _fold_gain(node: Neuron, nodes: dict[str, Node]) -> None:
    """The gain into every synapse whose sum the neuron takes; others that take of the same sums keep what is left of theirs.

    In SI units weights are about 1e-9 and gains 1e9: only their product has the size that integers are chosen for.
    """
    joined = _joined(node, nodes)
    if joined is None:
        return
    synapses, neurons = joined
    if node.name != next(n for n in reversed(nodes) if n in {m.name for m in neurons}):
        return  # the last of them decides, once
    for synapse in synapses:
        nodes[synapse.name] = replace(synapse, weight=synapse.weight * node.gain, bias=synapse.bias * node.gain)
    for neuron in neurons:
        nodes[neuron.name] = replace(neuron, gain=neuron.gain / node.gain)


def _joined(node: Neuron, nodes: dict[str, Node]) -> tuple[list[Synapse], list[Neuron]] | None:
    """The synapses and neurons that sums, additions and pools join to this neuron; None where something else is among them."""
    seen, ahead = set[str](), [node.name]
    found: list[Node] = []
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        current = nodes[name]
        moves = isinstance(current, Delay) or (isinstance(current, Operator) and current.takes_factor(node.gain))
        if not (moves or isinstance(current, Neuron | Synapse)):
            return None
        found.append(current)
        if not isinstance(current, Neuron):
            readers = [n.name for n in nodes.values() if name in n.inputs]
            if any(isinstance(nodes[r], Synapse) for r in readers):
                return None
            ahead += readers
        if not isinstance(current, Synapse):
            if any(isinstance(nodes[i], Neuron) for i in current.inputs):  # what it fired has no weights
                return None
            ahead += current.inputs
    return [n for n in found if isinstance(n, Synapse)], [n for n in found if isinstance(n, Neuron)]
