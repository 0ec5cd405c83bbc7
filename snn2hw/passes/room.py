"""How fine the scale of a synaptic layer may be, so that the target has room for all that is made of its sums.

A sum x of a channel c stands for x * 2**-e_c. A finer e_c costs bits in the sum itself, in every addition, pool and readout
behind it, and in the neuron's head, which brings all channels to one binary point. What is finer than the neuron's state can
tell, by GUARD bits and those that the roundings of all weights add up to, is worth nothing and costs them all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, log2
from typing import TypeGuard

import numpy as np

from snn2hw import layers
from snn2hw.ir import network as real
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import floor_log2
from snn2hw.num import Interval
from snn2hw.passes.equations import spike_value_of
from snn2hw.passes.state import state_format
from snn2hw.target import Lowering

GUARD = 3  # bits by which a sum is finer than the state, all roundings of its weights together
BIAS_BITS = 22  # of a bias as an integer; more say nothing that a neuron could hold
COARSE = 8  # bits of a state that leaves a neuron, where only its size matters
INT32 = 2.0**31 - 1


@dataclass(frozen=True)
class Behind:
    """A node that a synaptic sum reaches without passing a neuron; `taps`: of the sum pools on the way, multiplied."""

    node: real.Node
    taps: int


@dataclass(frozen=True)
class Ceilings:
    """The finest exponents of the sum of each output channel [O]; infinite where nothing asks for one.

    A channel that passes `held` does not fit the target. What passes `told` is only finer than its reader can tell, so one
    channel must not coarsen the others for it: a neuron without weights, whose sum is its bias alone, tells the least.
    """

    held: Reals
    told: Reals

    @property
    def each(self) -> Reals:
        """[O], of channels that have scales of their own."""
        return np.minimum(self.held, self.told)

    @property
    def shared(self) -> float:
        """Of one scale for all channels: all of them fit, and one of them can tell as much."""
        return float(min(self.held.min(), self.told.max()))

    def moved(self, by: int) -> Ceilings:
        """Of exponents that are lower by this."""
        return Ceilings(self.held - by, self.told - by)

    def below(self, most: Reals | float) -> Ceilings:
        """The same with no more than this held."""
        return Ceilings(np.minimum(self.held, most), self.told)


def magnitudes(net: real.Network) -> dict[str, float]:
    """The largest magnitude of every node's real value, for every input within its range."""
    found: dict[str, float] = {}
    for node in net.nodes:
        entering = [] if isinstance(node, real.Feedback) else [found[i] for i in node.inputs]
        found[node.name] = _magnitude(node, entering, net)
    return found


def _magnitude(node: real.Node, entering: Sequence[float], net: real.Network) -> float:
    largest = sum(entering)  # of what only passes values on
    if isinstance(node, real.Input):
        largest = max(abs(node.lo), abs(node.hi))
    elif isinstance(node, layers.Operator):
        shapes = {n.name: n.shape for n in net.nodes}
        largest = node.magnitude(entering, [shapes[i] for i in node.inputs])
    elif isinstance(node, real.Neuron | real.EquationNeuron):
        largest = _fired(node)
    elif isinstance(node, real.Feedback):
        largest = _fired(next(n for n in net.neurons if n.name == node.inputs[0]))
    return largest


def _fired(node: real.Neuron | real.EquationNeuron) -> float:
    if isinstance(node, real.EquationNeuron):
        payload = spike_value_of(node, COARSE)
        return payload.interval.magnitude * 2.0**-payload.frac
    if isinstance(node.firing, real.Potential):
        return max(map(abs, node.state_range))
    firing = node.firing
    if not isinstance(firing, real.Circulate):
        return 1.0
    return sum(max(abs(up), abs(down)) for up, down in zip(firing.amplitudes, firing.negatives, strict=True))


def behind(name: str, net: real.Network) -> Iterator[Behind]:
    """What reads a value, and what reads that, up to the neurons and the readout."""
    ahead = [(name, 1)]
    while ahead:
        at, taps = ahead.pop()
        for node in net.nodes:
            if at not in node.inputs or isinstance(node, layers.Synapse | real.Feedback):
                continue
            summed = taps * node.taps if isinstance(node, layers.Operator) else taps
            yield Behind(node, summed)
            if not isinstance(node, real.Neuron | real.EquationNeuron | real.Readout | real.Delay):
                ahead.append((node.name, summed))


