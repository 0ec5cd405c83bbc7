"""A lava-dl `.net` file -> IntegerNetwork: the chip's integers as they are, nothing is quantised again.

Every layer with a neuron becomes a synapse and Loihi's LIF (`snn2hw.ir.loihi`). Loihi takes one step from layer to layer; here
a step evaluates the whole graph, so layer k of the chip at step t is this network's at step t - k, and a sample starts where the
chip resets that layer.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, UnsupportedError, UsageError
from snn2hw.formats.netx.file import MOST_STEPS, Layer, NetxFile, read_netx
from snn2hw.formats.netx.layers import (
    AGAIN,
    DENSE,
    axonal_delays,
    biases,
    check_size,
    input_shape,
    input_transform,
    int8_weight,
    pooling,
    recurrent_weights,
    stated_shape,
    weight_shape,
)
from snn2hw.formats.netx.registers import (
    NEVER,
    Registers,
    check_absent,
    check_no_neuron,
    decay,
    refractory,
    registers,
    threshold,
)
from snn2hw.formats.sample import stored_or_array
from snn2hw.ir.delay import delay_program
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.loihi import ALIGN_BITS, VTH_MAX, loihi_biased, loihi_lif, widest_input
from snn2hw.ir.program import SPIKES, Program
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntAdd, IntConv2d, IntFlatten, IntLinear
from snn2hw.num import Format, Interval
from snn2hw.shown import one_of

TARGET, READOUTS = "loihi2", ("auto", "spikes", "membrane")
EVENTS = Interval(0, 1)


def from_netx(
    path: str | Path, steps: int | None = None, readout: str = "auto", sample: npt.ArrayLike | None = None
) -> IntegerNetwork:
    """The integer network of a .net file.

    Args:
        path: of the file.
        steps: T of a sample; by default what the file says (simulation/tSample).
        readout: "spikes": their number over the steps. "membrane": v of the last layer after the last step; it sends then
            the change of v, and nothing fires. "auto": the membrane where the layer has no neuron, or the highest threshold
            there is, which is how lava-dl says that it does not fire; else spikes.
        sample: events [T, N, ...], whose shape is that of the input where the file begins without an input layer; needed
            where its first layer is not a dense one.

    Returns:
        Neuron layers are named 'layer.<i>', by the file's numbers; their states are 'u' and 'v'. The input is the transformed
        image (see `transformed`), the same at every step, or events [T, N, ...] where the input layer has no neuron.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what is not supported.
    """
    if readout not in READOUTS:
        raise UsageError(
            "there is no such readout", got=repr(readout), expected=", ".join(READOUTS), do=one_of(str(readout), READOUTS)
        )
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
    return _Reader(file, chosen, readout, None if sample is None else stored_or_array(sample)).network()


def transformed(path: str | Path, frames: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Frames in [0, 1] as the input of a .net file takes them: trunc(2 * weight * x - weight + bias), from its layer 0.

    Source: lava-dl, tutorials/lava/lib/dl/netx/pilotnet_snn/dataset.py.
    """
    weight, bias = input_transform(read_netx(Path(path)).layers[0])
    return np.trunc(2 * weight * np.asarray(frames, np.float64) - weight + bias).astype(np.int64)


