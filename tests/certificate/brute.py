"""Every state with every input: what the claims of a certificate are held against."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, one_channel, values_of
from snn2hw.trace import Ints
from tests import random_networks
from tests.hand_networks import circulate, compiled, integrate, lif, neuron, one_neuron

WEIGHT = ((1.0, -0.5), (0.25, 0.75))
LNM = neuron("n", "fc", coefficients=((0.07, 0.55, -0.11, 0.03),))

# Neurons of every make whose membranes pass their state range.
NEURONS = {
    "LNM": LNM,
    "input first": replace(LNM, order="input_then_poly"),
    "LNM per channel": neuron("n", "fc", coefficients=((0.07, 0.55, -0.11, 0.03), (0.0, 0.9, 0.05, -0.02))),
    "asymmetric": replace(LNM, state_range=(-1.0, 3.0)),
    "LIF": lif("n", "fc"),
    "LIF, strict, reset to a value": lif("n", "fc", strict=True, reset="value", reset_value=-0.5),
    "LIF, no reset": lif("n", "fc", reset="none"),
    "IF": integrate("n", "fc", gain=3.0),
    "circulate": circulate("n", "fc", amplitudes=(1.0, 1.0, 1.0)),
    "circulate, two amplitudes": circulate("n", "fc", amplitudes=(1.0, 0.5)),
    "circulate, positive, strict": circulate("n", "fc", amplitudes=(1.0, 1.0), signed=False, strict=True, reset="value"),
}


@cache
def layer(which: str, state_bits: int = 8, target: str = "generic", strength: float = 1.0) -> IntNeuron:
    """One of NEURONS as integers, behind weights of this strength."""
    net = one_neuron(NEURONS[which], np.array(WEIGHT) * strength)
    (node,) = compiled(net, target=target, state_bits=state_bits).network.neurons
    return node


def entering(node: IntNeuron) -> list[tuple[int, int]]:
    """The range that the layer's program declares for its input, for every channel."""
    held = declared_interval(node.program.input)
    return [(held.lo, held.hi)] * node.shape[0]


def values(program: Program, start: dict[str, Any]) -> dict[str, Ints]:
    """Values of a program of one channel; those in `start` are given, whatever their instruction says."""
    lines = [
        Instruction(i.name, Op.STATE, (), (0, 0, 0), i.format) if i.name in start else i
        for i in program.instructions
        if i.name in start or i.op in (Op.PARAM, Op.CONST) or i.args
    ]
    while True:  # what cannot be had from these starts is left out
        known = {i.name for i in lines}
        kept = [i for i in lines if known.issuperset(i.args)]
        if kept == lines:
            break
        lines = kept

    def sources(i: Instruction) -> Any:
        return start[i.name] if i.name in start else np.int64(values_of(i)[0])

    found = evaluate(Program(program.kind, tuple(lines)), sources)
    shape = np.broadcast_shapes(*(np.shape(v) for v in start.values()))
    return {name: np.broadcast_to(np.asarray(v, np.int64), shape) for name, v in found.items()}


@dataclass(frozen=True)
class Everything:
    """All values of one channel, [states, inputs]."""

    program: Program
    values: dict[str, Ints]

    def ends(self, name: str) -> list[int]:
        """Lowest and highest value."""
        return [int(self.values[name].min()), int(self.values[name].max())]


def everything(node: IntNeuron, channel: int, held: tuple[int, int]) -> Everything:
    """The program of a channel for every state that it declares and every input of the range."""
    program = one_channel(node.program, channel)
    ((name, state),) = program.states.items()
    declared = declared_interval(state)
    start = {
        name: np.arange(declared.lo, declared.hi + 1)[:, None],
        program.input.name: np.arange(held[0], held[1] + 1)[None, :],
    }
    return Everything(program, values(program, start))


def random_layers(seed: int, state_bits: int, most_inputs: int) -> list[tuple[IntNeuron, list[tuple[int, int]]]]:
    """The neuron layers of a random network with narrow states, and what enters them, where that is not too much to try."""
    case = random_networks.random_case(seed)
    case = replace(case, options=replace(case.options, state_bits=state_bits))
    nodes = random_networks.compiled(case).network.neurons
    stateful = [n for n in nodes if n.program.states]  # what aligns a readout has no state to try
    return [(n, entering(n)) for n in stateful if entering(n)[0][1] - entering(n)[0][0] < most_inputs]