def takes_input(node: real.Node) -> TypeGuard[real.Neuron | real.EquationNeuron]:
    """Whether the node is a neuron that its input reaches: not through a gain of 0."""
    return isinstance(node, real.EquationNeuron) or (isinstance(node, real.Neuron) and node.gain != 0.0)


def held_point(node: real.Neuron | real.EquationNeuron, state_bits: int) -> int:
    """The exponent of a sum at which it is as fine as the state that takes it: the current, where there is one."""
    if isinstance(node, real.EquationNeuron):
        return max(state_format(s.range, state_bits).frac for s in node.equation.states)
    range_ = node.state_range if node.current is None else node.current.state_range
    return state_format(range_, state_bits).frac + ceil(log2(abs(node.gain)))


def worth(node: real.Neuron | real.EquationNeuron, state_bits: int, roundings: float) -> float:
    """The finest exponent that the neuron can tell, of a sum of so many rounded terms; unknown of an `EquationNeuron`.

    Args:
        node: the neuron that takes the sum. state_bits: width of its state. roundings: how many terms were
            rounded.
    """
    if isinstance(node, real.EquationNeuron):
        return inf
    return held_point(node, state_bits) + GUARD + ceil(log2(max(roundings, 1.0)))


def ceilings(
    layer: layers.Synapse,
    entering: Interval,
    unit: float,
    net: real.Network,
    reach: Mapping[str, float],
    limits: Lowering,
    state_bits: Callable[[str], int],
) -> Ceilings:
    """Per output channel, the finest exponent of the sum that anything behind it can hold, and that it can use.

    Args:
        layer: the synapse. net: what stands behind it. limits: widths of the target's synapses and neurons.
        state_bits: of a neuron layer's name the width of its state.
        entering: raw integers that enter; unit: what one of them stands for. reach: `magnitudes` of the network.
    """
    weight = np.abs(layer.weight.reshape(len(layer.weight), -1))
    own = weight.sum(1) * entering.magnitude * unit + np.abs(layer.bias)
    terms = np.count_nonzero(weight, axis=1) * float(entering.magnitude)
    sum_limit = 2.0 ** (limits.synapse_bits - 1) - 1
    held = np.minimum(_below(own, INT32), _below(own, sum_limit))
    held = np.minimum(held, _below(np.abs(layer.bias), 2.0**BIAS_BITS))
    told = np.full(len(held), inf)
    readers = list(behind(layer.name, net))
    neurons = [r.node for r in readers if takes_input(r.node)]
    if neurons and not any(isinstance(r.node, real.Readout) for r in readers):
        worths = [[worth(n, bits, t) for t in terms.tolist()] for n, bits in ((n, state_bits(n.name)) for n in neurons)]
        told = np.max(np.array(worths, np.float64), axis=0)
    for reader in readers:
        held = np.minimum(held, _room_of(reader, own, reach, net.steps, sum_limit))
    return Ceilings(held, told)


def _room_of(reader: Behind, own: Reals, reach: Mapping[str, float], steps: int, sum_limit: float) -> Reals:
    """Of something behind the sum. An addition and a readout have one binary point for all their channels."""
    if isinstance(reader.node, layers.Operator) and reader.node.one_point:
        return _below(np.full_like(own, reach[reader.node.name] * reader.taps), sum_limit)
    if isinstance(reader.node, real.Readout):
        summed = steps if reader.node.kind == "sum" else 1
        return _below(np.full_like(own, max(own.max(initial=0.0), reach[reader.node.name]) * reader.taps * summed), INT32)
    added = reader.node.added() if isinstance(reader.node, layers.Operator) else 0.0
    return _below(own * reader.taps + added, INT32)


def _below(values: Reals, limit: float) -> Reals:
    """The largest whole exponents with values * 2**exponent <= limit; unlimited where the value is 0."""
    found = np.full(len(values), np.inf)
    some = values > 0
    found[some] = floor_log2(limit, values[some])
    return found


def excess(exponents: Sequence[int], state: int, widest: int, most: float) -> int:
    """Bits by which sums that are brought to the finest of these exponents pass `most`; 0 where they keep within.

    The sums of coarse channels are multiplied by powers of two; intervals bound every channel by the widest sum.

    Args:
        state: the exponent to which the sums are moved in the end. widest: largest magnitude of a sum of any channel.
    """
    spread = max(*exponents, state) - min(exponents)
    return max(0, ceil(log2(max(widest, 1)) + spread - log2(most)))
