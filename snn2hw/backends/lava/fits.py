"""What Lava can hold and the mapping knows, asked before Lava is started; imports on any Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snn2hw.backends.base import called
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
from snn2hw.lack import Lack, refusal
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
    IntSynapse,
)
from snn2hw.num import Interval

NARROWER = "compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits"
PORT_BITS = 24  # of Lava's fixed-point ports; wider sums and spike values would not be what a chip sees

OPERATIONS: tuple[type[IntNode], ...] = (
    IntInput,
    IntConv2d,
    IntLinear,
    IntSumPool2d,
    IntMaxPool2d,
    IntFlatten,
    IntAdd,
    IntConcat,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntNeuron,
    IntFeedback,
    IntReadout,
)
BRANCHES = 2  # that a process of ours joins


def check_network(net: IntegerNetwork) -> None:
    """Every operation is known, every value fits a port, every program fits our neuron process.

    Raises:
        UnsupportedError, WidthError: what `lava_lacks` names, all of it.
    """
    if lacks := lava_lacks(net):
        raise refusal(lacks, "the network does not fit Lava", "change these layers, or run the other executors")


def lava_lacks(net: IntegerNetwork) -> list[Lack]:
    """Every layer that stands in the way: operations without a process, values too wide for a port, loops that cannot close."""
    found = [lack for node in net.nodes for lack in _lacks(node)]
    if not any(type(node) not in OPERATIONS for node in net.nodes):
        try:
            delays(net)
        except UnsupportedError as error:
            found.append(Lack.of(error))
    return found


def _lacks(node: IntNode) -> Iterator[Lack]:
    where = node.source or node.name
    if type(node) not in OPERATIONS:
        instead = ", as blocks.SpikeDrivenAttention does" if isinstance(node, IntMatMul) else ""
        yield Lack(
            where,
            "an operation that has no Lava process",
            called(type(node)),
            ", ".join(map(called, OPERATIONS)),
            f"run the other executors, or write this layer with the operations named{instead}",
        )
        return
    if isinstance(node, IntConcat) and len(node.inputs) > BRANCHES:
        got, remedy = f"Concat of {len(node.inputs)} values", "concatenate two, and what they give with the next"
        yield Lack(where, "more values than a Lava process joins", got, f"{BRANCHES} values", remedy)
    if _signed_bits(node.interval) > PORT_BITS:
        expected = f"{PORT_BITS} bits, sign included"
        yield Lack(where, "a value is too wide for a Lava port", f"{node.interval}", expected, NARROWER, WidthError)
    elif isinstance(node, IntNeuron):
        yield from _program_lacks(node.program, where)


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
        net: that the edge is of. edge: from a neuron to what reads it a step later.
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
    """Synaptic sum and spike value fit a port.

    Raises:
        WidthError: they do not; names `where`.
    """
    if lacks := list(_program_lacks(program, where)):
        raise lacks[0].error()


def _program_lacks(program: Program, where: str) -> Iterator[Lack]:
    for what, fmt in (("synaptic sum", program.input.format), ("spike value", program.outputs[SPIKES].format)):
        if fmt.width + (not fmt.signed) > PORT_BITS:
            yield Lack(
                where,
                f"the {what} is too wide for a Lava port",
                f"{fmt}, {fmt.width} bits",
                f"at most {PORT_BITS} bits, sign included",
                NARROWER,
                WidthError,
            )


def _signed_bits(interval: Interval) -> int:
    return interval.bits[0] + (interval.lo >= 0)
