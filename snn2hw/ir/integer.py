"""The integer stage: the same graph in integers; every value has a Format, every neuron a Program.

    IntegerNetwork = steps, target, node*
    node           = IntInput | IntConv2d | IntLinear | IntSumPool2d | IntMaxPool2d | IntFlatten | IntAdd | IntMatMul
                     | IntNeuron | IntFeedback | IntReadout | UnloweredNeuron (between two passes)

A value of a node is an array of raw integers; what it stands for is raw * 2**-format.frac. Scales that are not powers of
two, and scales per channel, are moved into the next weights or into a multiplication at the head of the neuron program;
between the two the format's frac is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import EquationNeuron, Neuron, Pair, Reals, Shape, Window
from snn2hw.ir.program import Program
from snn2hw.num import Format, Interval
from snn2hw.shown import brief

Int8s: TypeAlias = npt.NDArray[np.int8]
Int32s: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class IntNode:
    """What every integer node has.

    Args:
        name, inputs, shape, source: as in the real stage.
        format: of the node's value.
        interval: the raw integers it can take, for every input within its declared range.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    format: Format
    interval: Interval
    source: str = field(default="", kw_only=True)


@dataclass(frozen=True, eq=False)
class IntInput(IntNode):
    """y = round_half_up(x / unit): 8-bit payloads; real x = raw * unit. Static or temporal as in the real stage."""

    unit: float
    static: bool
    counts: bool


@dataclass(frozen=True, eq=False)
class IntConv2d(IntNode):
    """y[o] = sum_i w[o, i] * x[i] + b[o], exact; w int8 [O, I/groups, KH, KW], b int32 [O]."""

    weight: Int8s
    bias: Int32s
    window: Window
    groups: int


@dataclass(frozen=True, eq=False)
class IntLinear(IntNode):
    """y = W x + b, exact; W int8 [O, I], b int32 [O]."""

    weight: Int8s
    bias: Int32s


@dataclass(frozen=True, eq=False)
class IntSumPool2d(IntNode):
    """y = sum of x over the window, padding counted as zeros. The division of an average is in the format or the weights."""

    window: Window


@dataclass(frozen=True, eq=False)
class IntMaxPool2d(IntNode):
    """y = max of x over the window, padding never chosen."""

    window: Window


@dataclass(frozen=True, eq=False)
class IntFlatten(IntNode):
    """y = x as one axis, channel-major."""


@dataclass(frozen=True, eq=False)
class IntAdd(IntNode):
    """y = x_0 * 2**shifts[0] + x_1 * 2**shifts[1], exact: two branches brought to one binary point."""

    shifts: tuple[int, int]


@dataclass(frozen=True, eq=False)
class IntMatMul(IntNode):
    """y_h = A_h B_h, A_h^T B_h or A_h B_h^T for every head, exact, as in `MatMul`. Its factor is in the format or the neuron."""

    heads: int
    transposed: str
    size: Pair


@dataclass(frozen=True, eq=False)
class IntFeedback(IntNode):
    """y[t] = x[t-1], y[0] = 0: the payload of a later neuron, one step back. The one node that reads what stands behind it."""


@dataclass(frozen=True)
class Meaning:
    """The real numbers that two values of a program stand for; how far off they are is the certificate's matter.

        P(u) = sum_i coefficients[c][i] * u**i        input_factor[c] * x

    The program's roles say which values these are: `polynomial` and `entering`.

    Args:
        coefficients: of P, one row for the layer or one per channel c.
        input_factor: of the synaptic sum x (a real number, its binary point applied), one for the layer or one per channel.
    """

    coefficients: tuple[tuple[float, ...], ...]
    input_factor: tuple[float, ...]

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class IntNeuron(IntNode):
    """The program applied to every neuron of the layer; constants per channel lie along axis 0 of the shape.

    `meaning` says which real numbers it was lowered from; None for a program that was integers from the start.
    """

    program: Program
    meaning: Meaning | None = None


@dataclass(frozen=True, eq=False)
class UnloweredNeuron(IntNode):
    """A neuron between `quantise` and `lower`: integers enter and leave, the equation is still real.

    real synaptic input = raw * input_scale, one scale for the layer [1] or one per channel [C].
    """

    equation: Neuron | EquationNeuron
    input_scale: Reals


@dataclass(frozen=True, eq=False)
class IntReadout(IntNode):
    """logits = x at every step; the readout of a sample is their sum over T."""


@dataclass(frozen=True)
class IntegerNetwork:
    """A network of the integer stage.

    Args:
        steps: number of steps T of a sample.
        target: name of the target whose widths and rounding it keeps.
        nodes: in order of evaluation; the first is the IntInput, the last the IntReadout.
    """

    steps: int
    target: str
    nodes: tuple[IntNode, ...]

    __repr__ = brief

    @property
    def input(self) -> IntInput:
        """The one input."""
        node = self.nodes[0]
        assert isinstance(node, IntInput)
        return node

    @property
    def readout(self) -> IntReadout:
        """The one readout."""
        node = self.nodes[-1]
        assert isinstance(node, IntReadout)
        return node

    @property
    def neurons(self) -> tuple[IntNeuron, ...]:
        """The neuron layers, in order."""
        return tuple(n for n in self.nodes if isinstance(n, IntNeuron))

    @property
    def feedbacks(self) -> tuple[IntFeedback, ...]:
        """The recurrent edges, in order."""
        return tuple(n for n in self.nodes if isinstance(n, IntFeedback))
