"""Parameters of NIR nodes as numbers of the float network, looked at before anything is made of them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError, ValueRangeError
from snn2hw.formats.nir.file import NirNode
from snn2hw.ir.network import Reals
from snn2hw.ir.shapes import Shape

MOST_SIZE = 1 << 20  # of a kernel, a stride, a padding
MOST_AXES, MOST_EXTENT = 8, 1 << 26  # of a shape
MOST_MAGNITUDE, LEAST_MAGNITUDE = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
SHOWN = 8  # values in a message


def per_channel(name: str, value: object, shape: Shape, where: str) -> Reals:
    """A parameter as [1], or [C] where it differs from channel to channel.

    Args:
        name: what it is called in messages. value: a number or an array. shape: of the layer, [C, ...].
        where: the node, for messages.

    Raises:
        ShapeError: it does not fit the layer. UnsupportedError: it differs within a channel. ValueRangeError: NaN or Inf.
    """
    array: npt.NDArray[np.float64] = np.asarray(value, np.float64)
    _require_finite(name, array, where)
    if array.size == 1:
        return array.reshape(1)
    given = without_batch(array.shape, len(shape))
    if len(shape) == 3 and shape[1] == 1 and given == (shape[0], shape[2]):
        given = shape  # a line of Conv1d is an image of one row here
    if given != shape:
        raise ShapeError(
            f"'{name}' does not fit the layer",
            where=where,
            got=str(list(array.shape)),
            expected=f"{list(shape)} or one value",
            do="write one value, or one for each neuron of the layer",
        )
    rows = array.reshape(shape[0], -1)
    if (rows != rows[:, :1]).any():
        raise UnsupportedError(
            f"'{name}' differs within a channel",
            where=where,
            got=f"{np.unique(array).size} different values",
            expected="one for the layer, or one per channel",
            do="train with shared parameters",
        )
    return rows[:1, 0] if (rows == rows[0, 0]).all() else rows[:, 0]


def _require_finite(name: str, values: Reals, where: str, do: str = "") -> None:
    """Numbers of networks are float32, and so is what is computed with them: 1e308 times two is not finite any more."""
    if not np.isfinite(values).all():
        raise ValueRangeError(
            f"'{name}' holds NaN or Inf",
            where=where,
            got=f"{int((~np.isfinite(values)).sum())} of {values.size} values",
            expected="finite numbers",
            do=do,
        )
    if values.size and (largest := float(np.abs(values).max())) > MOST_MAGNITUDE:
        raise ValueRangeError(
            f"'{name}' is beyond all numbers that networks have",
            where=where,
            got=f"{largest:g}",
            expected=f"magnitudes up to {MOST_MAGNITUDE:g}, the largest float32",
            do="scale the network down, or repair the file",
        )


def without_batch(stated: Shape, axes: int) -> Shape:
    """A stated shape without the axes of size 1 in front that are more than `axes`: those of samples and steps, which some
    writers leave in it."""
    more = len(stated) - axes
    return stated[more:] if more > 0 and prod(stated[:more]) == 1 else stated


def pair(node: NirNode, name: str, least: int) -> tuple[int, int]:
    """One number for both axes, or one for each: (H, W).

    Args:
        node: whose attribute it is. name: of the attribute.

    Raises:
        FileFormatError: not whole, or below `least`.
    """
    values = np.asarray(getattr(node.content, name)).ravel()
    numbers = values.size in (1, 2) and values.dtype.kind in "iuf" and bool(np.isfinite(values).all())
    if not numbers or (values != np.round(values)).any() or values.min() < least or values.max() > MOST_SIZE:
        raise FileFormatError(
            f"'{name}' is no pair of sizes",
            where=node.where,
            got=short(values),
            expected=f"two, from {least} to {MOST_SIZE}",
            do="write one or two whole numbers in this range",
        )
    return int(values[0]), int(values[-1])


def sizes(node: NirNode, types: str) -> Shape:
    """The shape that an Input or Output states.

    Raises:
        FileFormatError: not in positive whole numbers.
    """
    (values,) = (np.asarray(v).ravel() for v in getattr(node.content, types).values())
    if values.dtype.kind not in "iu" or not 0 < values.size <= MOST_AXES or values.min() < 1 or values.max() > MOST_EXTENT:
        raise FileFormatError(
            "the shape is not one",
            where=node.where,
            got=short(values),
            expected=f"sizes from 1, at most {MOST_AXES} of them",
            do="write a whole number from 1 for each axis",
        )
    return tuple(int(n) for n in values)


def short(values: npt.NDArray[Any]) -> str:
    """Values for a message: the first of them."""
    more = f" and {values.size - SHOWN} more" if values.size > SHOWN else ""
    return f"{values.ravel()[:SHOWN].tolist()}{more}"


def array(node: NirNode, name: str, axes: int) -> Reals:
    """An array with so many axes, as float64.

    Args:
        node: whose attribute it is. name: of the attribute.

    Raises:
        ShapeError: with others. ValueRangeError: NaN, Inf, or values beyond float32.
    """
    values = np.array(getattr(node.content, name), np.float64)
    _require_finite(name, values, node.where, "train again with a smaller learning rate, or load another checkpoint")
    if values.ndim != axes:
        raise ShapeError(
            f"'{name}' has the wrong number of axes",
            where=node.where,
            got=str(list(values.shape)),
            expected=f"{axes} axes",
            do=f"write it with {axes} axes, as NIR defines this kind of node",
        )
    return values


def padding(node: NirNode, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """Of a convolution: numbers, or the words 'valid' and 'same'.

    Args:
        node: the convolution. kernel, dilation: (H, W) each; 'same' pads by dilation * (kernel - 1) / 2.

    Raises:
        UnsupportedError: another word, or 'same' with an even kernel, which would pad one side more than the other.
    """
    word = node.content.padding
    if not isinstance(word, str):
        return pair(node, "padding", 0)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if word == "valid":
        return 0, 0
    if word != "same" or any(t % 2 for t in total):
        raise UnsupportedError(
            "this padding is not supported",
            where=node.where,
            got=f"'{word}' with kernel {kernel}",
            expected="numbers, or an odd kernel",
            do="write the padding in numbers, or use an odd kernel",
        )
    return total[0] // 2, total[1] // 2
