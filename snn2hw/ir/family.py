"""The built-in neurons of a float network as equations with their numbers: what `Neuron` says in words, term by term."""

from __future__ import annotations

import numpy as np

from snn2hw.ir.network import Circulate, EquationNeuron, Neuron, Potential, Reals, Single
from snn2hw.neurons.library import Member, equation


def equation_of(node: Neuron) -> EquationNeuron:
    """The same neuron as an equation; a current, where there is one, is its second state."""
    made = equation(_member(node))
    decays = () if node.current is None else (node.current.decay,)
    parameters = (*decays, *node.coefficients.T, *_thresholds(node), *_negative(node))
    return EquationNeuron(node.name, node.inputs, node.shape, source=node.source, equation=made, parameters=parameters)


def _member(node: Neuron) -> Member:
    firing = node.firing
    if isinstance(firing, Single):
        firing = Circulate((firing.threshold,), (1.0,), signed=False)
    return Member(
        degree=node.coefficients.shape[1] - 1,
        state_range=node.state_range,
        input_first=node.order == "input_then_poly",
        amplitudes=() if isinstance(firing, Potential) else firing.amplitudes,
        signed=not isinstance(firing, Potential) and firing.signed,
        own_negative=not isinstance(firing, Potential) and firing.own_negative,
        strict=node.strict,
        reset=node.reset,
        reset_value=node.reset_value,
        scheduled=not isinstance(firing, Potential) and len(firing.rows) > 1,
        gain=node.gain,
        current_range=None if node.current is None else node.current.state_range,
        kind=node.kind,
    )


def _thresholds(node: Neuron) -> tuple[Reals, ...]:
    """theta_k, each [1], or of circulate firing [S], one for each step that has thresholds of its own."""
    if isinstance(node.firing, Potential):
        return ()
    return (np.array([node.firing.threshold]),) if isinstance(node.firing, Single) else tuple(np.array(node.firing.rows).T)


def _negative(node: Neuron) -> tuple[Reals, ...]:
    """The amplitude of negative spikes, [1], where they have one of their own."""
    own = isinstance(node.firing, Circulate) and node.firing.own_negative
    return (np.array([node.firing.negative]),) if own and isinstance(node.firing, Circulate) else ()
