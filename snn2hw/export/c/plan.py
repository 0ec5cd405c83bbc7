"""Where every value of the network lives in C: its type, its place in the arena, how many steps it has.

A value is [steps][height][width][channels], channels last, in the narrowest type that holds it. What does not change over the
steps (a static image, and sums of it) has one step only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from snn2hw.ir.integer import IntConv2d, IntegerNetwork, IntInput, IntLinear, IntNeuron, IntNode
from snn2hw.num import Interval

ALIGN = 64


def c_type(interval: Interval) -> str:
    """The narrowest C integer that holds an interval."""
    for bits in (8, 16, 32):
        if interval in Interval(0, (1 << bits) - 1) and bits < 32:
            return f"uint{bits}_t"
        if interval in Interval(-(1 << (bits - 1)), (1 << (bits - 1)) - 1):
            return f"int{bits}_t"
    return "int64_t"


def type_bytes(name: str) -> int:
    """Bytes of one of `c_type`'s types."""
    return int("".join(c for c in name if c.isdigit())) // 8


@dataclass(frozen=True)
class Value:
    """The value of a node.

    Args:
        node: that makes it. steps: 1 where it is the same at every step. type: its C type.
        offset: in the arena, bytes; -1 for the network's own input.
    """

    node: IntNode
    steps: int
    type: str
    offset: int

    @property
    def channels(self) -> int:
        """Size of the channel axis."""
        return self.node.shape[0]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width; 1 x 1 for values of one axis."""
        return (self.node.shape[1], self.node.shape[2]) if len(self.node.shape) == 3 else (1, 1)

    @property
    def places(self) -> int:
        """Height times width."""
        return prod(self.size)


@dataclass(frozen=True)
class Plan:
    """The layout of a network.

    Args:
        values: by node name; a synapse that is fused with the neuron behind it has none.
        fused: neuron -> the synapse whose sums it takes straight away.
        padded: offset of the scratch in which a synapse's input is laid out, which all share. arena: bytes in all.
    """

    values: dict[str, Value]
    fused: dict[str, str]
    padded: int
    arena: int


def plan(net: IntegerNetwork, scratch: int, still: bool) -> Plan:
    """Lay the network out; `scratch` bytes are shared by all synapses, `still` input has one step."""
    fused = _fused(net)
    values: dict[str, Value] = {}
    steps: dict[str, int] = {}
    end = 0
    for node in net.nodes:
        if isinstance(node, IntInput):
            steps[node.name] = 1 if still else net.steps
        else:
            steps[node.name] = net.steps if isinstance(node, IntNeuron) else max(steps[i] for i in node.inputs)
        kind = c_type(node.interval)
        if node.name in fused.values():
            values[node.name] = Value(node, steps[node.name], kind, -1)
            continue
        offset = -1 if isinstance(node, IntInput) else end
        values[node.name] = Value(node, steps[node.name], kind, offset)
        if not isinstance(node, IntInput):
            end += -(-steps[node.name] * prod(node.shape) * type_bytes(kind) // ALIGN) * ALIGN
    return Plan(values, fused, end, end + scratch)


def _fused(net: IntegerNetwork) -> dict[str, str]:
    """A neuron takes the sums of a synapse as they come, where nothing else reads them."""
    readers = {n.name: [m for m in net.nodes if n.name in m.inputs] for n in net.nodes}
    synapses = {n.name for n in net.nodes if isinstance(n, IntConv2d | IntLinear) and len(readers[n.name]) == 1}
    return {n.name: n.inputs[0] for n in net.neurons if n.inputs[0] in synapses}
