"""The float stage: the trained network as equations, one frozen node per primitive, shapes known, float64 parameters.

    Network   = steps, node*                       (in order of evaluation; an input names an earlier node, but that of Feedback)
    node      = Input | Neuron | EquationNeuron | Delay | Feedback | Readout | a layer of `snn2hw.layers`
    firing    = Single | Circulate | Potential

Shapes are those of one sample at one step, without T and N: [C, H, W] or [F]. `name` is the torch module path, by which
traces are read; `source` says where the node came from, for messages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.shapes import Shape, mismatch, of_channels, of_classes, places_of
from snn2hw.neurons.equation import Equation
from snn2hw.shown import brief, shows_briefly

Reals: TypeAlias = npt.NDArray[np.float64]
READOUTS = ("sum", "last")
UNSAID = {"unsaid": True}  # metadata of a field that the printed form leaves out where it is the default


@dataclass(frozen=True, eq=False)
class Node(ABC):
    """What every node has.

    Args:
        name: unique; the torch module path.
        inputs: names of the nodes whose values enter.
        shape: shape of one sample's value at one step.
        source: where it came from, for messages: "features.3 (Conv2d)".

    `arity`: how many values enter; None where any number may. `fires`: whether its value is what neurons fire, also of a step
    before; `keeps_spikes`: whether it is made of such where its inputs are; `of_spikes`: whether its inputs must be.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    source: str = field(default="", kw_only=True)
    arity: ClassVar[int | None] = 1
    fires: ClassVar[bool] = False
    keeps_spikes: ClassVar[bool] = False
    of_spikes: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        shows_briefly(cls)

    @abstractmethod
    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The shape of its value from those that enter.

        Raises:
            ShapeError: what enters does not fit the node's parameters.
        """

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The value [N, ...] of inputs [N, ...] of a layer without a state, in float64; `ir.real` knows that of the others."""
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True, eq=False)
class Input(Node):
    """y = x, within the declared range [lo, hi].

    static: the same x is shown at every step (samples [N, ...]); else x has a leading T axis (samples [T, N, ...]).
    counts: x holds whole numbers (event counts) that become spike values as they are; else x is quantised to 8 bits.
    """

    lo: float
    hi: float
    static: bool
    counts: bool
    arity = 0

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As declared."""
        return self.shape


@dataclass(frozen=True, eq=False)
class Feedback(Node):
    """y[t] = x[t-1], y[0] = 0: the spike value of a later Neuron, one step back. The one node that reads what is behind it."""

    fires = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As declared: what it reads stands behind it."""
        return self.shape


@dataclass(frozen=True)
class Single:
    """s = [h >= threshold] (or > where the neuron is strict); spike value s in {0, 1}."""

    threshold: float


@dataclass(frozen=True)
class Circulate:
    """r_0 = h; for k = 1..K: s_k = [r >= theta_k] - signed*[r <= -theta_k], r -= theta_k*s_k; spike value sum_k amp_k*s_k.

    theta_k at step t: thresholds[k] * by_step[t], after the last factor that of the last; without factors thresholds[k].

    Args:
        negative: what the amplitude of a negative spike is multiplied with; 0: it resets the membrane and sends nothing.
        finest: whether the spike value gets the finest unit that 8 bits allow, as `negative` is still learned.
    """

    thresholds: tuple[float, ...]
    amplitudes: tuple[float, ...]
    signed: bool
    by_step: tuple[float, ...] = field(default=(), metadata=UNSAID)
    negative: float = field(default=1.0, metadata=UNSAID)
    finest: bool = field(default=False, metadata=UNSAID)

    @property
    def own_negative(self) -> bool:
        """Whether negative spikes have an amplitude of their own."""
        return self.signed and (self.negative != 1.0 or self.finest)

    @property
    def negatives(self) -> tuple[float, ...]:
        """The amplitudes of negative spikes, one for each level; all 0 where there are none."""
        return tuple(a * self.negative if self.signed else 0.0 for a in self.amplitudes)

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """theta_k at every step that has thresholds of its own, [S][K]; those of the last row stay."""
        return tuple(tuple(theta * factor for theta in self.thresholds) for factor in self.by_step or (1.0,))


@dataclass(frozen=True)
class Potential:
    """Nothing fires: the spike value is h itself, for a readout of the membrane."""


