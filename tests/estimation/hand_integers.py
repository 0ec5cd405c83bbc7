"""Integer networks written by hand, of any size in no time: what is mapped asks for shapes, weights and programs only."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntAdd, IntConv2d, IntFlatten, IntLinear, IntSumPool2d
from snn2hw.num import Format, Interval

SUM, SPIKE, STATE = Format(24, 0, True), Format(1, 0, False), Format(16, 0, True)


def lif(thresholds: Sequence[int] = (100,), state: Format = STATE, decay: Sequence[int] = (3,), more: int = 0) -> Program:
    """v := v * decay >> 2 + x; fires and is reset to 0 at a threshold; constants of the layer, or one for each channel.

    It has four instructions, and `more` that nothing reads.
    """
    whole = (-(1 << (state.width - 1)), (1 << (state.width - 1)) - 1)
    i = Instruction
    return Program(
        "LIF",
        (
            i("v", Op.STATE, (), (*whole, 0), state),
            i("x", Op.INPUT, (), (*whole,), SUM),
            i("decay", Op.PARAM, (), (tuple(decay),), Format(8, 2, True)),
            i("theta", Op.PARAM, (), (tuple(thresholds),), state),
            i("product", Op.MUL, ("v", "decay"), (), Format(state.width + 8, 2, True)),
            i("h", Op.ADD, ("product", "x"), (), Format(state.width + 9, 0, True)),
            *(i(f"more{k}", Op.MAX, ("h", "theta"), (), Format(state.width + 9, 0, True)) for k in range(more)),
            i("s", Op.GE, ("h", "theta"), (), SPIKE),
            i("zero", Op.CONST, (), (0,), state),
            i("after", Op.SELECT, ("s", "zero", "h"), (), state),
            i("spikes", Op.OUTPUT, ("s",), ("spikes",), SPIKE),
            i("next", Op.OUTPUT, ("after",), ("v",), state),
        ),
    )


class Made:
    """A network that grows layer by layer; each method returns the name of what it added."""

    def __init__(self, *shape: int, hi: int = 1, steps: int = 4, seed: int = 0) -> None:
        self.rng, self.steps = np.random.default_rng(seed), steps
        source = IntInput("input", (), shape, SPIKE, Interval(0, hi), unit=1.0, static=False, counts=True, source="input")
        self.nodes: list[IntNode] = [source]

    def shape(self, name: str) -> Shape:
        return next(n.shape for n in self.nodes if n.name == name)

    @property
    def last(self) -> str:
        return self.nodes[-1].name

    def add(self, kind: type[IntNode], name: str, inputs: Sequence[str], fmt: Format = SUM, hi: int = 1000, **fields: Any) -> str:
        given = {"source": f"{name} ({kind.__name__.removeprefix('Int')})", **fields}
        draft = kind(name, tuple(inputs), (), fmt, Interval(0, hi), **given)
        shape = draft.output_shape([self.shape(i) for i in inputs])
        self.nodes.append(kind(name, tuple(inputs), shape, fmt, Interval(0, hi), **given))
        return name

    def weights(self, *shape: int, bits: int = 8) -> Any:
        w = self.rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape)
        w.flat[0] = -(1 << (bits - 1))
        return w.astype(np.int8)

    def conv(self, name: str, out: int, kernel: int = 3, stride: int = 1, source: str = "", padding: int | None = None,
             groups: int = 1, bits: int = 8, weight: Any = None) -> str:  # fmt: skip
        source = source or self.last
        pad = kernel // 2 if padding is None else padding
        w = self.weights(out, self.shape(source)[0] // groups, kernel, kernel, bits=bits) if weight is None else weight
        window = Window((kernel, kernel), (stride, stride), (pad, pad))
        return self.add(IntConv2d, name, (source,), weight=w, bias=np.zeros(len(w), np.int32), window=window, groups=groups)

    def linear(self, name: str, out: int, source: str = "", bits: int = 8, weight: Any = None) -> str:
        source = source or self.last
        if len(self.shape(source)) > 1:
            source = self.add(IntFlatten, f"{name}.flat", (source,))
        w = self.weights(out, prod(self.shape(source)), bits=bits) if weight is None else weight
        return self.add(IntLinear, name, (source,), weight=w, bias=np.zeros(len(w), np.int32))

    def neuron(self, name: str, source: str = "", program: Program | None = None) -> str:
        return self.add(IntNeuron, name, (source or self.last,), SPIKE, 1, program=program or lif())

    def recurrent(self, name: str, source: str, size: int) -> str:
        """Neurons that read a layer, and what they themselves fired at the step before."""
        self.nodes.append(IntFeedback(f"{name}.back", (name,), (size,), SPIKE, Interval(0, 1)))
        again = self.linear(f"{name}.again", size, f"{name}.back")
        return self.neuron(name, self.join(f"{name}.both", self.linear(f"{name}.fc", size, source), again))

    def join(self, name: str, a: str, b: str) -> str:
        return self.add(IntAdd, name, (a, b), shifts=(0, 0))

    def pool(self, name: str, size: int, source: str = "") -> str:
        return self.add(IntSumPool2d, name, (source or self.last,), window=Window((size, size), (size, size)))

    def readout(self, source: str = "") -> IntegerNetwork:
        if len(self.shape(source or self.last)) > 1:
            source = self.add(IntFlatten, "flat", (source or self.last,))
        self.add(IntReadout, "readout", (source or self.last,))
        return IntegerNetwork(self.steps, "generic", tuple(self.nodes))


def dense(*sizes: int, bits: int = 8, seed: int = 0) -> IntegerNetwork:
    """Input, layers of neurons, readout: all to all."""
    made = Made(sizes[0], seed=seed)
    for k, size in enumerate(sizes[1:-1], 1):
        made.linear(f"fc{k}", size, bits=bits)
        made.neuron(f"n{k}")
    made.linear("head", sizes[-1], bits=bits)
    return made.readout()


def resnet18(side: int = 32, classes: int = 10, width: int = 64, stem: int = 3) -> IntegerNetwork:
    """Four stages of two blocks, the residual joins added to the sums of a block: 32x32 images as of CIFAR, or larger."""
    made = Made(3, side, side, hi=255)
    made.conv("stem", width, stem, 1 if side <= 64 else 2)
    last = made.neuron("stem.n")
    for stage, channels in enumerate((width, 2 * width, 4 * width, 8 * width)):
        for block in range(2):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            made.conv(f"{name}.conv1", channels, 3, stride, source=last)
            made.neuron(f"{name}.n1")
            both = made.conv(f"{name}.conv2", channels)
            skip = made.conv(f"{name}.down", channels, 1, stride, source=last) if stride > 1 else last
            last = made.neuron(f"{name}.n2", made.join(f"{name}.join", both, skip))
    made.pool("mean", made.shape(last)[1], last)
    made.linear("head", classes)
    return made.readout()
