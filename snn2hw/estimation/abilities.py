"""What the neurons and synapses of a chip cannot do of a network of integers: widths, products, graded spikes."""

from __future__ import annotations

from collections.abc import Iterator

from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode
from snn2hw.ir.program import Instruction, Op, Program, declared_interval
from snn2hw.layers import IntSynapse
from snn2hw.target import Chip


def lacking(net: IntegerNetwork, chip: Chip) -> Iterator[tuple[str, str]]:
    """(field of [lowering] or [neurons], what a layer needs of it and the chip has not), of all that the chip states.

    What is not stated is not compared. Resets and comparisons are not either: a program says them in its instructions, and
    the target that it was compiled for could do them.
    """
    known = chip.neurons
    sent = {i for n in net.nodes if n.reads_spikes for i in n.inputs}
    for node in net.nodes:
        where = node.source or node.name
        if "payload_products" in known and node.of_spikes and not known["payload_products"]:
            yield "payload_products", f"{where}: it multiplies what neurons fire, which the target cannot do"
        if "payload_bits" in known and node.name in sent and _width(node) > known["payload_bits"]:
            yield "payload_bits", f"{where}: a spike of {_width(node)} bits, limit {known['payload_bits']}"
        if "synapse_bits" in known and isinstance(node, IntSynapse) and node.format.width > known["synapse_bits"]:
            yield "synapse_bits", f"{where}: sums of {node.format.width} bits, limit {known['synapse_bits']}"
        if isinstance(node, IntNeuron):
            yield from ((limit, f"{where}: {text}") for limit, text in _program(node.program, chip))


def _values(state: Instruction) -> int:
    """Bits that tell the values of a state apart; Loihi's current takes 2**24 values, +2**23 among them, in 24 bits."""
    held = declared_interval(state)
    return max(1, (held.hi - held.lo).bit_length())


def _width(node: IntNode) -> int:
    return int(node.interval.bits[0])


def _program(program: Program, chip: Chip) -> Iterator[tuple[str, str]]:
    known = chip.neurons
    constant = {i.name for i in program.instructions if i.op in (Op.PARAM, Op.CONST)}
    products = [i for i in program.of(Op.MUL) if not constant.intersection(i.args)]
    if products and not known.get("state_multiply", True):
        yield "state_multiply", "it multiplies two values neither of which is a constant, which a neuron of the target cannot do"
    states, values = map(_values, program.states.values()), (i.format.width for i in program.instructions)
    for limit, widths in (("state_bits", states), ("accumulator_bits", values)):
        widest = max(widths, default=0)
        if limit in known and widest > known[limit]:
            what = "a state" if limit == "state_bits" else "a value of its program"
            yield limit, f"{what} of {widest} bits, limit {known[limit]}"
