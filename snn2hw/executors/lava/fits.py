"""What Lava can hold and the mapping knows, asked before Lava is started; imports on any Python."""

from __future__ import annotations

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.integer import (
    IntAdd,
    IntConv2d,
    IntegerNetwork,
    IntFlatten,
    IntInput,
    IntLinear,
    IntMaxPool2d,
    IntNeuron,
    IntNode,
    IntReadout,
    IntSumPool2d,
)
from snn2hw.ir.program import SPIKES, Program
from snn2hw.num import Interval

PORT_BITS = 24  # of Lava's fixed-point ports; wider sums and payloads would not be what a chip sees
STATES = ("u", "v")  # the state names of the field; each is a Var of the process

OPERATIONS: tuple[type[IntNode], ...] = (
    IntInput,
    IntConv2d,
    IntLinear,
    IntSumPool2d,
    IntMaxPool2d,
    IntFlatten,
    IntAdd,
    IntNeuron,
    IntReadout,
)


def check_network(net: IntegerNetwork) -> None:
    """Every operation is known, every value fits a port, every program fits our neuron process.

    Raises:
        UnsupportedError: an operation without a Lava process, or a state other than u and v; names the layer.
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
                do="run the other executors, or write this layer with the operations named",
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


def check_program(program: Program, where: str) -> None:
    """States are u and v, synaptic sum and payload fit a port.

    Raises:
        UnsupportedError, WidthError: they do not; names `where`.
    """
    if unknown := sorted(set(program.states) - set(STATES)):
        raise UnsupportedError(
            "a Lava neuron of ours has the states u and v",
            where=where,
            got=", ".join(unknown),
            expected="u, or u and v",
            do="name the states of the program u and v",
        )
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
