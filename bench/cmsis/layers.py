"""The layers that are compared, and what is counted of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from snn2hw.trace import Ints


class Kind(Enum):
    """How outputs are joined to inputs."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise"
    LINEAR = "linear"


@dataclass(frozen=True)
class Layer:
    """A layer of stride 1 whose output is as large as its input; a linear one is of size 1.

    Args:
        kernel: rows and columns of it, an odd number. size: rows and columns of the image.
    """

    kind: Kind
    inputs: int
    outputs: int
    kernel: int = 1
    size: int = 1

    @property
    def each(self) -> int:
        """Input channels that an output channel is joined to."""
        return 1 if self.kind is Kind.DEPTHWISE else self.inputs

    @property
    def groups(self) -> int:
        """Of the convolution; 1 where every output is joined to every input."""
        return self.inputs // self.each

    @property
    def neurons(self) -> int:
        """Outputs."""
        return self.outputs * self.size**2

    @property
    def macs(self) -> int:
        """Products of a dense sum, those with the padding too."""
        return self.neurons * self.each * self.kernel**2

    def operations(self, x: Ints) -> int:
        """Synaptic operations of binary inputs [..., row, column]: weights that a 1 meets. Padding is no input."""
        at, beyond = np.arange(self.size), self.kernel // 2
        seen = np.minimum(at + beyond, self.size - 1) - np.maximum(at - beyond, 0) + 1  # rows of the output that see a row
        meets = np.outer(seen, seen) * (self.outputs // self.groups)
        return int((x.reshape(-1, self.size, self.size) * meets).sum())

    @property
    def name(self) -> str:
        """In words."""
        if self.kind is Kind.LINEAR:
            return f"linear {self.inputs} -> {self.outputs}"
        square = f"{self.kernel}x{self.kernel}"
        at = f"at {self.size}x{self.size}"
        if self.kind is Kind.DEPTHWISE:
            return f"depthwise {square} of {self.outputs}, {at}"
        return f"conv {square}, {self.inputs} -> {self.outputs}, {at}"


LAYERS = (
    Layer(Kind.CONVOLUTION, 16, 32, kernel=3, size=16),
    Layer(Kind.CONVOLUTION, 64, 64, kernel=3, size=8),
    Layer(Kind.CONVOLUTION, 64, 64, kernel=1, size=8),
    Layer(Kind.DEPTHWISE, 64, 64, kernel=3, size=8),
    Layer(Kind.LINEAR, 256, 64),
)
WEIGHTS = (8, 4)  # bits of ours; those of CMSIS-NN have 8
ACTIVITIES = (100, 25, 10)  # percent of a layer's binary inputs that are 1
LIKELY = 25  # the one at which a synaptic operation is stated


@dataclass(frozen=True)
class Bytes:
    """What a layer takes.

    Args:
        activations: input and output of one step. states: of the neurons. working: sums of a place and the list of its active
            inputs, or the buffer that CMSIS-NN asks for. stack: as deep as it went.
        weights: with biases, scales and all else that is constant. code: instructions.
    """

    activations: int
    states: int
    working: int
    stack: int
    weights: int
    code: int

    @property
    def ram(self) -> int:
        """All that is written."""
        return self.activations + self.states + self.working + self.stack

    @property
    def flash(self) -> int:
        """All that is only read."""
        return self.weights + self.code


@dataclass(frozen=True)
class Theirs:
    """CMSIS-NN on one layer and CPU: instructions of a call."""

    instructions: int
    bytes: Bytes


@dataclass(frozen=True)
class Ours:
    """The generated C with its neurons on one layer and CPU.

    Args:
        instructions: of a step, by activity in percent. update: of one neuron's update, which is in them.
        operation: of a synaptic operation at `LIKELY` percent: what a step takes without the updates, for each.
    """

    instructions: Mapping[int, float]
    update: float
    operation: float
    bytes: Bytes


@dataclass(frozen=True)
class Counted:
    """One layer on one CPU; ours by the bits of the weights."""

    layer: Layer
    theirs: Theirs
    ours: Mapping[int, Ours]
