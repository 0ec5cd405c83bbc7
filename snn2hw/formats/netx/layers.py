"""What a layer of a .net file says, as arrays for a synapse: weights, biases, delays, shapes, looked at one by one."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError
from snn2hw.formats.netx.file import Layer
from snn2hw.ir.delay import MOST_DELAY
from snn2hw.ir.loihi import LIMITS, RANGES
from snn2hw.ir.shapes import Shape
from snn2hw.num import Interval

INT8, EVEN = Interval(-128, 127), Interval(-256, 254)
MOST_VALUES = 1 << 26  # neurons of one layer, or weights
MOST_AXES = 8  # of a layer's shape
MOST_WAIT = LIMITS["refractory"][1] + 1  # refDelay counts the step of the spike, too
# What netx leaves out of account. A network that uses it means something else than what would run.
ABSENT = {"wgtExp": 0, "weight_exp": 0, "gradedSpike": 0, "messageBits": 0}


def check_size(layer: Layer, shape: Shape) -> None:
    """Refuse sizes before anything of that size is made."""
    if not shape or min(shape) < 1 or prod(shape) > MOST_VALUES:
        raise FileFormatError(
            "the layer's shape is absurd", where=layer.where, got=str(list(shape)), expected=f"1 to {MOST_VALUES} neurons"
        )


def stated_shape(layer: Layer) -> Shape:
    """The layer's shape, as the file states it."""
    sizes = layer.values("shape", None, 1, MOST_VALUES)
    if len(sizes) > MOST_AXES:
        raise ShapeError("the shape has too many axes", where=layer.where, got=str(len(sizes)), expected=f"at most {MOST_AXES}")
    return tuple(int(n) for n in sizes)


def weight_shape(layer: Layer) -> Shape:
    """What the fields say; the file's own may have lost axes of size one."""
    if layer.kind == "dense":
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
    given = layer.array("weight")
    check_size(layer, shape)
    if without_ones(given.shape) != without_ones(shape):
        raise ShapeError(
            "the weights do not fit the layer",
            where=layer.where,
            got=f"{list(given.shape)}",
            expected=f"{list(shape)} (outputs, inputs, kernel)",
            do="export the network again",
        )
    weight = given.reshape(shape)
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
            "the number of biases is not the number of outputs", where=layer.where, got=str(len(values)), expected=str(channels)
        )
    return [int(b) for b in values]


def refractory(layer: Layer) -> int:
    """Steps without firing after the one that fired; refDelay counts that one too."""
    return max(layer.number("refDelay", 1, neuron=True, least=0, most=MOST_WAIT) - 1, 0)


def decay(layer: Layer, name: str) -> int:
    """What the current (iDecay) or the membrane (vDecay) loses in a step, in 4096ths."""
    return layer.number(name, neuron=True, least=0, most=LIMITS["dv"][1])


def threshold(layer: Layer) -> int:
    """The threshold's mantissa."""
    return layer.number("vThMant", neuron=True, least=LIMITS["vth"][0], most=LIMITS["vth"][1])


def check_absent(layer: Layer) -> None:
    """Refuse what would change the meaning and has none here."""
    for name, neutral in ABSENT.items():
        if name in layer.neuron and (value := layer.number(name, neuron=True)) != neutral:
            raise UnsupportedError(
                f"'{name}' is not supported",
                where=layer.where,
                got=str(value),
                expected=str(neutral),
                do="train without it",
            )


def check_no_neuron(layer: Layer) -> None:
    """Refuse a neuron where lava-dl writes none, for nothing would run it."""
    if layer.kind in ("flatten", "average") and layer.neuron:
        raise UnsupportedError(
            f"a neuron in a layer of type '{layer.kind}' is not supported",
            where=layer.where,
            got=", ".join(sorted(layer.neuron)),
            expected="no group 'neuron'",
            do="export the network with net.export_hdf5",
        )


def axonal_delays(layer: Layer, channels: int) -> list[int] | None:
    """Steps by which what a layer fires is delayed, one or one per channel; None where nothing is.

    As in training (slayer delays a layer's own output); netx moves the delays to the next synapses.
    """
    delays = layer.values("delay", 0, 0, MOST_DELAY)
    if not delays.any():
        return None
    if len(delays) not in (1, channels):
        raise ShapeError(
            "the number of delays is not the number of channels", where=layer.where, got=str(len(delays)), expected=str(channels)
        )
    return [int(d) for d in delays]


def input_transform(layer: Layer) -> tuple[int, int]:
    """(weight, bias) of an input layer."""
    return layer.number("weight", 64), layer.number("bias", 0)
