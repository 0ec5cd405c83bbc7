"""The float network and the integers side by side, layer by layer: who fires otherwise, and where that begins.

Three walks over the same samples:

    integers   as an executor ran them
    float      the float network by itself: what differs here has been handed down from all layers before
    held       the float network once more, every layer given what the integers fired before it: what differs here began
               in this layer

On the third walk each float neuron is besides set, step by step, to the state that the integers had, and takes one step
with the float sum of what the integers fired. If it then fires otherwise, the rounding of weights and of the neuron must
be the reason: a difference is explained if, in some comparison of the equation,

    |a - b|  <=  |change of a - b when the sum is the integers' own| + 4 state LSB

where a and b are what is compared, such as membrane and threshold. What is not explained so was lost elsewhere: in the
way of the sum to the state, or in the neuron's program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Input, Network, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import Op as Term
from snn2hw.neurons.equation import deciding
from snn2hw.passes.findings import HEAD_LSB
from snn2hw.trace import Ints, Trace
from snn2hw.verification.beside import Beside, Flags, float_layers, layers_of, times
from snn2hw.verification.clamps import equation_acts
from snn2hw.verification.inputs import values_at

Place: TypeAlias = tuple[int, int, int]  # sample, step, and which value of the layer, counted through its shape
AT_ONCE = 1 << 18  # numbers of the widest layer that are walked together: 2 MB
PLACE = {"kind": "place"}  # of a field that is the first of something: of two batches that of the earlier one counts


@dataclass
class Counted:
    """What was counted of one neuron layer so far; of the float walks only where there is a float layer of this name.

    Args:
        values: neurons times steps times samples. fired: of the integers, values that are not 0.
        held_back: values at which a clamp of the program acted; `float_held_back` of the equation, from the same states.
        float_fired, own_fired: of the float walk and of the held one, values that are not 0.
        mismatches, own_mismatches: integers that differ from the float walk, and from the held one.
        unexplained: see this file's head.
        lost, entered: sums of squares of the change that rounding makes to what enters, and of what enters.
        first_mismatch, first_own: the first value of `mismatches` and of `own_mismatches`: of the least sample the earliest
            step. first_unexplained: the first of `unexplained` that is an own mismatch, too.
    """

    values: int = 0
    fired: int = 0
    held_back: int = 0
    float_fired: int = 0
    float_held_back: int = 0
    own_fired: int = 0
    mismatches: int = 0
    own_mismatches: int = 0
    unexplained: int = 0
    lost: float = 0.0
    entered: float = 0.0
    first_mismatch: Place | None = field(default=None, metadata=PLACE)
    first_own: Place | None = field(default=None, metadata=PLACE)
    first_unexplained: Place | None = field(default=None, metadata=PLACE)

    def add(self, other: Counted, before: int = 0) -> None:
        """Count another batch, too, in front of which there were so many samples."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if each.metadata == PLACE:
                setattr(self, each.name, mine or (theirs and (theirs[0] + before, *theirs[1:])))
            else:
                setattr(self, each.name, mine + theirs)


@dataclass(frozen=True, eq=False)
class Part:
    """What one batch says.

    Args:
        layers: counts of every neuron layer. readout, float_readout: [n, outputs], in real units; None: no float network.
    """

    layers: dict[str, Counted]
    readout: Reals
    float_readout: Reals | None


