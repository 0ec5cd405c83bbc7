"""Nodes of a NIR file as nodes of the float network, a function for each kind; factors travel on until weights take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from snn2hw.errors import ShapeError, UnsupportedError, ValueRangeError
from snn2hw.formats.nir.convention import NEURONS
from snn2hw.formats.nir.file import NirNode
from snn2hw.formats.nir.parameters import array, padding, pair, per_channel
from snn2hw.formats.nir.read_neurons import neuron_nodes
from snn2hw.ir.delay import MOST_DELAY
from snn2hw.ir.network import Delay, Reals
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import AvgPool2d, Conv2d, Flatten, Linear

if TYPE_CHECKING:
    from snn2hw.formats.nir.read import Walk


@dataclass(frozen=True)
class Value:
    """What a NIR node's value is: `factor` (one for all [], or one for each) times that of the node `name`."""

    name: str
    shape: Shape
    factor: Reals


def _pass(walk: Walk, node: NirNode, x: Value) -> Value:
    """What enters is what leaves."""
    return x


def _by_channel(node: NirNode, x: Value, what: str) -> Reals:
    """The factor as [1] or [C]."""
    return per_channel(what, x.factor, x.shape, node.where)


def _linear(walk: Walk, node: NirNode, x: Value) -> Value:
    weight = array(node, "weight", 2)
    bias = array(node, "bias", 1) if node.kind == "Affine" else np.zeros(len(weight))
    made = Linear(walk.unique(node.name), (x.name,), (), weight=weight, bias=bias, source=node.where)
    made.output_shape([x.shape])  # before the factor is taken, which then fits
    return walk.synapse(node, replace(made, weight=weight * x.factor))


def _conv(walk: Walk, node: NirNode, x: Value) -> Value:
    """A Conv1d is a Conv2d over one row."""
    line = node.kind == "Conv1d"
    weight, bias = array(node, "weight", 3 if line else 4), array(node, "bias", 1)
    weight = weight[:, :, None] if line else weight
    groups = pair(node, "groups", 1)[0]
    if len(weight) % groups:
        raise ShapeError(
            "the channels do not divide into the groups",
            where=node.where,
            got=f"{len(weight)}",
            expected=f"k * {groups}",
            do="use as many groups as divide the output channels",
        )
    kernel, dilation = (int(weight.shape[2]), int(weight.shape[3])), pair(node, "dilation", 1)
    pads = padding(node, kernel, dilation)
    window = Window(kernel, pair(node, "stride", 1), (0, pads[1]) if line else pads, dilation)
    made = Conv2d(walk.unique(node.name), (x.name,), (), weight, bias, window, groups, source=node.where)
    made.output_shape([x.shape])
    factor = np.broadcast_to(_by_channel(node, x, "scale"), x.shape[:1]).reshape(groups, 1, -1)
    scaled = weight.reshape(groups, len(weight) // groups, -1, *kernel) * factor[..., None, None]
    return walk.synapse(node, replace(made, weight=scaled.reshape(weight.shape)))


def _pool(walk: Walk, node: NirNode, x: Value) -> Value:
    """A sum is the mean times the number of taps, padding counted as zeros in both."""
    kernel = pair(node, "kernel_size", 1)
    factor = _by_channel(node, x, "scale") if x.factor.ndim else x.factor
    window = Window(kernel, pair(node, "stride", 1), pair(node, "padding", 0))
    placed = walk.add(AvgPool2d(walk.unique(node.name), (x.name,), (), window, source=node.where), np.ones(()))
    if factor.ndim:
        factor = np.broadcast_to(factor[:, None, None], placed.shape)
    return replace(placed, factor=factor * (prod(kernel) if node.kind == "SumPool2d" else 1))


def _scale(walk: Walk, node: NirNode, x: Value) -> Value:
    scale = np.array(node.content.scale, np.float64)
    scale = scale.reshape(walk.placed(scale.shape))
    if scale.size != 1 and scale.shape != x.shape:
        raise ShapeError(
            "the scale does not fit what enters",
            where=node.where,
            got=str(list(scale.shape)),
            expected=str(list(x.shape)),
            do="write one factor, or one for each value that enters",
        )
    return replace(x, factor=x.factor * (scale.reshape(()) if scale.size == 1 else scale))


def _flatten(walk: Walk, node: NirNode, x: Value) -> Value:
    axes, ends = len(x.shape) - (walk.lines and len(x.shape) == 3), (pair(node, "start_dim", -9)[0], pair(node, "end_dim", -9)[0])
    if axes == 1:
        return x
    # In a file whose shapes have the axis of samples in front, axes are counted from there.
    start, end = (n - walk.batch if n > 0 else n for n in ends)
    if start % axes or end % axes != axes - 1:
        raise UnsupportedError(
            "only all axes of a sample can be flattened",
            where=node.where,
            got=f"axes {ends[0]} to {ends[1]} of {list(x.shape)}",
            expected="axes 0 to -1",
            do="NIR counts axes without that of the samples: write start_dim=0",
        )
    made = Flatten(walk.unique(node.name), (x.name,), (), source=node.where)
    return walk.add(made, x.factor.reshape(-1) if x.factor.ndim else x.factor)


def _delay(walk: Walk, node: NirNode, x: Value) -> Value:
    if why := walk.convention.refusal("Delay"):
        raise UnsupportedError(
            f"a Delay has no meaning in the convention '{walk.convention.name}'",
            where=node.where,
            got=why,
            expected="a graph without delays",
            do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
        )
    seconds = per_channel("delay", node.content.delay, x.shape, node.where)
    steps = seconds / walk.convention.dt
    whole = np.round(steps)
    wrong = (np.abs(steps - whole) > 1e-3) | (whole < 0) | (whole > MOST_DELAY)
    if wrong.any():
        raise ValueRangeError(
            "a delay is no number of steps",
            where=node.where,
            got=f"{seconds[np.argmax(wrong)]:g} with dt = {walk.convention.dt:g}",
            expected=f"0 to {MOST_DELAY} steps",
            do="give the dt that the network was trained with (--dt)",
        )
    made = Delay(walk.unique(node.name), (x.name,), (), tuple(int(n) for n in whole), source=node.where)
    return walk.add(made, x.factor)


def _neuron(walk: Walk, node: NirNode, x: Value) -> Value:
    names = walk.unique(node.name), walk.unique(f"{node.name}.scale")
    placed = x
    for made in neuron_nodes(node, names, x.shape, _by_channel(node, x, "scale"), x.name, walk.convention):
        placed = walk.add(made, np.ones(()))
    return placed


ROWS: Mapping[str, Callable[[Walk, NirNode, Value], Value]] = {
    "Input": _pass,
    "Output": _pass,
    "Affine": _linear,
    "Linear": _linear,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Scale": _scale,
    "Flatten": _flatten,
    "Delay": _delay,
    **dict.fromkeys((*NEURONS, "Threshold"), _neuron),
}
