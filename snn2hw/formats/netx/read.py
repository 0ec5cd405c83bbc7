"""A lava-dl `.net` file -> IntegerNetwork: the chip's integers as they are, nothing is quantised again.

Every layer with a neuron becomes a synapse and Loihi's LIF (`snn2hw.ir.loihi`). Loihi takes one step from layer to layer; here
a step evaluates the whole graph, so layer k of the chip at step t is this network's at step t - k, and a sample starts where the
chip resets that layer.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.errors import FileFormatError, ShapeError, UnsupportedError, UsageError
from snn2hw.formats.netx.file import MOST_STEPS, Layer, NetxFile, read_netx
from snn2hw.formats.netx.layers import (
    axonal_delays,
    biases,
    check_absent,
    check_no_neuron,
    check_size,
    decay,
    input_transform,
    int8_weight,
    pooling,
    refractory,
    stated_shape,
    threshold,
    weight_shape,
)
from snn2hw.ir.delay import delay_program
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.loihi import ALIGN_BITS, VTH_MAX, loihi_biased, loihi_lif, widest_input
from snn2hw.ir.program import SPIKES, Program
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntConv2d, IntFlatten, IntLinear
from snn2hw.num import Format, Interval

TARGET, READOUTS = "loihi2", ("auto", "spikes", "membrane")


def from_netx(path: str | Path, steps: int | None = None, readout: str = "auto") -> IntegerNetwork:
    """The integer network of a .net file.

    Args:
        path: of the file.
        steps: T of a sample; by default what the file says (simulation/tSample).
        readout: "spikes": their number over the steps. "membrane": v of the last layer after the last step, whose payload is then
            the change of v, and nothing fires. "auto": the membrane where the threshold is the highest there is, which is how
            lava-dl says that a layer does not fire, else spikes.

    Returns:
        Neuron layers are named 'layer.<i>', by the file's numbers; their states are 'u' and 'v'. The input is the transformed
        image (see `transformed`), the same at every step, or events [T, N, ...] where the input layer has no neuron.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what is not supported.
    """
    if readout not in READOUTS:
        raise UsageError("there is no such readout", got=repr(readout), expected=", ".join(READOUTS))
    file = read_netx(Path(path))
    chosen = steps if steps is not None else file.steps
    if chosen is None or isinstance(chosen, bool) or not isinstance(chosen, int) or not 1 <= chosen <= MOST_STEPS:
        raise UsageError(
            "the file does not say how many steps a sample has",
            where=str(path),
            got=f"steps={chosen}",
            expected=f"1 to {MOST_STEPS}",
            do="give steps (--steps)",
        )
    return _Reader(file, chosen, readout).network()


def transformed(path: str | Path, frames: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Frames in [0, 1] as the input of a .net file takes them: trunc(2 * weight * x - weight + bias), from its layer 0.

    Source: lava-dl, tutorials/lava/lib/dl/netx/pilotnet_snn/dataset.py.
    """
    weight, bias = input_transform(read_netx(Path(path)).layers[0])
    return np.trunc(2 * weight * np.asarray(frames, np.float64) - weight + bias).astype(np.int64)


