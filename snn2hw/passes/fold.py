"""fold: BatchNorm and input gains disappear into the weights before them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import Neuron, Node
from snn2hw.layers import Add, BatchNorm, Operator, Synapse
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
            elif isinstance(current, Neuron) and current.gain not in (0.0, 1.0):
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
        moves = isinstance(current, Operator) and current.takes_factor(node.gain)
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


def _foldable(norm: BatchNorm, name: str, nodes: dict[str, Node]) -> list[Synapse]:
    """The layers whose sum is the value of this name."""
    source = nodes[name]
    readers = _readers(name, nodes)
    if isinstance(source, Synapse) and readers == 1:
        return [source]
    if isinstance(source, Add) and readers == 1:
        return [s for branch in source.inputs for s in _foldable(norm, branch, nodes)]
    if isinstance(source, Operator) and source.takes_norm(norm.scale) and readers == 1:
        return _foldable(norm, source.inputs[0], nodes)
    reason = f"{readers} layers read it" if readers > 1 else f"its input is {type(source).__name__} '{name}'"
    raise UnsupportedError(
        "this BatchNorm, or gain or threshold per channel, cannot be folded into weights",
        where=norm.source or norm.name,
        got=reason,
        expected="a Conv2d or Linear before it that nothing else reads, on every edge that enters it",
        do="put it directly behind a Conv2d or Linear, or give the layer one gain and one threshold",
    )


def _scaled(synapse: Synapse, norm: BatchNorm, shifted: bool) -> Synapse:
    weight = synapse.weight * channels_first(norm.scale, synapse.weight.ndim)
    return replace(synapse, weight=weight, bias=synapse.bias * norm.scale + (norm.shift if shifted else 0.0))