class _Reader:
    def __init__(self, file: NetxFile, steps: int, readout: str, sample: npt.NDArray[Any] | None) -> None:
        self.file, self.steps, self.readout, self.sample = file, steps, readout, sample
        self.nodes: list[IntNode] = []

    def network(self) -> IntegerNetwork:
        layers = self.file.layers
        if layers[0].kind == "input":
            self._input(layers[0])
            layers = layers[1:]
        else:
            self._events(layers[0], input_shape(layers[0], self.sample))
        for layer in layers:
            check_no_neuron(layer)
            if layer.kind == "flatten":
                self._flat(layer)
            elif layer.kind == "average":
                self._average(layer)
            else:
                self._synapse(layer, last=layer is layers[-1])
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
            self._events(layer, shape)
            return
        weight, bias = input_transform(layer)
        pixels = Interval(bias - abs(weight), bias + abs(weight))
        form = Format.holding(pixels, -ALIGN_BITS)
        self._add(IntInput("input", (), shape, form, pixels, 1.0, True, False, source=layer.where))
        check_absent(layer)
        self._neuron(layer, loihi_biased(decay(layer, "vDecay"), threshold(layer), refractory(layer)))

    def _events(self, layer: Layer, shape: Shape) -> None:
        form = Format.holding(EVENTS, 0)
        self._add(IntInput("input", (), shape, form, EVENTS, 1.0, False, True, source=layer.where))

    def _neuron(self, layer: Layer, program: Program) -> None:
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
        check_absent(layer)
        given = registers(layer, last)
        silent = last and self._reads_membrane(layer, given)
        if layer.kind in DENSE:
            self._flat(layer)
        double = self._recurrent(layer, fires=not silent) if layer.kind == "dense_rec" else self._forward(layer)
        program = loihi_lif(
            given.du,
            given.dv,
            min(given.vth, VTH_MAX),
            biases(layer, self.end.shape[0]),
            ALIGN_BITS,
            given.refractory,
            align=ALIGN_BITS + double,
            input_bits=widest_input(self.end.interval),
            membrane=silent,
        )
        self._neuron(layer, program)

    def _reads_membrane(self, layer: Layer, given: Registers) -> bool:
        """Whether the readout is the membrane of this layer, the last one, which then is taken not to fire."""
        if given.vth == NEVER and self.readout == "spikes":
            raise UsageError(
                "the last layer can never fire",
                where=layer.where,
                got="readout='spikes'",
                expected="'membrane' or 'auto'",
                do="leave readout out",
            )
        if layer.kind == "dense_rec" and self.readout == "membrane" and given.vth < VTH_MAX:
            raise UsageError(
                "a recurrent layer whose membrane is read would no longer fire, nor reach itself",
                where=layer.where,
                got=f"readout='membrane', vThMant = {given.vth}",
                expected="'spikes' or 'auto'",
                do="leave readout out",
            )
        return self.readout == "membrane" or (self.readout == "auto" and given.vth >= VTH_MAX)

    def _forward(self, layer: Layer) -> bool:
        """The synapse of a layer; whether its weights are half of the file's."""
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
        self._sums(layer, draft, double)
        return double

    def _recurrent(self, layer: Layer, fires: bool) -> bool:
        """The two synapses of a recurrent layer and their sum: what enters, and what the layer fired a step before.

        Its own spikes take one step, as those of every other layer (netx, blocks/process.py: RecurrentDense).
        """
        if np.any(layer.array("delay", 0)):
            raise UnsupportedError(
                "delays of a recurrent layer are not supported",
                where=layer.where,
                got=f"delays up to {layer.array('delay').max()}",
                expected="none: training delays what leaves the layer, netx what enters it",
                do="train the block with delay=False",
            )
        weight, back, double = recurrent_weights(layer)
        name, outputs, entering = f"layer.{layer.index}", len(weight), self.end
        zeros, form, where = np.zeros(outputs, np.int32), Format(1, 0), layer.where
        ahead = IntLinear(f"{name}.dense_rec", (entering.name,), (), form, Interval(0, 0), weight, zeros, source=where)
        first = self._sums(layer, ahead, double)
        if fires:
            edge = f"{name}.back"
            self._add(IntFeedback(edge, (name,), (outputs,), Format.holding(EVENTS, 0), EVENTS, source=where))
            looped = IntLinear(f"{name}.recurrent", (edge,), (), form, Interval(0, 0), back, zeros, source=where)
            second = self._sums(layer, looped, double)
            both = first.interval + second.interval
            point = Format.holding(both, -ALIGN_BITS - double)
            self._add(IntAdd(f"{name}.sum", (first.name, second.name), (outputs,), point, both, shifts=(0, 0), source=where))
        return double

    def _sums(self, layer: Layer, draft: IntConv2d | IntLinear, double: bool) -> IntNode:
        """The synapse with its shape, and with the interval and the binary point of its sums."""
        shape, sums = draft.output_shape([self.end.shape]), draft.sum_interval(self.end.interval)
        self._check_shape(layer, shape)
        made = replace(draft, shape=shape, format=Format.holding(sums, -ALIGN_BITS - double), interval=sums)
        self._add(made)
        return made

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
                expected=f"a multiple of {outputs}",
                do=AGAIN,
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