@dataclass(frozen=True, eq=False)
class Current:
    """A synaptic current, a second state, which the membrane takes in place of gain*x[t]: i[t] = clamp(decay*i[t-1] + gain*x[t]).

    decay: [1] for the layer, or [C] per channel.  i starts at 0 for every sample.
    """

    decay: Reals
    state_range: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Neuron(Node):
    """One step of the neuron, from state u and synaptic input x:

    poly_then_input:  h = clamp(P(u) + gain*x)         P(u) = a_0 + a_1 u + ... + a_d u**d
    input_then_poly:  h = clamp(P(clamp(u + gain*x)))  clamp: to state_range, where every argument of P lives
    firing:           spike value, residual r = fire(h)
    reset:            subtract: u = r    value: u = reset_value where it fired, else h    none: u = h

    coefficients: [1, d+1] for the layer, or [C, d+1] per channel, a_0 first.  u starts at 0 for every sample.
    """

    kind: str
    coefficients: Reals
    gain: float
    order: str
    state_range: tuple[float, float]
    firing: Single | Circulate | Potential
    reset: str
    reset_value: float
    strict: bool
    current: Current | None = field(default=None, kw_only=True)
    fires = True

    @property
    def channels(self) -> int:
        """1 where every parameter holds for the whole layer, else the number of channels."""
        return max(len(self.coefficients), 1 if self.current is None else len(self.current.decay))

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return of_channels(self, self.channels, inputs[0])


@dataclass(frozen=True, eq=False)
class EquationNeuron(Node):
    """One step of the neuron that a user wrote: output and next states from the equation, elementwise.

    parameters: for each that the equation names, [1] for the layer or [C] per channel.
    """

    equation: Equation
    parameters: tuple[Reals, ...]
    fires = True

    @property
    def kind(self) -> str:
        """What the neuron is called."""
        return self.equation.kind

    @property
    def channels(self) -> int:
        """1 where every parameter holds for the whole layer, else the number of channels."""
        return max([len(p) for p in self.parameters], default=1)

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return of_channels(self, self.channels, inputs[0])


@dataclass(frozen=True, eq=False)
class Delay(Node):
    """y[t] = x[t - steps], 0 before anything has arrived; steps: one for the layer, or one per channel."""

    steps: tuple[int, ...]
    fires = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        if len(self.steps) not in (1, inputs[0][0]):
            raise mismatch(self, "the delay has steps for another number of channels", len(self.steps), inputs[0][0])
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Readout(Node):
    """logits[T, N, classes] = x; the readout of a sample is their sum over T, or the logits of the last step.

    Args:
        kind: "sum" or "last".
        share: what the float model makes of a sum of 1: 1 / T where it takes the mean over the steps.
        reduced: whether the float model itself returns [N, classes], by a Readout layer.
        outputs: name and number of values of each output, where there are several; they lie one behind another.
    """

    kind: str = field(default="sum", metadata=UNSAID)
    share: float = field(default=1.0, metadata=UNSAID)
    reduced: bool = field(default=False, metadata=UNSAID)
    outputs: tuple[tuple[str, int], ...] = field(default=(), metadata=UNSAID)

    @property
    def places(self) -> dict[str, slice]:
        """Where the values of each output stand; of a readout with one output, "readout", it is all of them."""
        return places_of(self.outputs, self.shape[0])

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[classes]."""
        return of_classes(self, inputs[0])


@dataclass(frozen=True)
class Network:
    """A network of the float network.

    Args:
        steps: number of steps T of a sample.
        nodes: in order of evaluation; the first is the Input, the last the Readout.
        origin: how it was read, for the manifest; no part of what it computes, nor of its text.
    """

    steps: int
    nodes: tuple[Node, ...]
    origin: tuple[tuple[str, str | float], ...] = ()

    __repr__ = brief

    @property
    def input(self) -> Input:
        """The one Input."""
        node = self.nodes[0]
        assert isinstance(node, Input)
        return node

    @property
    def readout(self) -> Readout:
        """The one Readout."""
        node = self.nodes[-1]
        assert isinstance(node, Readout)
        return node

    @property
    def neurons(self) -> tuple[Neuron | EquationNeuron, ...]:
        """The neuron layers, in order."""
        return tuple(n for n in self.nodes if isinstance(n, Neuron | EquationNeuron))
