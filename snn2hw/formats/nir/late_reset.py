"""A neuron whose reset comes one step late, after the decay, as an equation: the default of snnTorch's neurons.

i <- b1*i + x                             where there is a current, which v takes in place of x
v <- a0 + a1*v + x - [v > 1]              v in units of v_threshold, as it was before this step on the right
s  = [v > 1]                              of the v that this step made; >= where the convention is inclusive
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn2hw.formats.nir.file import NirNode
from snn2hw.ir.network import EquationNeuron, Reals
from snn2hw.ir.shapes import Shape
from snn2hw.neurons.equation import Builder, Op, State
from snn2hw.neurons.library import CURRENT, MEMBRANE


def late_neuron(
    at: tuple[str, tuple[str, ...], Shape],
    node: NirNode,
    numbers: tuple[Reals, Reals, Reals | None],
    floor: float,
    strict: bool,
    reset: float | None,
) -> EquationNeuron:
    """The neuron, with states that have no range yet.

    Args:
        at: name, inputs and shape of the node. node: of the file. numbers: a_0, a_1 and b_1, each [1] or [C]; None: no current.
        floor: v stays at it or above. strict: fires where v > 1, else where v >= 1. reset: what v becomes; None: less by 1.
    """
    leak, decay, current = numbers
    held = () if current is None else (State(CURRENT, (-np.inf, np.inf), 0.0),)
    b = Builder(node.kind, (State(MEMBRANE, (floor, np.inf), 0.0), *held))
    x, v, one = b.emit(Op.INPUT), b.emit(Op.STATE, attrs=(MEMBRANE,)), b.constant(1.0)
    if current is not None:
        x = b.emit(Op.ADD, b.emit(Op.MUL, b.parameter("b1"), b.emit(Op.STATE, attrs=(CURRENT,))), x)
    kept = b.emit(Op.POLYNOMIAL, v, b.parameter("a0"), b.parameter("a1"))
    due = b.emit(Op.GT if strict else Op.GE, v, one)
    free = b.emit(Op.ADD, kept, x)
    after = b.emit(Op.SUB, free, due) if reset is None else b.emit(Op.SELECT, due, b.constant(reset), free)
    fired = b.emit(Op.FIRE, after, one, attrs=(strict,))
    made = b.equation(fired, [after] if current is None else [after, x])
    return EquationNeuron(
        *at, source=node.where, equation=made, parameters=(*(() if current is None else (current,)), leak, decay)
    )


def with_ranges(node: EquationNeuron, bounds: Mapping[str, float]) -> EquationNeuron:
    """The neuron with states from -bound, or their floor, to bound, each by its name."""
    states = (replace(s, range=(max(s.range[0], -bounds[s.name]), bounds[s.name])) for s in node.equation.states)
    return replace(node, equation=replace(node.equation, states=tuple(states)))
