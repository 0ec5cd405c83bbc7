"""A lava-dl `.net` file -> IntegerNetwork: the chip's integers as they are, nothing is quantised again.

Every layer with a neuron becomes a synapse and Loihi's LIF (`snn2hw.ir.loihi`). Loihi takes one step from layer to layer; here
a step evaluates the whole graph, so layer k of the chip at step t is this network's at step t - k, and a sample starts where the
chip resets that layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError, UsageError
from snn2hw.frontends.netx_file import Layer, NetxFile, read_netx
from snn2hw.ir.integer import (
    IntConv2d,
    IntegerNetwork,
    IntFlatten,
    IntInput,
    IntLinear,
    IntNeuron,
    IntNode,
    IntReadout,
)
from snn2hw.ir.loihi import ALIGN_BITS, VTH_MAX, loihi_biased, loihi_lif, widest_input
from snn2hw.ir.network import Shape, Window
from snn2hw.ir.program import SPIKES, Program
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.ir.shapes import output_shape
from snn2hw.ir.sums import synaptic_interval
from snn2hw.num import Format, Interval

TARGET = "loihi2"
INT8, EVEN = Interval(-128, 127), Interval(-256, 254)
MOST_VALUES = 1 << 26  # neurons of one layer
# What netx leaves out of account. A network that uses it means something else than what would run.
ABSENT = {"wgtExp": 0, "weight_exp": 0, "gradedSpike": 0, "messageBits": 0}


def from_netx(path: str | Path, steps: int | None = None) -> IntegerNetwork:
    """The integer network of a .net file.

    Args:
        steps: T of a sample; by default what the file says (simulation/tSample).

    Returns:
        Neuron layers are named 'layer.<i>', by the file's numbers; their states are 'u' and 'v'. The input is the transformed
        image (see `transformed`), the same at every step, or events [T, N, ...] where the input layer has no neuron. The last
        layer's payload is the change of its membrane where its threshold is the highest there is, which is how lava-dl says that a
        layer does not fire: the readout is then v after the last step; else it is the number of spikes.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what is not supported.
    """
    file = read_netx(Path(path))
    chosen = steps if steps is not None else file.steps
    if chosen is None or chosen < 1:
        raise UsageError(
            "the file does not say how many steps a sample has",
            where=str(path),
            got=f"steps={chosen}",
            expected="1, 2, 3, ...",
            do="give steps (--steps)",
        )
    return _Reader(file, str(path), chosen).network()


def transformed(path: str | Path, frames: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Frames in [0, 1] as the input of a .net file takes them: trunc(2 * weight * x - weight + bias), from its layer 0.

    Source: lava-dl, tutorials/lava/lib/dl/netx/pilotnet_snn/dataset.py.
    """
    weight, bias = _transform(read_netx(Path(path)).layers[0])
    return np.trunc(2 * weight * np.asarray(frames, np.float64) - weight + bias).astype(np.int64)


def _transform(layer: Layer) -> tuple[int, int]:
    return layer.number("weight", 64), layer.number("bias", 0)


