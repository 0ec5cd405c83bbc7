"""Shape of a node's value from the shapes that enter; one row per kind of node, for both stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from snn2hw.errors import ShapeError
from snn2hw.ir import integer, network
from snn2hw.ir.heads import TRANSPOSED
from snn2hw.ir.network import Shape, Window


def output_shape(node: Any, inputs: Sequence[Shape]) -> Shape:
    """The shape of one sample's value at one step.

    Raises:
        ShapeError: what enters does not fit the node's parameters.
    """
    return _ROWS[type(node)](node, inputs)


def _mismatch(node: Any, what: str, got: object, expected: object) -> ShapeError:
    return ShapeError(
        what,
        where=node.source or node.name,
        got=str(got),
        expected=str(expected),
        do="check the layer before it, or the shape of the sample",
    )


def _image(node: Any, shape: Shape, channels: int | None = None) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise _mismatch(node, "an image [C, H, W] was expected", list(shape), "3 axes")
    if channels is not None and shape[0] != channels:
        raise _mismatch(node, "the number of channels does not fit the weights", f"{shape[0]} channels", f"{channels} channels")
    return shape[0], shape[1], shape[2]


def _slid(node: Any, window: Window, size: tuple[int, int]) -> tuple[int, int]:
    h, w = window.output(size)
    if h < 1 or w < 1:
        raise _mismatch(node, "the kernel does not fit into the image", f"{size[0]}x{size[1]}", f"at least {window.kernel}")
    return h, w


def _per_output(node: Any, values: Any, outputs: int) -> None:
    if len(values) != outputs:
        raise _mismatch(node, "the number of biases is not the number of outputs", len(values), outputs)


def _conv2d(node: Any, inputs: Sequence[Shape]) -> Shape:
    _per_output(node, node.bias, len(node.weight))
    _, h, w = _image(node, inputs[0], node.weight.shape[1] * node.groups)
    return (int(node.weight.shape[0]), *_slid(node, node.window, (h, w)))


def _linear(node: Any, inputs: Sequence[Shape]) -> Shape:
    _per_output(node, node.bias, len(node.weight))
    if len(inputs[0]) != 1 or inputs[0][0] != node.weight.shape[1]:
        raise _mismatch(node, "the number of features does not fit the weights", list(inputs[0]), [node.weight.shape[1]])
    return (int(node.weight.shape[0]),)


def _pool(node: Any, inputs: Sequence[Shape]) -> Shape:
    c, h, w = _image(node, inputs[0])
    for pad, kernel, dilation in zip(node.window.padding, node.window.kernel, node.window.dilation, strict=True):
        if pad > dilation * (kernel - 1):
            raise _mismatch(
                node, "a pooling window would see padding only", f"padding {pad}", f"at most {dilation * (kernel - 1)}"
            )
    return (c, *_slid(node, node.window, (h, w)))


def _batch_norm(node: Any, inputs: Sequence[Shape]) -> Shape:
    _per_output(node, node.shift, len(node.scale))
    if inputs[0][0] != len(node.scale):
        raise _mismatch(node, "the number of channels does not fit the normalisation", inputs[0][0], len(node.scale))
    return inputs[0]


def _add(node: Any, inputs: Sequence[Shape]) -> Shape:
    if inputs[0] != inputs[1]:
        raise _mismatch(node, "the branches of an addition differ in shape", list(inputs[1]), list(inputs[0]))
    return inputs[0]


def _matmul(node: Any, inputs: Sequence[Shape]) -> Shape:
    (a, b), heads = (_image(node, shape) for shape in inputs), node.heads
    if node.transposed not in TRANSPOSED:
        raise _mismatch(node, "a product transposes another way", repr(node.transposed), ", ".join(TRANSPOSED))
    if heads < 1 or a[0] % heads or b[0] % heads:
        raise _mismatch(node, "the heads do not divide the channels", f"{heads} heads", f"a divisor of {a[0]} and {b[0]}")
    rows, terms = a[0] // heads, a[1] * a[2]
    if node.transposed == "first":
        rows, terms = terms, rows
    other, columns = b[0] // heads, b[1] * b[2]
    if node.transposed == "second":
        other, columns = columns, other
    if terms != other:
        raise _mismatch(node, "the two sides of a product differ in what is summed over", f"{terms} and {other}", "the same")
    if prod(node.size) != columns:
        raise _mismatch(node, "the size is not that of the product", f"{node.size[0]}x{node.size[1]}", f"{columns} places")
    return (heads * rows, *node.size)


def _equation(node: Any) -> Any:
    return node.equation if isinstance(node, integer.UnloweredNeuron) else node


def _neuron(node: Any, inputs: Sequence[Shape]) -> Shape:
    if isinstance(node, integer.IntNeuron):
        channels = node.program.channels
    elif isinstance(_equation(node), network.EquationNeuron):
        channels = _equation(node).channels
    else:
        equation = _equation(node)
        channels = len(equation.coefficients)
        if equation.current is not None:
            channels = max(channels, len(equation.current.decay))
    if channels not in (1, inputs[0][0]):
        raise _mismatch(node, "the neuron has constants for another number of channels", channels, inputs[0][0])
    return inputs[0]


def _delay(node: Any, inputs: Sequence[Shape]) -> Shape:
    if len(node.steps) not in (1, inputs[0][0]):
        raise _mismatch(node, "the delay has steps for another number of channels", len(node.steps), inputs[0][0])
    return inputs[0]


def _flatten(node: Any, inputs: Sequence[Shape]) -> Shape:
    return (prod(inputs[0]),)


def _same(node: Any, inputs: Sequence[Shape]) -> Shape:
    return inputs[0]


def _declared(node: Any, inputs: Sequence[Shape]) -> Shape:
    shape: Shape = node.shape
    return shape


def _readout(node: Any, inputs: Sequence[Shape]) -> Shape:
    if len(inputs[0]) != 1:
        raise _mismatch(node, "the network must end in one value per class", list(inputs[0]), "[classes]")
    return inputs[0]


_ROWS: dict[type, Callable[[Any, Sequence[Shape]], Shape]] = {
    network.Input: _declared,
    network.Conv2d: _conv2d,
    network.Linear: _linear,
    network.BatchNorm: _batch_norm,
    network.AvgPool2d: _pool,
    network.MaxPool2d: _pool,
    network.Flatten: _flatten,
    network.Add: _add,
    network.MatMul: _matmul,
    network.Neuron: _neuron,
    network.EquationNeuron: _neuron,
    network.Delay: _delay,
    network.Feedback: _declared,
    network.Readout: _readout,
    integer.IntInput: _declared,
    integer.IntConv2d: _conv2d,
    integer.IntLinear: _linear,
    integer.IntSumPool2d: _pool,
    integer.IntMaxPool2d: _pool,
    integer.IntFlatten: _flatten,
    integer.IntAdd: _add,
    integer.IntMatMul: _matmul,
    integer.IntNeuron: _neuron,
    integer.IntFeedback: _declared,
    integer.UnloweredNeuron: _neuron,
    integer.IntReadout: _readout,
}
