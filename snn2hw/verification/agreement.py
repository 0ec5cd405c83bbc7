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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.family import equation_of
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate, Delay, EquationNeuron, Input, Network, Neuron, Node, Reals
from snn2hw.ir.program import SPIKES, Program, initial_value
from snn2hw.ir.real import run_real
from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import Equation, deciding
from snn2hw.passes.findings import HEAD_LSB
from snn2hw.passes.head import ALIGN
from snn2hw.trace import Ints, Trace
from snn2hw.verification.clamps import Clamps, equation_acts
from snn2hw.verification.inputs import values_at

Flags = npt.NDArray[np.bool_]
Place: TypeAlias = tuple[int, int, int]  # sample, step, and which value of the layer, counted through its shape
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

    def add(self, x: npt.NDArray[Any], payloads: Ints, trace: Trace) -> None:
        """One batch. Arguments as `part`."""
        self.merge(self.part(x, payloads, trace))

    def part(self, x: npt.NDArray[Any], payloads: Ints, trace: Trace) -> Part:
        """What one batch says by itself.

        Args:
            x: samples [N, ...], or [T, N, ...] where the input is temporal, in real units.
            payloads: [T, N, ...], the same encoded. trace: of the integers, with spikes and states.
        """
        found, floats = {name: Counted() for name in self.watched}, None
        for name, counted in found.items():
            counted.values += trace.spikes[name].size
            counted.fired += int(np.count_nonzero(trace.spikes[name]))
        fired = {name: _times(trace.spikes[name], layer.unit) for name, layer in self.watched.items()}
        if self.real is not None:
            own = _Walk(self, found, fired)
            floats = run_real(self.real, np.asarray(x, np.float64), own.by_itself) * self.real.readout.share
        held = _Held(self, found, fired, payloads, trace)
        if self.real is None:
            for t in range(self.net.steps):
                held.integers(t)
        else:
            entering = _times(payloads, self.net.input.unit)
            run_real(self.real, np.asarray(x, np.float64), held.observe, {self.real.input.name: entering, **fired})
        return Part(found, _times(trace.readout, self.scale), floats)

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


def _times(raw: Ints, unit: float) -> Reals:
    real: Reals = raw * np.float64(unit)
    return real


def layers_of(net: IntegerNetwork) -> Iterator[IntNeuron]:
    """The neuron layers of a network, without those that only bring the sums of a readout to one scale."""
    return (n for n in net.neurons if n.program.kind != ALIGN)


def float_layers(net: Network) -> dict[str, Neuron | EquationNeuron | Delay]:
    """Those of a float network that integers have as neuron layers, by name."""
    return {n.name: n for n in net.nodes if isinstance(n, Neuron | EquationNeuron | Delay)}


def gives_its_state(program: Program) -> bool:
    """Whether a state leaves a neuron rather than spikes, as of a membrane that is read out."""
    given = {to: i.args for to, i in program.outputs.items()}
    return any(args == given[SPIKES] for to, args in given.items() if to != SPIKES)


class Beside:
    """One neuron layer of the integers, and the float layer that it was made of."""

    def __init__(self, node: IntNeuron, real: Node | None) -> None:
        self.node, self.program = node, node.program
        self.unit = 2.0**-node.format.frac
        self.tells = not gives_its_state(node.program)  # a state that leaves differs in its last bit, and that says nothing
        self.clamps = Clamps(node.program)
        self.real = real
        self.equation = equation_of(real) if isinstance(real, Neuron) else real if isinstance(real, EquationNeuron) else None
        self.scale = None if self.equation is None else _input_scale(node, real)
        self.tolerated = max(self.unit / 2, _rounded_by(real, self.unit))
        self.lsb = max((2.0**-s.format.frac for s in node.program.states.values()), default=0.0)

    def before(self, trace: Trace, t: int) -> dict[str, Ints]:
        """The states before step t, raw."""
        shape = trace.spikes[self.node.name][0].shape
        return {
            name: trace.states[f"{self.node.name}.{name}"][t - 1] if t else np.full(shape, initial_value(s), np.int64)
            for name, s in self.program.states.items()
        }

    def real_states(self, before: Mapping[str, Ints]) -> dict[str, Reals]:
        """The same in real units, those that the equation has."""
        points = {name: s.format.frac for name, s in self.program.states.items()}
        return {real: _times(before[raw], 2.0 ** -points[raw]) for real, raw in self.states.items()}

    @property
    def states(self) -> dict[str, str]:
        """Of each state of the equation the one of the program, whatever that is called."""
        assert self.equation is not None
        names, roles = [s.name for s in self.equation.equation.states], self.program.roles
        if self.node.equation is not None:
            return dict(zip(names, (s.name for s in self.node.equation.equation.states), strict=True))
        if roles is None:
            return dict(zip(names, names, strict=True))
        counter = None if roles.firing is None else roles.firing.counter
        others = [name for name in self.program.states if name not in (roles.state, counter)]  # a synaptic current
        return dict(zip(names, (roles.state, *others), strict=True))

    def differs(self, by_float: Reals, fired: Reals) -> Flags:
        """Where spike values are others, by more than amplitudes are rounded by."""
        found: Flags = np.abs(by_float - fired) > self.tolerated
        return found if self.tells else np.zeros_like(found)


def _rounded_by(real: Node | None, unit: float) -> float:
    """What the amplitudes of a neuron's spikes are rounded by, all together."""
    if not isinstance(real, Neuron) or not isinstance(real.firing, Circulate):
        return 0.0
    firing = real.firing
    amplitudes = np.array([*firing.amplitudes, *(firing.negatives if firing.own_negative else ())])
    return float(np.abs(np.floor(amplitudes / unit + 0.5) * unit - amplitudes).sum()) * (1 + 1e-9)


def _input_scale(node: IntNeuron, real: Node | None) -> Reals | None:
    """The real value of one raw unit of what enters, [1] or per channel; None where the integers do not say."""
    if node.equation is not None:
        return np.array(node.equation.input_scale)
    if node.meaning is None or not isinstance(real, Neuron) or real.gain == 0:
        return None
    return np.array(node.meaning.input_factor) * 2.0**-node.program.input.format.frac / real.gain


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
            value = _times(self.payloads[self.t], self.tally.net.input.unit)
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
        moved = in_numpy.evaluate(equation, parameters, states, own, held.t)
        unexplained = differs & ~_explained(equation, values, moved, layer.lsb, x)
        counted.unexplained += int(unexplained.sum())
        counted.first_unexplained = earlier(counted.first_unexplained, unexplained & begins, held.t)


def _explained(equation: Equation, values: Sequence[Reals], moved: Sequence[Reals], lsb: float, x: Reals) -> Flags:
    """Where some comparison is as close as the change of the sum, and the rounding of the neuron, may take it."""
    found = np.zeros(x.shape, np.bool_)
    for a, b in deciding(equation):
        margin, after = (v[a] - v[b] for v in (values, moved))
        found |= np.abs(margin) <= np.abs(after - margin) + HEAD_LSB * lsb
    return found
