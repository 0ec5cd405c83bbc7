"""A neuron layer of the integers, and the float layer that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from snn2hw.ir.family import equation_of
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate, Delay, EquationNeuron, Network, Neuron, Node, Reals
from snn2hw.ir.program import SPIKES, Program, initial_value
from snn2hw.passes.head import ALIGN
from snn2hw.trace import Ints, Trace
from snn2hw.verification.clamps import Clamps

Flags = npt.NDArray[np.bool_]


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
        own = () if self.equation is None else self.states.values()  # without a count of the steps, whose unit is 1
        self.lsb = max((2.0 ** -self.program.states[name].format.frac for name in own), default=0.0)

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
        return {real: times(before[raw], 2.0 ** -points[raw]) for real, raw in self.states.items()}

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


def times(raw: Ints, unit: float) -> Reals:
    """Raw integers in real units."""
    real: Reals = raw * np.float64(unit)
    return real
