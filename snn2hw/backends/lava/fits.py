"""What Lava can hold and the mapping knows, asked before Lava is started; imports on any Python."""

from __future__ import annotations

from collections.abc import Mapping

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.integer import (
    IntegerNetwork,
    IntFeedback,
    IntInput,
    IntNeuron,
    IntNode,
    IntReadout,
)
from snn2hw.ir.program import SPIKES, Program
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntSumPool2d,
    IntSynapse,
)
from snn2hw.num import Interval

PORT_BITS = 24  # of Lava's fixed-point ports; wider sums and payloads would not be what a chip sees

OPERATIONS: tuple[type[IntNode], ...] = (
    IntInput,
    IntConv2d,
    IntLinear,
    IntSumPool2d,
    IntMaxPool2d,
    IntFlatten,
    IntAdd,
    IntNeuron,
    IntFeedback,
    IntReadout,
)


def check_network(net: IntegerNetwork) -> None:
    """Every operation is known, every value fits a port, every program fits our neuron process.

    Raises:
        UnsupportedError: an operation without a Lava process, a loop with too many synapses; names the layer.
        WidthError: a value that does not fit Lava's 24-bit ports; names the layer.
    """
    for node in net.nodes:
        where = node.source or node.name
        if type(node) not in OPERATIONS:
            raise UnsupportedError(
                "an operation that has no Lava process",
                where=where,
                got=_name(type(node)),
                expected=", ".join(_name(t) for t in OPERATIONS),
                do="run the other executors, or write this layer with the operations named"
                + (", as blocks.SpikeDrivenAttention does" if isinstance(node, IntMatMul) else ""),
            )
        if _signed_bits(node.interval) > PORT_BITS:
            raise WidthError(
                "a value is too wide for a Lava port",
                where=where,
                got=f"{node.interval}",
                expected=f"{PORT_BITS} bits, sign included",
                do="compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits",
            )
        if isinstance(node, IntNeuron):
            check_program(node.program, where)
    delays(net)


def delays(net: IntegerNetwork) -> dict[str, int]:
    """Synapses that a node's value has passed, each of which costs a step; step t of it is there at Lava's step t + delay + 1.

    A recurrent edge, which is one step late, is that of its neuron less one, so that one synapse fits into a loop; or the same,
    where the edge itself waits.

    Raises:
        UnsupportedError: a loop with more than one.
    """
    found = {n.name: 0 for n in net.feedbacks}
    for _ in range(len(net.nodes) + 1):
        for node in net.nodes:
            if not isinstance(node, IntFeedback):
                passed = int(isinstance(node, IntSynapse))
                found[node.name] = max((found[i] for i in node.inputs), default=0) + passed
        wanted = {n.name: found[n.inputs[0]] - (not waits(net, n, found)) for n in net.feedbacks}
        if all(found[name] == delay for name, delay in wanted.items()):
            return found
        found |= wanted
    loop = max(net.feedbacks, key=lambda n: found[n.name])
    raise UnsupportedError(
        "a loop that Lava cannot close in one step",
        where=loop.source or loop.name,
        got=f"a way from '{loop.name}' to '{loop.inputs[0]}' with more synapses than another, or than one",
        expected="one Linear or Conv2d between a recurrent edge and its neuron on every way, or none on any",
        do="run the other executors: each synapse of Lava costs a step, and a recurrent edge has one",
    )


def waits(net: IntegerNetwork, edge: IntFeedback, passed: Mapping[str, int]) -> bool:
    """Whether the edge itself has to keep what it carries for a step.

    No synapse does on some way to its neuron, be it over other edges; or the neuron is behind no synapse, whose step could be
    taken back.

    Args:
        passed: synapses that each node's value has passed.
    """
    reached, before = {edge.name}, set[str]()
    while reached != before:
        before = set(reached)
        for node in net.nodes:
            if reached.intersection(node.inputs) and not isinstance(node, IntSynapse):
                reached.add(node.name)
    return edge.inputs[0] in reached or not passed[edge.inputs[0]]


def check_program(program: Program, where: str) -> None:
    """Synaptic sum and payload fit a port.

    Raises:
        WidthError: they do not; names `where`.
    """
    for what, fmt in (("synaptic sum", program.input.format), ("payload", program.outputs[SPIKES].format)):
        if fmt.width + (not fmt.signed) > PORT_BITS:
            raise WidthError(
                f"the {what} is too wide for a Lava port",
                where=where,
                got=f"{fmt}, {fmt.width} bits",
                expected=f"at most {PORT_BITS} bits, sign included",
                do="compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits",
            )


def _signed_bits(interval: Interval) -> int:
    return interval.bits[0] + (interval.lo >= 0)


def _name(kind: type[IntNode]) -> str:
    return kind.__name__.removeprefix("Int")
