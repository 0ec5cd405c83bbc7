"""The integer stage: the same graph in integers; every value has a Format, every neuron a Program.

    IntegerNetwork = steps, target, node*
    node           = IntInput | IntNeuron | IntFeedback | IntReadout | a layer of `snn2hw.layers`
                     | UnloweredNeuron (between two passes)

A value of a node is an array of raw integers; what it stands for is raw * 2**-format.frac. Scales that are not powers of
two, and scales per channel, are moved into the next weights or into a multiplication at the head of the neuron program;
between the two the format's frac is 0.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.limits import MAX_ELEMENTS, MAX_INSTRUCTIONS, whole
from snn2hw.ir.network import READOUTS, UNSAID, EquationNeuron, Neuron, Reals
from snn2hw.ir.program import SPIKES, Program, declared_interval
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.ranges import ranges
from snn2hw.ir.shapes import Shape, of_channels, of_classes, places_of
from snn2hw.num import Format, Interval
from snn2hw.shown import brief, shows_briefly

Int8s: TypeAlias = npt.NDArray[np.int8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class IntNode(ABC):
    """What every integer node has.

    Args:
        name, inputs, shape, source: as in the float network.
        format: of the node's value.
        interval: the raw integers it can take, for every input within its declared range.

    `arity`, `fires`, `keeps_spikes`, `of_spikes`: as in the float network. `reads_spikes`: whether what it reads crosses the
    network as spikes, rather than being a sum that a neuron or the readout takes. `kinds`: every class of a finished network,
    by name.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape
    format: Format
    interval: Interval
    source: str = field(default="", kw_only=True)
    arity: ClassVar[int | None] = 1
    fires: ClassVar[bool] = False
    keeps_spikes: ClassVar[bool] = False
    of_spikes: ClassVar[bool] = False
    reads_spikes: ClassVar[bool] = False
    unfinished: ClassVar[bool] = False  # no class of a finished network: abstract, or between two passes only
    kinds: ClassVar[dict[str, type[IntNode]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        shows_briefly(cls)
        if not cls.__dict__.get("unfinished"):
            known = IntNode.kinds.get(cls.__name__, cls)
            if known.__module__ != cls.__module__:
                raise TypeError(f"two integer nodes are called {cls.__name__}: in {known.__module__} and in {cls.__module__}")
            IntNode.kinds[cls.__name__] = cls  # the newest, as when a notebook's cell is run again

    @abstractmethod
    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As in the float network. Raises ShapeError."""

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """The smallest interval known to hold the node's value, when those it reads keep to theirs."""
        return sources[0].interval

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The value [N, ...] of inputs [N, ...], int64, of all but inputs and neurons: the reference.

        What enters a readout or a recurrent edge is what leaves it; of an edge, a step later.
        """
        return inputs[0]

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """(what is broken, what it is) of every field of its own that cannot be."""
        yield from ()

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """(what is broken, what it is) between the node and what it reads."""
        yield from ()


@dataclass(frozen=True, eq=False)
class IntInput(IntNode):
    """y = round_half_up(x / unit): 8-bit integers; real x = raw * unit. Static or temporal as in the float network."""

    unit: float
    static: bool
    counts: bool
    arity = 0

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As declared."""
        return self.shape

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """As declared."""
        return self.interval

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """A unit and two flags."""
        number = isinstance(self.unit, float) and math.isfinite(self.unit) and self.unit > 0
        if not number or not isinstance(self.static, bool) or not isinstance(self.counts, bool):
            yield "an input has a unit above 0 and two flags", f"{self.unit!r}, {self.static!r}, {self.counts!r}"


@dataclass(frozen=True, eq=False)
class IntFeedback(IntNode):
    """y[t] = x[t-1], y[0] = 0: the spike value of a later neuron, one step back. The one node that reads what is behind it."""

    fires = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """As declared: what it reads stands behind it."""
        return self.shape

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """That of the neuron, and the 0 of the first step."""
        return sources[0].interval.hull(Interval(0, 0))

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])


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

    Args:
        meaning: which real numbers it was lowered from; None for a program that was integers from the start.
        equation: the same of a neuron that a user wrote; None for every other.
    """

    program: Program
    meaning: Meaning | None = None
    equation: EquationMeaning | None = field(default=None, metadata=UNSAID)
    fires = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return of_channels(self, self.program.channels, inputs[0])

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """What the program can fire."""
        return ranges(self.program)[self.program.outputs[SPIKES].name]

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """A program of a size that can be looked at."""
        if len(self.program.instructions) > MAX_INSTRUCTIONS:
            yield f"a program has {MAX_INSTRUCTIONS} instructions at most", str(len(self.program.instructions))

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The program is legal, and its ends are those of the layer."""
        check_program(self.program, self.source or self.name)
        if self.equation is not None:
            yield from self.equation.problems(self.program, self.shape[0])
        entry, source = self.program.input, sources[0]
        if source.interval not in declared_interval(entry):
            declared = f"[{entry.attrs[0]}, {entry.attrs[1]}]"
            yield "the synaptic sum can leave what the program declares", f"{source.interval} in {declared}"
        if entry.format.frac != source.format.frac or self.program.payload.frac != self.format.frac:
            yield "the program's binary points are not those of its edges", f"{entry.format} after {source.format}"


@dataclass(frozen=True, eq=False)
class UnloweredNeuron(IntNode):
    """A neuron between `quantise` and `lower`: integers enter and leave, the equation is still real.

    real synaptic input = raw * input_scale, one scale for the layer [1] or one per channel [C].
    """

    equation: Neuron | EquationNeuron
    input_scale: Reals
    fires = True
    unfinished = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return of_channels(self, self.equation.channels, inputs[0])

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """As declared."""
        return self.interval


@dataclass(frozen=True, eq=False)
class IntReadout(IntNode):
    """logits = x at every step; the readout of a sample is their sum over T, or the logits of the last step.

    Args:
        kind: "sum" or "last". outputs: name and number of values of each output, where there are several.
    """

    kind: str = field(default="sum", metadata=UNSAID)
    outputs: tuple[tuple[str, int], ...] = field(default=(), metadata=UNSAID)

    @property
    def places(self) -> dict[str, slice]:
        """Where the values of each output stand; of a readout with one output, "readout", it is all of them."""
        return places_of(self.outputs, self.shape[0])

    def joined(self, before: Any, logits: Any) -> Any:
        """The readout after a step, from the one before it, 0 at first."""
        return before + logits if self.kind == "sum" else logits

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """[classes]."""
        return of_classes(self, inputs[0])

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """A kind that there is, and outputs that are all of its values."""
        if self.kind not in READOUTS:
            yield f"a readout is one of {', '.join(READOUTS)}", repr(self.kind)[:200]
        sizes = tuple(size for _, size in self.outputs)
        if self.outputs and (not whole(sizes, 1, MAX_ELEMENTS) or sum(sizes) != self.shape[0]):
            yield "the outputs of a readout are all of its values", f"{self.outputs!r} of {self.shape!r}"[:200]

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The binary point stays."""
        yield from same_point(self, sources[0])


def same_point(node: IntNode, source: IntNode) -> Iterator[tuple[str, str]]:
    """What only moves values has the binary point of its input."""
    if node.format.frac != source.format.frac:
        yield "the binary point must be that of the input", f"{node.format} after {source.format}"


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

    @property
    def sum_interval(self) -> Interval:
        """The interval of the readout of all steps."""
        steps = self.steps if self.readout.kind == "sum" else 1
        return self.readout.interval * Interval(steps, steps)