@dataclass
class Tally:
    """Counts of every neuron layer, and the readouts, over the batches that were added.

    Args:
        net: the integers. real: the float network that they were made of; None where there is none at hand.
        scale: the real value of one unit of the readout.
    """

    net: IntegerNetwork
    real: Network | None
    scale: float
    layers: dict[str, Counted] = field(default_factory=dict)
    readouts: list[Reals] = field(default_factory=list)
    float_readouts: list[Reals] = field(default_factory=list)

    def __post_init__(self) -> None:
        known = {} if self.real is None else float_layers(self.real)
        self.watched = {n.name: Beside(n, known.get(n.name)) for n in layers_of(self.net)}
        self.layers = {name: Counted() for name in self.watched}
        self.at_once = max(1, AT_ONCE // max(prod(n.shape) for n in self.net.nodes))

    def add(self, x: npt.NDArray[Any], payloads: Ints, trace: Trace) -> None:
        """One batch. Arguments as `part`."""
        self.merge(self.part(x, payloads, trace))

    def part(self, x: npt.NDArray[Any], payloads: Ints, trace: Trace) -> Part:
        """What one batch says by itself.

        Args:
            x: samples [N, ...], or [T, N, ...] where the input is temporal, in real units.
            payloads: [T, N, ...], the same encoded. trace: of the integers, with spikes and states.
        """
        static, found = self.net.input.static, {name: Counted() for name in self.watched}
        readouts, floats = list[Reals](), list[Reals]()
        for start in range(0, payloads.shape[1], self.at_once):
            some = slice(start, start + self.at_once)
            few = self._few(x[some] if static else x[:, some], payloads[:, some], trace.part(some.start, some.stop))
            for name, counted in few.layers.items():
                found[name].add(counted, start)
            readouts.append(few.readout)
            floats += [] if few.float_readout is None else [few.float_readout]
        return Part(found, np.concatenate(readouts), np.concatenate(floats) if floats else None)

    def _few(self, x: npt.NDArray[Any], payloads: Ints, trace: Trace) -> Part:
        """So few samples that what is made of a layer stays in the processor's cache. Arguments as `part`."""
        found, floats = {name: Counted() for name in self.watched}, None
        for name, counted in found.items():
            counted.values += trace.spikes[name].size
            counted.fired += int(np.count_nonzero(trace.spikes[name]))
        fired = {name: times(trace.spikes[name], layer.unit) for name, layer in self.watched.items()}
        if self.real is not None:
            own = _Walk(self, found, fired)
            floats = run_real(self.real, np.asarray(x, np.float64), own.by_itself) * self.real.readout.share
        held = _Held(self, found, fired, payloads, trace)
        if self.real is None:
            for t in range(self.net.steps):
                held.integers(t)
        else:
            entering = times(payloads, self.net.input.unit)
            run_real(self.real, np.asarray(x, np.float64), held.observe, {self.real.input.name: entering, **fired})
        return Part(found, times(trace.readout, self.scale), floats)

    def merge(self, part: Part) -> None:
        """Add what the next batch says. Sums of floats depend on the order, so batches are merged in theirs."""
        before = sum(map(len, self.readouts))
        for name, counted in part.layers.items():
            self.layers[name].add(counted, before)
        self.readouts.append(part.readout)
        if part.float_readout is not None:
            self.float_readouts.append(part.float_readout)


def earlier(known: Place | None, flags: Flags, t: int) -> Place | None:
    """The first of what is known, and of the flags [N, ...] of a step: of the least sample the earliest step.

    Args:
        known: of the steps before. t: the step of the flags.
    """
    if not flags.any():
        return known
    flat = flags.reshape(len(flags), -1)
    sample = int(flat.any(1).argmax())
    here = (sample, t, int(flat[sample].argmax()))
    return here if known is None else min(known, here)


class _Walk:
    """Compares what float neurons fire with the integers, step by step."""

    def __init__(self, tally: Tally, found: dict[str, Counted], fired: Mapping[str, Reals]) -> None:
        self.tally, self.found, self.fired, self.t = tally, found, fired, -1

    def by_itself(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        """Observer of the float network that nobody holds. Arguments as `run_real` calls it."""
        self.t += isinstance(node, Input)
        layer = self.tally.watched.get(node.name)
        if layer is not None and layer.real is not None:
            counted = self.found[node.name]
            counted.float_fired += int(np.count_nonzero(value))
            differs = layer.differs(value, self.fired[node.name][self.t])
            counted.mismatches += int(differs.sum())
            counted.first_mismatch = earlier(counted.first_mismatch, differs, self.t)


class _Held:
    """Compares float layers, each given what the integers fired before it, and looks at the integers' own clamps."""

    def __init__(self, tally: Tally, found: dict[str, Counted], fired: Mapping[str, Reals], payloads: Ints, trace: Trace) -> None:
        self.tally, self.found, self.fired, self.payloads, self.trace, self.t = tally, found, fired, payloads, trace, -1
        self.sums: dict[str, Ints] = {}
        self.entered: dict[str, Reals] = {}

    def integers(self, t: int) -> None:
        """The integers' sums at a step, and where a clamp acts on them."""
        self.t, self.sums = t, values_at(self.tally.net, t, self.trace, self.payloads)
        for name, layer in self.tally.watched.items():
            if layer.clamps.some:
                acts = layer.clamps.act(self.sums[layer.node.inputs[0]], layer.before(self.trace, t))
                self.found[name].held_back += int(acts.sum())

    def observe(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        """Observer of the held float network. Arguments as `run_real` calls it."""
        if isinstance(node, Input):
            self.integers(self.t + 1)
            value = times(self.payloads[self.t], self.tally.net.input.unit)
        self.entered[node.name] = self.fired[node.name][self.t] if node.name in self.fired else value
        layer = self.tally.watched.get(node.name)
        if layer is None or layer.real is None:
            return
        counted, fired = self.found[node.name], self.fired[node.name][self.t]
        counted.own_fired += int(np.count_nonzero(value))
        differs = layer.differs(value, fired)
        counted.own_mismatches += int(differs.sum())
        counted.first_own = earlier(counted.first_own, differs, self.t)
        if layer.equation is not None:
            _one_step(layer, counted, self.entered[node.inputs[0]], self, fired, differs)


def _one_step(layer: Beside, counted: Counted, x: Reals, held: _Held, fired: Reals, begins: Flags) -> None:
    """Count what one step of the equation makes of the integers' state and of the float sum of what the integers fired.

    Args:
        begins: where the layer with float states of its own fires otherwise.
    """
    assert layer.equation is not None
    equation, parameters = layer.equation.equation, layer.equation.parameters
    states = layer.real_states(layer.before(held.trace, held.t))
    values = in_numpy.evaluate(equation, parameters, states, x, held.t)
    counted.float_held_back += int(equation_acts(equation, values, x).sum())
    if layer.scale is None:
        return
    own = held.sums[layer.node.inputs[0]] * in_numpy.along_channels(layer.scale, x.ndim)
    counted.lost += float(((own - x) ** 2).sum())
    counted.entered += float((x**2).sum())
    differs = layer.differs(np.broadcast_to(values[equation.output], x.shape), fired)
    if differs.any():
        unexplained = np.zeros_like(differs)
        unexplained[differs] = ~explained(layer, states, x, own, differs, held.t)
        counted.unexplained += int(unexplained.sum())
        counted.first_unexplained = earlier(counted.first_unexplained, unexplained & begins, held.t)


def explained(layer: Beside, states: Mapping[str, Reals], x: Reals, own: Reals, where: Flags, t: int) -> Flags:
    """Of the neurons `where`, one after the other: whether some comparison is as close as the change of the sum, and the
    rounding of the neuron, may take it. They are few, so both sums go through the equation for them alone.

    Args:
        layer: the float layer. states: before step t. x, own: what enters by the float sum, and by the integers'.
    """
    assert layer.equation is not None
    equation, channel = layer.equation.equation, np.nonzero(where)[1]
    of_steps = {int(term.attrs[0]) for term in equation.terms if term.op is Term.SCHEDULE}
    given = [
        p if len(p) == 1 or k in of_steps else p[channel]  # every neuron is a channel of its own here
        for k, p in enumerate(layer.equation.parameters)
    ]
    before = {name: values[where][None] for name, values in states.items()}
    values, moved = (in_numpy.evaluate(equation, given, before, sums[where][None], t) for sums in (x, own))
    found: Flags = np.zeros((1, len(channel)), np.bool_)
    for a, b in deciding(equation):
        margin, after = (v[a] - v[b] for v in (values, moved))
        found |= np.abs(margin) <= np.abs(after - margin) + HEAD_LSB * layer.lsb
    flat: Flags = found.reshape(-1)
    return flat
