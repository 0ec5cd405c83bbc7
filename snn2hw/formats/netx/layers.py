"""What a layer of a .net file says, as arrays for a synapse: weights, biases, delays, shapes, looked at one by one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError
from snn2hw.formats.netx.file import Layer
from snn2hw.ir.delay import MOST_DELAY
from snn2hw.ir.loihi import RANGES
from snn2hw.ir.shapes import Shape
from snn2hw.num import Interval

INT8, EVEN = Interval(-128, 127), Interval(-256, 254)
MOST_VALUES = 1 << 26  # neurons of one layer, or weights
DENSE = ("dense", "dense_rec")
MOST_AXES = 8  # of a layer's shape
AGAIN = "export the network again with net.export_hdf5"


def check_size(layer: Layer, shape: Shape) -> None:
    """Refuse sizes before anything of that size is made."""
    if not shape or min(shape) < 1 or prod(shape) > MOST_VALUES:
        raise FileFormatError(
            "the layer's shape is absurd",
            where=layer.where,
            got=str(list(shape)),
            expected=f"1 to {MOST_VALUES} neurons",
            do=AGAIN,
        )


def stated_shape(layer: Layer) -> Shape:
    """The layer's shape, as the file states it."""
    sizes = layer.values("shape", None, 1, MOST_VALUES)
    if len(sizes) > MOST_AXES:
        raise ShapeError(
            "the shape has too many axes", where=layer.where, got=str(len(sizes)), expected=f"at most {MOST_AXES}", do=AGAIN
        )
    return tuple(int(n) for n in sizes)


def weight_shape(layer: Layer) -> Shape:
    """What the fields say; the file's own may have lost axes of size one."""
    if layer.kind in DENSE:
        return layer.number("outFeatures", least=1), layer.number("inFeatures", least=1)
    entering, outputs = layer.number("inChannels", least=1), layer.number("outChannels", least=1)
    groups = layer.number("groups", 1, least=1)
    if entering % groups or outputs % groups:
        raise ShapeError(
            "the channels do not divide into the groups",
            where=layer.where,
            got=f"{entering} to {outputs} channels",
            expected=f"multiples of {groups}",
            do="export the network again",
        )
    return outputs, entering // groups, *layer.pair("kernelSize", least=1)


def pooling(layer: Layer, channels: int) -> tuple[npt.NDArray[np.int8], bool]:
    """A kernel per channel, all alike: one weight for the window or one for each of its places."""
    kernel = layer.pair("kernelSize", least=1)
    check_size(layer, (channels, *kernel))
    given, double = int8_weight(layer, kernel if layer.array("weight").size != 1 else (1, 1))
    return np.ascontiguousarray(np.broadcast_to(given, (channels, 1, *kernel))), double


def int8_weight(layer: Layer, shape: Shape) -> tuple[npt.NDArray[np.int8], bool]:
    """Weights as int8, and whether they are half of the file's, which are then even as in the chip's mixed sign mode."""
    return _int8(layer, _given_weight(layer, "weight", shape))


def recurrent_weights(layer: Layer) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8], bool]:
    """Of a recurrent layer those for what enters and those for its own spikes, as `int8_weight`: halved both or neither."""
    outputs, inputs = weight_shape(layer)
    parts = [_given_weight(layer, "weight", (outputs, inputs)), _given_weight(layer, "weight_rec", (outputs, outputs))]
    weight, double = _int8(layer, np.hstack(parts))
    return np.ascontiguousarray(weight[:, :inputs]), np.ascontiguousarray(weight[:, inputs:]), double


def _given_weight(layer: Layer, name: str, shape: Shape) -> npt.NDArray[np.int64]:
    given = layer.array(name)
    check_size(layer, shape)
    if without_ones(given.shape) != without_ones(shape):
        raise ShapeError(
            "the weights do not fit the layer",
            where=layer.where,
            got=f"{list(given.shape)}" + f" in '{name}'" * (name != "weight"),
            expected=f"{list(shape)} (outputs, inputs, kernel)",
            do="export the network again",
        )
    return given.reshape(shape)


def _int8(layer: Layer, weight: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int8], bool]:
    held = Interval(int(weight.min()), int(weight.max()))
    if held in INT8:
        return weight.astype(np.int8), False
    if held not in EVEN or (weight % 2).any():
        raise UnsupportedError(
            "the weights do not fit 8 bits",
            where=layer.where,
            got=f"{held}" + (f", {int((weight % 2 != 0).sum())} of them odd" if held in EVEN else ""),
            expected=f"{INT8}, or even ones in {EVEN} (mixed sign mode)",
            do="export the network with 8-bit weights",
        )
    return (weight // 2).astype(np.int8), True


def without_ones(shape: Shape) -> Shape:
    """A shape without its axes of size one."""
    return tuple(n for n in shape if n != 1)


def biases(layer: Layer, channels: int) -> list[int]:
    """Bias mantissas, one for the layer or one per channel."""
    values = layer.values("bias", 0, *RANGES["bias_mant"])
    if len(values) not in (1, channels):
        raise ShapeError(
            "the number of biases is not the number of outputs",
            where=layer.where,
            got=str(len(values)),
            expected=f"1 or {channels}",
            do=AGAIN,
        )
    return [int(b) for b in values]


def input_shape(first: Layer, sample: npt.NDArray[Any] | None) -> Shape:
    """Of a network that begins without an input layer: the features of its dense layer, else what samples [T, N, ...] have.

    Raises:
        ShapeError: samples that do not fit. UnsupportedError: neither says it.
    """
    given = None if sample is None else tuple(sample.shape[2:])
    if first.kind in DENSE:
        features = weight_shape(first)[1]
        if given is not None and prod(given) != features:
            raise ShapeError(
                "the sample does not fit the first layer",
                where=first.where,
                got=str(list(given)),
                expected=f"[{features}] (inFeatures)",
                do=f"give samples [T, N, {features}]",
            )
        return given or (features,)
    if not given:
        raise UnsupportedError(
            "the file does not say how large its input is",
            where=first.where,
            got="no input layer",
            expected="an input layer, or a dense layer first, whose inFeatures say it",
            do="give sample=x (--sample x.npy), of shape [T, N, C, H, W], or begin the network with block.cuba.Input",
        )
    return given


def axonal_delays(layer: Layer, channels: int) -> list[int] | None:
    """Steps by which what a layer fires is delayed, one or one per channel; None where nothing is.

    As in training (slayer delays a layer's own output); netx moves the delays to the next synapses.
    """
    delays = layer.values("delay", 0, 0, MOST_DELAY)
    if not delays.any():
        return None
    if len(delays) not in (1, channels):
        raise ShapeError(
            "the number of delays is not the number of channels",
            where=layer.where,
            got=str(len(delays)),
            expected=f"1 or {channels}",
            do=AGAIN,
        )
    return [int(d) for d in delays]


def input_transform(layer: Layer) -> tuple[int, int]:
    """(weight, bias) of an input layer."""
    return layer.number("weight", 64), layer.number("bias", 0)
