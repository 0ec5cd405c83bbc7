"""legalise: does the network keep within the target? Every violation is reported at once, not the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntInput, IntNeuron, IntNode
from snn2hw.ir.network import Neuron, Potential
from snn2hw.ir.program import Op, Program
from snn2hw.layers import IntSumPool2d
from snn2hw.passes.base import Compilation, Pass
from snn2hw.shown import Lines
from snn2hw.target import Lowering

MASKS = "attention by masks needs no such product: snn2hw.nn.blocks.SpikeDrivenAttention fits loihi2"

_REMEDY: dict[type, str] = {
    IntInput: "show events: samples [T, N, ...] of 0 and 1 in place of images or counts",
    IntNeuron: "let it fire one spike of one amplitude a step (LIF, LNM)",
    IntSumPool2d: "use a MaxPool2d, or a convolution with a stride, in place of the average",
}


@dataclass(frozen=True)
class Legalise(Pass):
    """Widths of states, constants, intermediates, sums and payloads; products, resets and comparisons a neuron can do.

    Raises:
        UnsupportedError: listing every layer and what the target lacks for it.
    """

    name: ClassVar[str] = "legalise"
    says: ClassVar[str] = "check every width and operation against the target"

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """Nothing changed."""
        if after is not before:
            yield "legalise must not change the network"

    def run(self, c: Compilation) -> Compilation:
        """The same compilation; nothing is changed."""
        limits = c.target.lowering
        sent = {i for n in c.network.nodes if n.reads_spikes for i in n.inputs}
        problems = [f"{n.source or n.name}: {p}" for n in c.network.nodes for p in _node(n, limits, n.name in sent)]
        problems += [f"{n.source or n.name}: {p}" for n in c.real.neurons if isinstance(n, Neuron) for p in _equation(n, limits)]
        if problems:
            raise UnsupportedError(
                f"the network does not fit the target '{c.target.name}'",
                got=Lines("\n".join(problems)),
                expected=c.target.says,
                do="change these layers, or choose another target (`snn2hw targets` lists them)",
            )
        return c


def _node(node: IntNode, limits: Lowering, sent: bool) -> Iterator[str]:
    """`sent`: whether a synapse reads the value, which so crosses the network; what a neuron or the readout takes is a sum."""
    if node.of_spikes and not limits.payload_products:
        yield f"it multiplies what neurons fire, which the target cannot do; {MASKS}"
    if node.reads_spikes and node.format.width > limits.synapse_bits:
        yield f"its sums need {node.format.width} bits, the target has {limits.synapse_bits}"
    if sent and node.format.width > limits.payload_bits:
        remedy = _REMEDY.get(type(node), "put a neuron behind it, or give each branch a synapse of its own")
        yield f"synapses read {node.format.width} bits of it, a spike of the target carries {limits.payload_bits}; {remedy}"
    if isinstance(node, IntNeuron):
        yield from _program(node.program, limits)


def _program(program: Program, limits: Lowering) -> Iterator[str]:
    constant = {i.name for i in program.instructions if i.op in (Op.PARAM, Op.CONST)}
    products = [i.name for i in program.of(Op.MUL) if not constant.intersection(i.args)]
    if products and not limits.state_multiply:
        yield f"'{products[0]}' multiplies two values that are no constants, which a neuron of the target cannot do"
    for i in program.instructions:
        widest = limits.state_bits if i.op is Op.STATE else limits.accumulator_bits
        if i.format.width > widest:
            yield f"'{i.name}' needs {i.format.width} bits, the target has {widest}"
        if i.op is Op.MUL and min(program.by_name[a].format.width for a in i.args) > limits.coefficient_bits:
            yield f"'{i.name}' multiplies two values wider than {limits.coefficient_bits} bits"


def _equation(node: Neuron, limits: Lowering) -> Iterator[str]:
    if isinstance(node.firing, Potential):  # nothing fires, is compared or reset
        return
    if node.reset not in limits.resets:
        yield f"reset='{node.reset}', the target can do {', '.join(limits.resets)}"
    comparison = "strict" if node.strict else "inclusive"
    if comparison not in limits.comparisons:
        yield f"strict={node.strict}, the target compares {', '.join(limits.comparisons)}"
