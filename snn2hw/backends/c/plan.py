"""Where every value of the network lives in C: its type, its place in the arena, how many steps it has.

A value is [steps][height][width][channels], channels last, in the narrowest type that holds it. What does not change over the
steps (a static image, and sums of it) has one step only.

Layers run one after another, each all its steps. Only what lies between a recurrent edge and the neuron that it reads goes
step by step together: a loop. A value lies where earlier ones are no longer needed, so that more of them stay in a cache.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from snn2hw.backends.c.lifetimes import first_fit, lives
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode
from snn2hw.ir.program import declared_interval
from snn2hw.layers import IntSynapse
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
        """Height and width; 1 x L of a signal [C, L], 1 x 1 of values of one axis."""
        h, w = (1, 1, *self.node.shape[1:])[-2:]
        return h, w

    @property
    def places(self) -> int:
        """Height times width."""
        return prod(self.size)

    @property
    def one(self) -> Value:
        """A single step of it."""
        return replace(self, steps=1)


@dataclass(frozen=True)
class Plan:
    """The layout of a network.

    Args:
        values: by node name; a synapse that is fused with the neuron behind it has none.
        fused: neuron -> the synapse whose sums it takes straight away.
        loops: of names of nodes that go step by step together.
        states: neuron whose states last from call to call, as in a loop -> their offsets.
        padded: offset of the scratch in which a synapse's input is laid out, which all share. arena: bytes in all.
    """

    values: dict[str, Value]
    fused: dict[str, str]
    loops: list[list[str]]
    states: dict[str, list[int]]
    padded: int
    arena: int


def plan(net: IntegerNetwork, scratch: int, still: bool, streaming: bool = False) -> Plan:
    """Lay the network out; `scratch` bytes are shared by all synapses, `still` input has one step.

    Args:
        net: in order of evaluation. scratch: so many bytes. still: whether a sample is the same at all steps.
        streaming: whether one step of the whole network is a call, between which the states of all neurons last.
    """
    together = [] if streaming else loops(net)
    stepped = {name for loop in together for name in loop}
    fused = _fused(net, stepped)
    together = [[name for name in loop if name not in fused.values()] for loop in together]
    steps, kinds = _steps(net, still), {n.name: c_type(n.interval) for n in net.nodes}
    stored = [n for n in net.nodes if not isinstance(n, IntInput) and n.name not in fused.values()]
    alive = lives(net, fused, together)
    sizes = [_aligned(steps[n.name] * prod(n.shape) * type_bytes(kinds[n.name])) for n in stored]
    begins = first_fit((alive[n.name], size) for n, size in zip(stored, sizes, strict=True))
    end = max((begin + size for begin, size in zip(begins, sizes, strict=True)), default=0)
    offsets = {n.name: begin for n, begin in zip(stored, begins, strict=True)}
    values = {n.name: Value(n, steps[n.name], kinds[n.name], offsets.get(n.name, -1)) for n in net.nodes}
    states = dict[str, list[int]]()
    for neuron in (n for n in net.neurons if streaming or n.name in stepped):
        states[neuron.name] = []
        for kind in state_types(neuron):
            states[neuron.name].append(end)
            end += _aligned(prod(neuron.shape) * type_bytes(kind))
    return Plan(values, fused, together, states, end, end + scratch)


def _steps(net: IntegerNetwork, still: bool) -> dict[str, int]:
    """How many each value has."""
    steps = dict[str, int]()
    for node in net.nodes:
        if isinstance(node, IntInput):
            steps[node.name] = 1 if still else net.steps
        else:
            changes = isinstance(node, IntNeuron | IntFeedback)
            steps[node.name] = net.steps if changes else max(steps[i] for i in node.inputs)
    return steps


def _aligned(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def state_types(node: IntNeuron) -> list[str]:
    """C types of the states that last from step to step, in order."""
    return [c_type(declared_interval(s)) for s in node.program.states.values()]


def loops(net: IntegerNetwork) -> list[list[str]]:
    """From every recurrent edge to the neuron that it reads; what overlaps is one loop."""
    position = {n.name: k for k, n in enumerate(net.nodes)}
    ends = list[tuple[int, int]]()
    for node in net.feedbacks:
        first, last = position[node.name], position[node.inputs[0]]
        if ends and first <= ends[-1][1]:
            first, last = ends[-1][0], max(last, ends.pop()[1])
        ends.append((first, last))
    return [[n.name for n in net.nodes[first : last + 1]] for first, last in ends]


def _fused(net: IntegerNetwork, stepped: set[str]) -> dict[str, str]:
    """A neuron takes the sums of a synapse as they come, where nothing else reads them; outside of loops."""
    readers = {n.name: [m for m in net.nodes if n.name in m.inputs] for n in net.nodes}
    synapses = {n.name for n in net.nodes if isinstance(n, IntSynapse) and len(readers[n.name]) == 1}
    return {n.name: n.inputs[0] for n in net.neurons if n.inputs[0] in synapses and n.name not in stepped}
