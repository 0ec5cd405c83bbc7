"""Shapes of one sample's value at one step, windows that slide over them, and what is said where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from snn2hw.errors import ShapeError

Shape: TypeAlias = "tuple[int, ...]"
Pair: TypeAlias = "tuple[int, int]"


@dataclass(frozen=True)
class Window:
    """How a kernel slides: output size = (size + 2*padding - dilation*(kernel - 1) - 1) // stride + 1."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    def output(self, size: Pair) -> Pair:
        """[H, W] after sliding over an image of `size`; not positive where the kernel does not fit."""
        h, w = (
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        return h, w


def mismatch(node: Any, what: str, got: object, expected: object) -> ShapeError:
    """The error for what enters a node and does not fit it.

    Args:
        node: whose source or name is named. what: the message in words. got, expected: what differs, printed by str.
    """
    return ShapeError(
        what,
        where=node.source or node.name,
        got=str(got),
        expected=str(expected),
        do="check the layer before it, or the shape of the sample",
    )


def image(node: Any, shape: Shape, channels: int | None = None) -> tuple[int, int, int]:
    """(C, H, W) of what enters a node that reads images, of so many channels where that is given.

    Args:
        node: for messages. shape: of what enters, without T and N. channels: C that the weights need, None: any.
    """
    if len(shape) != 3:
        raise mismatch(node, "an image [C, H, W] was expected", list(shape), "3 axes")
    if channels is not None and shape[0] != channels:
        raise mismatch(node, "the number of channels does not fit the weights", f"{shape[0]} channels", f"{channels} channels")
    return shape[0], shape[1], shape[2]


def slid(node: Any, window: Window, size: Pair) -> Pair:
    """[H, W] of what a node makes of an image, where its kernel fits into it.

    Args:
        node: for messages. window: kernel, stride, padding and dilation. size: [H, W] of the image.
    """
    h, w = window.output(size)
    if h < 1 or w < 1:
        raise mismatch(node, "the kernel does not fit into the image", f"{size[0]}x{size[1]}", f"at least {window.kernel}")
    return h, w


def per_output(node: Any, values: Any, outputs: int) -> None:
    """There is one value for each output.

    Args:
        node: for messages. values: an array of the biases, [outputs]. outputs: of the weights.
    """
    if len(values) != outputs:
        raise mismatch(node, "the number of biases is not the number of outputs", len(values), outputs)


def of_channels(node: Any, channels: int, entering: Shape) -> Shape:
    """The shape that enters and leaves a neuron, which has constants for the layer or for each channel.

    Args:
        node: for messages. channels: how many constants it has, 1: for the layer. entering: shape without T and N.
    """
    if channels not in (1, entering[0]):
        raise mismatch(node, "the neuron has constants for another number of channels", channels, entering[0])
    return entering


def of_classes(node: Any, entering: Shape) -> Shape:
    """The shape of a readout: one value for each class."""
    if len(entering) != 1:
        raise mismatch(node, "the network must end in one value per class", list(entering), "[classes]")
    return entering


def places_of(outputs: Sequence[tuple[str, int]], size: int) -> dict[str, slice]:
    """Where the values of each output stand in a readout.

    Args:
        outputs: name and number of values of each; none where there is one, "readout". size: of the readout.
    """
    found, first = dict[str, slice](), 0
    for name, count in outputs or (("readout", size),):
        found[name], first = slice(first, first + count), first + count
    return found
