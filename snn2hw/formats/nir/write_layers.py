"""Integer nodes as nodes of NIR, one entry per kind of node.

synapse    weight * scale after / scale before, bias * scale after (`nir_scales`)
SumPool2d  the same
neuron     its tangent (`write_neuron`) as LIF, IF or CubaLIF, one that does not fire as LI, I or CubaLI (`write_step`); the
           offset is in the bias before it, else in v_leak
delay      a Delay of as many steps of dt
MaxPool2d  of spikes: SumPool2d, and a LIF without memory that fires from the first spike on; of anything else the mean
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.formats.nir.file import KEY
from snn2hw.formats.nir.write_delay import delays
from snn2hw.formats.nir.write_graph import NirWriter, full
from snn2hw.formats.nir.write_neuron import Tangent
from snn2hw.formats.nir.write_scales import ratio
from snn2hw.formats.nir.write_step import stepped
from snn2hw.ir.integer import IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.network import Reals
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntSumPool2d,
)

_FIRST_SPIKE = Tangent(np.zeros(1), np.zeros(1), np.ones(1), np.array([0.5]), 0.0, 1, "")


def emit_node(w: NirWriter, node: IntNode) -> None:
    """Place the node in the graph; `fits` has said that there is one for it."""
    LAYERS[type(node)](w, node)


def _sizes(values: Any) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


def _input(w: NirWriter, node: Any) -> None:
    import nir

    w.place(node, nir.Input(_sizes(node.shape)))


def _readout(w: NirWriter, node: Any) -> None:
    import nir

    w.place(node, nir.Output(_sizes(node.shape)), called="output")


def _flatten(w: NirWriter, node: Any) -> None:
    import nir

    w.place(node, nir.Flatten(_sizes(w.scales.nodes[node.inputs[0]].shape), 0, -1))


def _synapse(w: NirWriter, node: Any) -> tuple[Reals, npt.NDArray[np.float32]]:
    """(weight, bias) of the visible node; the bias has the offset of the neuron behind it."""
    after, before = w.scales.of(node.name), w.scales.of(node.inputs[0])
    bias = node.bias * after
    for neuron in w.net.neurons:
        if w.scales.pushed(neuron) == node.name:
            t = w.scales.tangent(neuron.name)
            bias = bias + t.offset / ratio(t.gain, w.scales.of(neuron.inputs[0]))  # by which a join's sum enters the neuron
    weight: Reals = node.weight * (after / before).reshape(-1, *(1,) * (node.weight.ndim - 1))
    return weight, bias.astype(np.float32)


def _linear(w: NirWriter, node: Any) -> None:
    import nir

    weight, bias = _synapse(w, node)
    w.place(node, nir.Affine(weight.astype(np.float32), bias))


def _conv2d(w: NirWriter, node: Any) -> None:
    """Groups as blocks among zeros, a kernel with zeros around it to be square: nir infers the shapes of no other."""
    import nir

    weight, bias = _synapse(w, node)
    window, groups, (out, each) = node.window, node.groups, weight.shape[:2]
    (kh, kw), side = window.kernel, max(window.kernel)
    top, left = (side - kh) // 2, (side - kw) // 2
    padding = [p + d * zeros for p, d, zeros in zip(window.padding, window.dilation, (top, left), strict=True)]
    dense = np.zeros((out, each * groups, side, side), np.float32)
    for g in range(groups):
        rows = slice(g * out // groups, (g + 1) * out // groups)
        dense[rows, g * each : (g + 1) * each, top : top + kh, left : left + kw] = weight[rows]
    size = w.scales.nodes[node.inputs[0]].shape[1:]
    w.place(node, nir.Conv2d(size, dense, _sizes(window.stride), _sizes(padding), _sizes(window.dilation), 1, bias))


def _sums(node: Any) -> Any:
    """A SumPool2d with the node's window."""
    import nir

    window: Window = node.window
    return nir.SumPool2d(_sizes(window.kernel), _sizes(window.stride), _sizes(window.padding))


def _sum_pool(w: NirWriter, node: Any) -> None:
    w.place(node, _sums(node))


def _max_pool(w: NirWriter, node: Any) -> None:
    import nir

    if not w.scales.is_spikes(node.name):
        w.place(node, _sums(node), lost="the mean of the window stands for its maximum")
        return
    source = w.scales.nodes[node.inputs[0]]
    name = w.add(f"{node.name}_sum", _sums(node))
    w.made[name].metadata[KEY] = {"part_of": node.name}
    w.feed(name, w.ends[source.name], source.shape)
    w.ends[source.name], kept = {name: np.ones(1)}, w.ends[source.name]  # what the LIF reads, for this once
    given = stepped(_FIRST_SPIKE, w.convention, leaks=False).given
    w.place(node, nir.LIF(**{name: full(value, node.shape) for name, value in given.items()}))
    w.ends[source.name] = kept


def _neuron(w: NirWriter, node: Any) -> None:
    import nir

    if (steps := delays(node.program)) is not None:
        _delay(w, node, steps)
        return
    t, pushed = w.scales.tangent(node.name), w.scales.pushed(node)
    found = stepped(t, w.convention, leaks=not pushed)
    factor = ratio(t.gain, w.scales.of(node.inputs[0]))
    dropped = "v_leak" in found.given and t.offset.any() and not pushed and not found.given["v_leak"].any()
    lost = [t.lost, found.lost, "its offset is left out: the importer reads no v_leak" * bool(dropped)]
    made = getattr(nir, found.kind)(**{name: full(value, node.shape) for name, value in found.given.items()})
    # Of a neuron that does not fire v itself is read, in its own unit.
    w.place(node, made, factor=factor if t.fires else factor / found.gain, lost="; ".join(filter(None, lost)))


def _delay(w: NirWriter, node: Any, steps: tuple[int, ...]) -> None:
    import nir

    made = nir.Delay(full(np.array(steps) * w.convention.dt, node.shape))
    w.place(node, made, lost=w.convention.refusal("Delay"))


LAYERS: dict[type, Callable[[NirWriter, Any], None]] = {
    IntInput: _input,
    IntConv2d: _conv2d,
    IntLinear: _linear,
    IntSumPool2d: _sum_pool,
    IntMaxPool2d: _max_pool,
    IntFlatten: _flatten,
    IntNeuron: _neuron,
    IntReadout: _readout,
}