class _Reader:
    def __init__(self, file: NetxFile, steps: int, readout: str) -> None:
        self.file, self.steps, self.readout = file, steps, readout
        self.nodes: list[IntNode] = []

    def network(self) -> IntegerNetwork:
        first, *others = self.file.layers
        if first.kind != "input":
            raise FileFormatError("the first layer is no input", where=first.where, got=first.kind, expected="input")
        self._input(first)
        for layer in others:
            check_no_neuron(layer)
            if layer.kind == "flatten":
                self._flat(layer)
            elif layer.kind == "average":
                self._average(layer)
            else:
                self._synapse(layer, last=layer is others[-1])
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
        shape = stated_shape(layer)
        check_size(layer, shape)
        if not layer.neuron:
            events = Interval(0, 1)
            self._add(IntInput("input", (), shape, Format.holding(events, 0), events, 1.0, False, True, source=layer.where))
            return
        weight, bias = input_transform(layer)
        pixels = Interval(bias - abs(weight), bias + abs(weight))
        form = Format.holding(pixels, -ALIGN_BITS)
        self._add(IntInput("input", (), shape, form, pixels, 1.0, True, False, source=layer.where))
        self._neuron(layer, loihi_biased(decay(layer, "vDecay"), threshold(layer), refractory(layer)))

    def _neuron(self, layer: Layer, program: Program) -> None:
        check_absent(layer)
        payload = ranges(program)[program.outputs[SPIKES].name]
        name = f"layer.{layer.index}"
        self._add(
            IntNeuron(name, (self.end.name,), self.end.shape, program.payload, payload, source=layer.where, program=program)
        )
        if (delays := axonal_delays(layer, self.end.shape[0])) is not None:
            e = self.end
            program, held = delay_program(delays, e.interval, e.format.frac), e.interval.hull(Interval(0, 0))
            self._add(IntNeuron(f"{name}.delay", (name,), e.shape, program.payload, held, source=layer.where, program=program))

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
        weight, double = pooling(layer, self.end.shape[0]) if layer.kind == "pool" else int8_weight(layer, weight_shape(layer))
        bias = np.zeros(len(weight), np.int32)
        name, inputs, form = f"layer.{layer.index}.{layer.kind}", (self.end.name,), Format(1, 0)
        draft: IntConv2d | IntLinear
        if layer.kind == "dense":
            draft = IntLinear(name, inputs, (), form, Interval(0, 0), weight, bias, source=layer.where)
        else:
            kernel, stride = layer.pair("kernelSize", least=1), layer.pair("stride", 1, least=1)
            window = Window(kernel, stride, layer.pair("padding", 0, least=0), layer.pair("dilation", 1, least=1))
            groups = len(weight) if layer.kind == "pool" else layer.number("groups", 1)
            draft = IntConv2d(name, inputs, (), form, Interval(0, 0), weight, bias, window, groups, source=layer.where)
        shape, sums = draft.output_shape([self.end.shape]), draft.sum_interval(self.end.interval)
        self._check_shape(layer, shape)
        align = ALIGN_BITS + double
        point = Format.holding(sums, -align)
        rest = (weight, bias) if isinstance(draft, IntLinear) else (weight, bias, draft.window, draft.groups)
        self._add(type(draft)(name, inputs, shape, point, sums, *rest, source=layer.where))
        vth = threshold(layer)
        program = loihi_lif(
            decay(layer, "iDecay") - 1,
            decay(layer, "vDecay"),
            vth,
            biases(layer, len(weight)),
            ALIGN_BITS,
            refractory(layer),
            align=align,
            input_bits=widest_input(sums),
            membrane=last and (self.readout == "membrane" or (self.readout == "auto" and vth == VTH_MAX)),
        )
        self._neuron(layer, program)

    def _average(self, layer: Layer) -> None:
        """Sums of equal groups of neighbours; the mean is that sum divided by the size of a group."""
        self._flat(layer)
        entering, outputs = self.end.shape[0], stated_shape(layer)[0]
        check_size(layer, (outputs, entering))
        if entering % outputs:
            raise ShapeError(
                "the groups of an average are not equal",
                where=layer.where,
                got=f"{entering} neurons",
                expected=f"{outputs} groups",
            )
        weight = np.repeat(np.eye(outputs, dtype=np.int8), entering // outputs, axis=1)
        sums = self.end.interval * Interval(entering // outputs, entering // outputs)
        form, zeros = Format.holding(sums, self.end.format.frac), np.zeros(outputs, np.int32)
        name = f"layer.{layer.index}.average"
        self._add(IntLinear(name, (self.end.name,), (outputs,), form, sums, weight, zeros, source=layer.where))

    def _check_shape(self, layer: Layer, shape: Shape) -> None:
        if "shape" not in layer.fields:
            return
        stated = stated_shape(layer)
        if stated != (*shape, *(1,) * (len(stated) - len(shape))):
            raise ShapeError(
                "the layer's output is not what the file states",
                where=layer.where,
                got=str(list(shape)),
                expected=str(list(stated)),
                do="export the network again, for the input it was trained on",
            )
