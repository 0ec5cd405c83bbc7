"""quantise: the real graph becomes an integer graph; only the neurons' equations stay real until `lower`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from snn2hw import layers
from snn2hw.errors import Snn2hwError, WidthError
from snn2hw.ir import network as real
from snn2hw.ir.delay import delay_program
from snn2hw.ir.integer import (
    IntegerNetwork,
    IntFeedback,
    IntInput,
    IntNeuron,
    IntNode,
    IntReadout,
    UnloweredNeuron,
)
from snn2hw.ir.scale import Scale
from snn2hw.layers.base import SUM_BITS, TO_BE_FOUND, common
from snn2hw.num import Format, Interval
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.equations import spike_value_of
from snn2hw.passes.findings import Finding, lost_constants
from snn2hw.passes.head import align_program
from snn2hw.passes.room import magnitudes
from snn2hw.passes.state import round_half_up, state_format
from snn2hw.passes.synapse import scaled_synapse

MOST_FRAC = 64  # amplitudes below 2**-64 are none
SPIKE_VALUE_MAX = 127  # of a spike value in 8 bits, sign included


@dataclass(frozen=True)
class Quantise(Pass):
    """Integer weights with power-of-two scales, int32 biases, 8-bit input; averages become sums.

    A factor that is no power of two (1/255 of an image, 1/9 of a 3x3 average) travels on as `unit` until weights or a
    neuron's head can take it.

    Every class of a readout may have a scale of its own, too; its sums are then brought to the finest before they are read.

    Raises:
        WidthError: a bias that does not fit int32. UnsupportedError: branches joined by `+` with incommensurable scales.
    """

    name: ClassVar[str] = "quantise"
    says: ClassVar[str] = "integer weights, biases and input; power-of-two scales by measured error"

    def requires(self, c: Compilation) -> Iterator[str]:
        """Calibrated fan-ins of every synapse, and no BatchNorm."""
        for node in c.real.nodes:
            if isinstance(node, layers.BatchNorm):
                yield f"BatchNorm '{node.name}' must be folded first"
            if isinstance(node, layers.Synapse) and node.name not in c.observed:
                yield f"'{node.name}' must be calibrated first"

    def run(self, c: Compilation) -> Compilation:
        """The compilation with an integer network whose neurons are still equations."""
        walk = _Walk(c, magnitudes(c.real), {}, {}, [])
        for node in c.real.nodes:
            before = () if isinstance(node, real.Feedback) else node.inputs
            if isinstance(node, real.Readout) and len(walk.scales[before[0]].exponents) > 1:
                before = (_align(walk, before[0]),)
            entering = [walk.scales[i] for i in before]
            made, scale = _quantised(walk, node, entering)
            walk.place(replace(made, inputs=before) if isinstance(node, real.Readout) else made, scale)
        net = IntegerNetwork(c.real.steps, c.target.name, tuple(walk.nodes.values()))
        return replace(c, integer=net, scales=walk.scales, findings=(*c.findings, *walk.findings))


def known_early(c: Compilation) -> tuple[dict[str, IntNode], list[Snn2hwError]]:
    """The nodes whose values are known before any weight is: what enters, what fires, what only moves or adds these.

    Returns:
        Their nodes by name, with the intervals that they will have, and why others cannot become integers.
    """
    walk, unknown, errors = _Walk(c, {}, {}, {}, []), Scale(Fraction(1), (0,)), list[Snn2hwError]()
    for node in c.real.nodes:
        before = () if isinstance(node, real.Feedback) else node.inputs
        fires = isinstance(node, real.Neuron | real.EquationNeuron)  # whatever enters
        if isinstance(node, layers.Synapse) or not (fires or all(i in walk.nodes for i in before)):
            continue
        entering = [walk.scales.get(i, unknown) for i in before]
        try:
            made, scale = _quantised(walk, node, entering)
            if fires:
                walk.nodes[made.name], walk.scales[made.name] = made, scale
            else:
                walk.place(made, scale)
        except Snn2hwError as error:
            errors.append(error)
    return walk.nodes, errors


def _quantised(walk: _Walk, node: real.Node, entering: Sequence[Scale]) -> tuple[IntNode, Scale]:
    return node.quantised(walk, entering) if isinstance(node, layers.Operator) else _ROWS[type(node)](walk, node, entering)


def _format(node: IntNode, interval: Interval, frac: int) -> Format:
    needed = 1 + interval.magnitude.bit_length()  # symmetric, as the rules ask
    if needed > SUM_BITS:
        raise WidthError(
            "a sum between layers does not fit int32",
            where=node.source or node.name,
            got=f"{needed} bits",
            expected=f"at most {SUM_BITS} bits",
            do="sum fewer products, or of smaller spike values"
            if node.of_spikes
            else "bring the branches of the additions before it to similar scales",
        )
    return Format(SUM_BITS, frac, True)


@dataclass(frozen=True)
class _Walk:
    c: Compilation
    reach: Mapping[str, float]
    nodes: dict[str, IntNode]
    scales: dict[str, Scale]
    findings: list[Finding]

    def interval(self, name: str) -> Interval:
        """The raw integers that the node of this name takes."""
        return self.nodes[name].interval

    def loses_constants(self, node: real.Node, lost: int, unit: float) -> None:
        """Keep that constants of a layer became 0. Arguments as `Quantiser.loses_constants`."""
        self.findings.append(lost_constants(node, lost, unit))

    def rounded(self, node: layers.Synapse, scale: Scale) -> layers.Rounded:
        """The integer weights of a synapse, at the best scales that the target has room for."""
        made = scaled_synapse(node, self.nodes[node.inputs[0]].interval, scale, self.c, self.reach)
        self.findings.extend(made.findings)
        return layers.Rounded(made.weight.astype(np.int8), made.bias.astype(np.int32), made.exponents)

    def place(self, made: IntNode, scale: Scale) -> None:
        """A node whose inputs are there, with the interval that follows from theirs."""
        before = [] if isinstance(made, IntFeedback) else [self.nodes[i] for i in made.inputs]
        interval = made.interval_from(before) if before else made.interval
        self.nodes[made.name] = replace(made, interval=interval, format=_format(made, interval, made.format.frac))
        self.scales[made.name] = scale


def _input(walk: _Walk, node: real.Input, _: Sequence[Scale]) -> tuple[IntNode, Scale]:
    if node.counts:
        unit, interval = Fraction(1), Interval(int(node.lo), int(node.hi))
    elif node.lo >= 0:
        unit, interval = Fraction(node.hi) / 255, Interval(0, 255)
    else:
        unit, interval = Fraction(max(-node.lo, node.hi)) / 127, Interval(-127, 127)
    scale = Scale(unit, (0,))
    made = IntInput(**common(node, scale, interval), unit=float(unit), static=node.static, counts=node.counts)
    return made, scale


def _neuron(walk: _Walk, node: real.Neuron, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
    if isinstance(node.firing, real.Potential):
        state = state_format(node.state_range, walk.c.state_bits(node.name))
        interval, frac = Interval(state.lo, state.hi), state.frac
    else:
        interval, frac = spike_value_format(node)
    scale = Scale(Fraction(1), (frac,))
    made = UnloweredNeuron(**common(node, scale, interval), equation=node, input_scale=inputs[0].values)
    return made, scale


def _equation(walk: _Walk, node: real.EquationNeuron, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
    payload = spike_value_of(node, walk.c.state_bits(node.name))
    scale = Scale(Fraction(1), (payload.frac,))
    made = UnloweredNeuron(**common(node, scale, payload.interval), equation=node, input_scale=inputs[0].values)
    return made, scale


def _delay(walk: _Walk, node: real.Delay, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
    program = delay_program(node.steps, walk.nodes[node.inputs[0]].interval, inputs[0].frac)
    return IntNeuron(**common(node, inputs[0]), program=program), inputs[0]


def _feedback(walk: _Walk, node: real.Feedback, _: Sequence[Scale]) -> tuple[IntNode, Scale]:
    """What the neuron behind it fires is known of its equation, before it is made."""
    source = next(n for n in walk.c.real.neurons if n.name == node.inputs[0])
    if isinstance(source, real.EquationNeuron):
        payload = spike_value_of(source, walk.c.state_bits(source.name))
        interval, frac = payload.interval, payload.frac
    else:
        interval, frac = spike_value_format(source)
    scale = Scale(Fraction(1), (frac,))
    return IntFeedback(**common(node, scale, interval.hull(Interval(0, 0)))), scale


def spike_value_format(node: real.Neuron) -> tuple[Interval, int]:
    """(interval, frac) of the payload: amplitudes exactly where 8 bits allow, else rounded to what 8 bits hold.

    An amplitude of negative spikes may become 0, of which `lower` warns: such a layer resets and sends nothing.

    Raises:
        WidthError: an amplitude of positive spikes so small beside the others that it would vanish.
    """
    assert not isinstance(node.firing, real.Potential)
    if isinstance(node.firing, real.Single):
        return Interval(0, 1), 0
    firing = node.firing
    amplitudes, negatives = firing.amplitudes, firing.negatives if firing.own_negative else ()
    every = (*amplitudes, *negatives)
    frac = next(
        f
        for f in itertools.count()
        if (_exact(every, f) and not firing.finest) or f == MOST_FRAC or _most(firing, f + 1) > SPIKE_VALUE_MAX
    )
    if any(a != 0 and round_half_up(a * 2.0**frac) == 0 for a in amplitudes):
        raise WidthError(
            "an amplitude vanishes beside the others in an 8-bit spike value",
            where=node.source or node.name,
            got=f"amplitudes {amplitudes}",
            expected=f"none below {2.0 ** -(frac + 1):g}",
            do="use amplitudes of similar size",
        )
    return _sent(firing, frac), frac


def _sent(firing: real.Circulate, frac: int) -> Interval:
    """All that the spikes of a step may add up to, in units of 2**-frac; of a learned amplitude whatever it may become."""
    ups = [round_half_up(a * 2.0**frac) for a in firing.amplitudes]
    downs = ups if firing.finest else [round_half_up(a * 2.0**frac) for a in firing.negatives]
    each = [sorted((0, up, -down * firing.signed)) for up, down in zip(ups, downs, strict=True)]
    return Interval(sum(e[0] for e in each), sum(e[-1] for e in each))


def _most(firing: real.Circulate, frac: int) -> int:
    return _sent(firing, frac).magnitude


def _exact(values: Sequence[float], frac: int) -> bool:
    return all((v * 2.0**frac).is_integer() for v in values)


def _align(walk: _Walk, name: str) -> str:
    """Bring sums whose channels have scales of their own to one, without a state; the name of what does that.

    The readout's sum over the steps, and the largest of its classes, mean something only where all classes have one unit.
    """
    source, scale = walk.nodes[name], walk.scales[name]
    finest = max(scale.exponents)
    taken = {*walk.nodes, *(n.name for n in walk.c.real.nodes)}
    own = next(n for k in itertools.count() if (n := f"{name}.aligned{k or ''}") not in taken)
    program = align_program(scale.exponents, source.interval, walk.c.target.lowering)
    where, held = f"{source.source or name}, aligned", Format(SUM_BITS, finest, True)
    made = IntNeuron(own, (name,), source.shape, held, TO_BE_FOUND, source=where, program=program)
    walk.place(made, Scale(scale.unit, (finest,)))
    return own


def _readout(walk: _Walk, node: real.Readout, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
    return IntReadout(**common(node, inputs[0]), kind=node.kind, outputs=node.outputs), inputs[0]


_ROWS: Mapping[type, Callable[[_Walk, Any, Sequence[Scale]], tuple[IntNode, Scale]]] = {
    real.Input: _input,
    real.Neuron: _neuron,
    real.EquationNeuron: _equation,
    real.Delay: _delay,
    real.Feedback: _feedback,
    real.Readout: _readout,
}
