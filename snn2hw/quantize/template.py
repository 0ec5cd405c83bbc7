"""The integer network whose constants will move: lowered once, with a bit to spare, from the trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snn2hw.errors import WidthError
from snn2hw.ir.integer import IntNode, UnloweredNeuron
from snn2hw.ir.network import Circulate, Network, Neuron, Node, Reals
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.lower import Lower
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.passes.polynomials.horner import horner_bounds
from snn2hw.target import Target

BESIDE = 1.0 + 2.0**-7  # times a multiple of 1/2, which becomes a number whose products are worth rounding to nearest
LEAST = 0.125  # of the bound of P: a learned coefficient is given binary points as if it were at least this large


@dataclass(frozen=True)
class Learned:
    """Which parameters of a neuron layer are learned.

    Args:
        columns: the degrees whose coefficients are. thresholds: whether its thresholds are.
        negative: whether the amplitude of its negative spikes is.
    """

    columns: tuple[int, ...]
    thresholds: bool
    negative: bool = False


@dataclass(frozen=True)
class Template:
    """What a prepared model starts from.

    Args:
        done: the compilation after `lower`: folded real network, integer network, scales, the target with its true widths.
        lowered_for: by name of the neuron layer, the coefficients its program was lowered for.
        quantised: by name, the nodes before they were lowered.
    """

    done: Compilation
    lowered_for: Mapping[str, Reals]
    quantised: Mapping[str, IntNode]


def make_template(
    real: Network, learned: Mapping[str, Learned], sample: npt.NDArray[np.generic], target: Target, options: Options
) -> Template:
    """Run the passes up to `lower`, a bit narrower than the target where that is possible, so that values may double.

    Args:
        real: the float network as traced. sample: to calibrate on, [N, ...] or [T, N, ...] in real units.
        target, options: what is compiled for, and how, as in `snn2hw.compile`.
        learned: by name of the neuron layer.
    """
    moved = replace(real, nodes=tuple(_as_fine_as_can_be(n, learned) for n in real.nodes))
    quantised = run_pipeline(Compilation(moved, target, options, sample), "quantise")
    nodes = tuple(_with_room(n, learned) for n in quantised.network.nodes)
    start = replace(quantised, integer=replace(quantised.network, nodes=nodes))
    tight = target.lowering
    roomy = replace(tight, accumulator_bits=tight.accumulator_bits - 1, coefficient_bits=tight.coefficient_bits - 1)
    try:
        done = Lower().run(replace(start, target=replace(target, lowering=roomy)))
    except WidthError:
        done = Lower().run(start)
    polynomials = [n for n in nodes if isinstance(n, UnloweredNeuron) and isinstance(n.equation, Neuron)]
    lowered_for = {n.name: n.equation.coefficients for n in polynomials if isinstance(n.equation, Neuron)}
    return Template(replace(done, target=target, sample=np.empty(0)), lowered_for, {n.name: n for n in nodes})


def _as_fine_as_can_be(node: Node, learned: Mapping[str, Learned]) -> Node:
    """A learned amplitude gets the finest unit that a spike value can have, wherever it starts."""
    if not isinstance(node, Neuron) or not isinstance(node.firing, Circulate) or not learned[node.name].negative:
        return node
    return replace(node, firing=replace(node.firing, finest=True))


def _with_room(node: IntNode, learned: Mapping[str, Learned]) -> IntNode:
    """Learned coefficients that are about nothing get a constant all the same: they may grow.

    Nor is a program chosen for a learned coefficient of degree 1 or higher at exactly a multiple of 1/2, such as a decay of 1/2:
    training begins there and does not stay. Flooring the products with 1/2 is no farther off than rounding them to nearest, so
    that a program for 1/2 has no constant that rounds, and floors whatever is learned.
    """
    if not isinstance(node, UnloweredNeuron) or not isinstance(node.equation, Neuron) or not learned[node.name].columns:
        return node
    return replace(node, equation=replace(node.equation, coefficients=_raised(node.equation, learned[node.name].columns)))


def _raised(equation: Neuron, columns: tuple[int, ...]) -> Reals:
    a: Reals = equation.coefficients.copy()
    reach = max(abs(v) for v in equation.state_range)
    least = LEAST * max(horner_bounds(a, reach)[0], reach)
    for i in columns:
        small = np.abs(a[:, i]) < least * reach**-i
        a[small, i] = np.where(a[small, i] < 0, -1.0, 1.0) * least * reach**-i
        if i:
            a[2 * a[:, i] % 1 == 0, i] *= BESIDE
    return a
