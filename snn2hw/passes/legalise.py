"""legalise: does the network keep within the target? Every violation is reported at once, not the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from snn2hw.ir.integer import IntNeuron, IntNode
from snn2hw.ir.network import Neuron
from snn2hw.ir.program import Op, Program
from snn2hw.lack import Lack
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.fits import does_not_fit, firing, products, spike_width
from snn2hw.target import Lowering


@dataclass(frozen=True)
class Legalise(Pass):
    """Widths of states, constants, intermediates, sums and spike values; products, resets and comparisons a neuron can do.

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
        neurons = {n.name: n for n in c.real.neurons if isinstance(n, Neuron)}
        lacks = [lack for n in c.network.nodes for lack in _node(n, limits, n.name in sent, neurons.get(n.name))]
        if lacks:
            raise does_not_fit(c.target, lacks)
        return c


def _node(node: IntNode, limits: Lowering, sent: bool, equation: Neuron | None) -> Iterator[Lack]:
    """`sent`: whether a synapse reads the value, which so crosses the network; what a neuron or the readout takes is a sum."""
    where = node.source or node.name
    yield from products(node, limits)
    if node.reads_spikes and node.format.width > limits.synapse_bits:
        yield Lack(where, f"its sums need {node.format.width} bits, the target has {limits.synapse_bits}")
    if sent:
        yield from spike_width(node, limits)
    if isinstance(node, IntNeuron):
        yield from (Lack(where, problem) for problem in _program(node.program, limits))
    if equation is not None:
        yield from firing(equation, limits)


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