class _Reader:
    def __init__(self, file: NetxFile, where: str, steps: int) -> None:
        self.file, self.where, self.steps = file, where, steps
        self.nodes: list[IntNode] = []

    def network(self) -> IntegerNetwork:
        first, *others = self.file.layers
        if first.kind != "input":
            raise FileFormatError("the first layer is no input", where=first.where, got=first.kind, expected="input")
        self._input(first)
        for layer in others:
            if layer.kind == "flatten":
                self._flat(layer)
            elif layer.kind in ("dense", "conv"):
                self._synapse(layer, last=layer is others[-1])
            else:
                raise UnsupportedError(
                    "a layer of this type is not supported yet",
                    where=layer.where,
                    got=f"'{layer.kind}'",
                    expected="input, dense, conv, flatten",
                    do="use a convolution with a stride instead",
                )
        self._flat(self.file.layers[-1])
        self._add(IntReadout("readout", (self.end.name,), self.end.shape, self.end.format, self.end.interval))
        net = IntegerNetwork(self.steps, TARGET, tuple(self.nodes))
        check_integer(net)
        return net

    @property
    def end(self) -> IntNode:
        return self.nodes[-1]

    def _add(self, node: IntNode) -> None:
        self.nodes.append(node)

    def _input(self, layer: Layer) -> None:
        shape = tuple(int(n) for n in layer.array("shape").ravel())
        _check_size(layer, shape)
        if not layer.neuron:
            events = Interval(0, 1)
            self._add(IntInput("input", (), shape, Format.holding(events, 0), events, 1.0, False, True, source=layer.where))
            return
        weight, bias = _transform(layer)
        pixels = Interval(bias - abs(weight), bias + abs(weight))
        form = Format.holding(pixels, -ALIGN_BITS)
        self._add(IntInput("input", (), shape, form, pixels, 1.0, True, False, source=layer.where))
        dv, vth = layer.number("vDecay", neuron=True), layer.number("vThMant", neuron=True)
        self._neuron(layer, loihi_biased(dv, vth, _refractory(layer)))

    def _neuron(self, layer: Layer, program: Program) -> None:
        _check_absent(layer)
        payload = ranges(program)[program.outputs[SPIKES].name]
        name = f"layer.{layer.index}"
        self._add(
            IntNeuron(name, (self.end.name,), self.end.shape, program.payload, payload, source=layer.where, program=program)
        )

    def _flat(self, layer: Layer) -> None:
        if len(self.end.shape) > 1:
            e = self.end
            self._add(IntFlatten(f"{e.name}.flat", (e.name,), (prod(e.shape),), e.format, e.interval, source=layer.where))

    def _synapse(self, layer: Layer, last: bool) -> None:
        if not layer.neuron:
            raise UnsupportedError(
                "a layer without a neuron is not supported",
                where=layer.where,
                got="an affine layer",
                expected="a LOIHI or CUBA neuron behind every dense and conv layer",
                do="export the layer with its neuron",
            )
        if layer.kind == "dense":
            self._flat(layer)
        weight, double = _weight(layer, *self._weight_shape(layer))
        bias = np.zeros(len(weight), np.int32)
        name, inputs, form = f"layer.{layer.index}.{layer.kind}", (self.end.name,), Format(1, 0)
        draft: IntConv2d | IntLinear
        if layer.kind == "dense":
            draft = IntLinear(name, inputs, (), form, Interval(0, 0), weight, bias, source=layer.where)
        else:
            window = Window(
                *(layer.pair(f, d) for f, d in (("kernelSize", None), ("stride", 1), ("padding", 0), ("dilation", 1)))
            )
            groups = layer.number("groups", 1)
            draft = IntConv2d(name, inputs, (), form, Interval(0, 0), weight, bias, window, groups, source=layer.where)
        shape, sums = output_shape(draft, [self.end.shape]), synaptic_interval(draft, self.end.interval)
        self._check_shape(layer, shape)
        align = ALIGN_BITS + double
        point = Format.holding(sums, -align)
        rest = (weight, bias) if isinstance(draft, IntLinear) else (weight, bias, draft.window, draft.groups)
        self._add(type(draft)(name, inputs, shape, point, sums, *rest, source=layer.where))
        vth = layer.number("vThMant", neuron=True)
        program = loihi_lif(
            layer.number("iDecay", neuron=True) - 1,
            layer.number("vDecay", neuron=True),
            vth,
            _biases(layer, len(weight)),
            ALIGN_BITS,
            _refractory(layer),
            align=align,
            input_bits=widest_input(sums),
            membrane=last and vth == VTH_MAX,
        )
        self._neuron(layer, program)

    def _weight_shape(self, layer: Layer) -> tuple[int, ...]:
        """What the fields say; the file's own may have lost axes of size one."""
        if layer.kind == "dense":
            return layer.number("outFeatures"), layer.number("inFeatures")
        entering, groups = layer.number("inChannels"), layer.number("groups", 1)
        return layer.number("outChannels"), entering // max(groups, 1), *layer.pair("kernelSize")

    def _check_shape(self, layer: Layer, shape: Shape) -> None:
        if "shape" not in layer.fields:
            return
        stated = tuple(int(n) for n in layer.array("shape").ravel())
        if stated != (*shape, *(1,) * (len(stated) - len(shape))):
            raise ShapeError(
                "the layer's output is not what the file states",
                where=layer.where,
                got=str(list(shape)),
                expected=str(list(stated)),
                do="export the network again, for the input it was trained on",
            )


def _check_size(layer: Layer, shape: Shape) -> None:
    if not shape or min(shape) < 1 or prod(shape) > MOST_VALUES:
        raise FileFormatError(
            "the layer's shape is absurd", where=layer.where, got=str(list(shape)), expected=f"1 to {MOST_VALUES} neurons"
        )


def _weight(layer: Layer, *shape: int) -> tuple[npt.NDArray[np.int8], bool]:
    """Weights as int8, and whether they are half of the file's, which are then even as in the chip's mixed sign mode."""
    given = layer.array("weight")
    _check_size(layer, shape)
    if given.size != prod(shape):
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


def _biases(layer: Layer, channels: int) -> list[int]:
    values = [int(b) for b in layer.array("bias", 0).ravel()]
    if len(values) not in (1, channels):
        raise ShapeError(
            "the number of biases is not the number of outputs", where=layer.where, got=str(len(values)), expected=str(channels)
        )
    return values


def _refractory(layer: Layer) -> int:
    """Steps without firing after the one that fired; refDelay counts that one too."""
    return max(layer.number("refDelay", 1, neuron=True) - 1, 0)


def _check_absent(layer: Layer) -> None:
    for name, kept in _uses(layer):
        raise UnsupportedError(
            f"'{name}' is not supported",
            where=layer.where,
            got=str(kept),
            expected=str(ABSENT.get(name, 0)),
            do="train without it",
        )


def _uses(layer: Layer) -> Iterator[tuple[str, Any]]:
    for name, neutral in ABSENT.items():
        if name in layer.neuron and (value := layer.number(name, neuron=True)) != neutral:
            yield name, value
    if "delay" in layer.fields and (delays := layer.array("delay")).any():
        yield "delay", f"up to {int(delays.max())} steps"
