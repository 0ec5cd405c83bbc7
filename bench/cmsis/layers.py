"""The layers that are compared, and what is counted of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


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
    def neurons(self) -> int:
        """Outputs."""
        return self.outputs * self.size**2

    @property
    def macs(self) -> int:
        """Products of a dense sum, those with the padding too."""
        return self.neurons * self.each * self.kernel**2

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
ACTIVITIES = (100, 25, 10)  # percent of a layer's binary inputs that are 1


@dataclass(frozen=True)
class Counted:
    """One layer on one CPU.

    Args:
        theirs: instructions of CMSIS-NN. ours: the same of the generated C with its neurons, by activity in percent.
        update: instructions of one neuron's update. code_theirs, code_ours: bytes of instructions.
    """

    layer: Layer
    theirs: int
    ours: Mapping[int, float]
    update: float
    code_theirs: int
    code_ours: int
