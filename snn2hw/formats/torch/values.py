"""The nodes that a model has become so far, and how layers and additions read views of their values."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import torch

from snn2hw.errors import UnsupportedError
from snn2hw.formats.torch.products import multiplied
from snn2hw.formats.torch.views import Placed, Product, View, counted
from snn2hw.ir.network import EquationNeuron, Feedback, Input, Neuron, Node
from snn2hw.ir.rules import no_payload
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MatMul,
    Places,
)
from snn2hw.nn.base import Neuron as TorchNeuron
from snn2hw.nn.custom import CustomNeuron

Read = Callable[[str, "tuple[int, ...]"], Any]  # input, its shape -> the layer's node, or nodes one behind another


class Values:
    """Nodes by name, in order of evaluation.

    Args:
        source: the input. modules: paths of the model's modules; nothing but their own layers is called by one of them.
    """

    def __init__(self, source: Input, modules: Collection[str] = ()) -> None:
        self.nodes: dict[str, Node] = {}
        self.source, self.modules = source, modules
        self._made: dict[tuple[Product, float], str] = {}
        self._factors: dict[tuple[str, float], str] = {}

    def unique(self, path: str, *, layer: bool = False) -> str:
        """A name for what the layer or operation of this path computes, this time: path, path#2, path#3 and so on, but
        none that a module has for itself, which may well be called add, readout or fc#2."""
        if self._free(path) and (layer or path not in self.modules):
            return path
        names = (f"{path}#{n}" for n in count(2))
        return next(name for name in names if self._free(name) and name not in self.modules)

    def _free(self, name: str) -> bool:
        """Whether no node has it, nor is a part of a layer of this name."""
        return name not in self.nodes and not any(n.startswith(f"{name}.") for n in self.nodes)

    def add(self, made: Node, lead: tuple[int, ...]) -> View:
        """Enter a node, with its shape; the view of its value as it is."""
        entering = [] if isinstance(made, Feedback) else [self.nodes[i].shape for i in made.inputs]
        shaped = replace(made, shape=made.output_shape(entering))
        self.nodes[made.name] = shaped
        return View(lead, (Placed(made.name, shaped.shape),))

    def settled(self, way: Placed, factor: float) -> str:
        """The name of the node: of a product, as it is read here; of a value with a factor, one that is scaled by it.

        Raises:
            UnsupportedError: a product of what is no payload.
        """
        if isinstance(way.source, str):
            return way.source if factor == 1.0 else self._scaled(way.source, factor)
        p = way.source
        size = (way.seen[1], way.seen[2]) if way.is_map and len(way.seen) == 3 else p.size
        key = replace(p, size=size), factor
        if key not in self._made:
            for name in p.inputs:
                if (wrong := no_payload(name, self.nodes)) is not None:
                    raise UnsupportedError(
                        "a product of what no neuron fired",
                        where=p.path,
                        got=wrong.source or wrong.name,
                        expected="spikes, or pools, sums and products of spikes",
                        do="put a neuron behind it",
                    )
            name = self.unique(p.path)
            self.add(MatMul(name, p.inputs, (), p.heads, p.transposed, size, factor, source=f"{p.path} (@)"), ())
            self._made[key] = name
        return self._made[key]

    def _scaled(self, name: str, factor: float) -> str:
        """A value times a number: a BatchNorm without a shift, which goes into the weights beside it."""
        if (name, factor) not in self._factors:
            node = self.nodes[name]
            scale, made = np.full(node.shape[0], factor), self.unique(f"{name}.scaled")
            self.add(BatchNorm(made, (name,), (), scale, np.zeros_like(scale), source=f"{node.source}, times {factor:g}"), ())
            self._factors[name, factor] = made
        return self._factors[name, factor]

    def multiplied(self, x: View, y: View, path: str) -> View:
        """x @ y; it becomes a node where it is read. Arguments as `products.multiplied`."""
        return multiplied(x, y, path, self.settled)

    def read(self, x: View, kind: type, read: Read, path: str, *, along: bool = False) -> View:
        """What a layer makes of a view whose axes are those it reads.

        Args:
            x: what enters. read: makes the node from the name and the shape of its input. path: of the layer, for
                messages.
            kind: the layer, one of LAYERS. along: whether it runs along a signal [T, N, C, L], and sees several of its places.

        Raises:
            UnsupportedError: other axes, or a factor that the layer would have to take.
        """
        if kind is torch.nn.Linear:
            return self._linear(x, read, path)
        if kind in (TorchNeuron, CustomNeuron):
            return self._elementwise(x, read)
        signal = along or kind in (torch.nn.BatchNorm1d, torch.nn.Conv1d)
        way = next((w for w in x.ways if w.is_map and (len(w.seen) == 2 or not along)), None)
        if kind is torch.nn.Flatten:  # whose order is that of the value, whatever the axes
            way = next((w for w in x.ways if w.is_row), None)
        if way is None and signal:
            way = next((w for w in x.ways if w.is_channels_first and len(w.seen) == 2), None)
        if way is None:
            raise _axes(x, path, "[T, N, C, L]" if signal else "[T, N, C, H, W]")
        name, flat = self.settled(way, x.factor), len(way.seen) == 2
        if along or (kind is torch.nn.Conv1d and len(self.nodes[name].shape) == 2):
            name = self._signal(name, way)
        made = self.entered(read(name, self.nodes[name].shape), x.lead)
        return made.each(lambda numbers: numbers.reshape(len(numbers), -1)) if flat and len(made.ways[0].seen) == 3 else made

    def entered(self, nodes: Node | tuple[Node, ...], lead: tuple[int, ...]) -> View:
        """The view of a layer's value; of one that is several nodes, one behind another, that of the last."""
        *before, last = nodes if isinstance(nodes, tuple) else (nodes,)
        for node in before:
            self.add(node, ())
        return self.add(last, lead)

    def _signal(self, name: str, way: Placed) -> str:
        """A signal [C, L] as an image [C, 1, L], along which kernels run."""
        length = way.seen[1]
        if self.nodes[name].shape == (way.channels, 1, length):
            return name
        source = f"{self.nodes[name].source}, as a signal"
        made = Places(self.unique(f"{name}.signal"), (name,), (), (1, length), source=source)
        self.add(made, ())
        return made.name

    def _elementwise(self, x: View, read: Read) -> View:
        """A neuron, whose constants for each channel, if it has any, are along axis 2."""
        way = min(x.ways, key=lambda w: (not w.is_map, not w.is_channels_first, not w.is_tokens))
        name = self.settled(way, x.factor)
        node = read(name, self.nodes[name].shape)
        assert isinstance(node, Neuron | EquationNeuron)
        channels = node.channels if isinstance(node, EquationNeuron) else len(node.coefficients)
        if channels > 1 and not way.is_channels_first:
            raise _axes(x, node.source, "[T, N, C, ...], for coefficients of each channel")
        if len(x.lead) == 1:
            raise _axes(x, node.source, "[T, N, ...], the steps as an axis of their own")
        made = self.add(node, x.lead)
        return made if way.is_map else made.each(lambda _: way.numbers)

    def _linear(self, x: View, read: Read, path: str) -> View:
        """Over all values of a sample; over the channels of every place, which is a convolution by one place."""
        row = next((w for w in x.ways if len(w.seen) == 1 and w.is_row), None)
        if row is not None:
            name = self.row(row, x.factor)
            return self.add(read(name, self.nodes[name].shape), x.lead)
        tokens = next((w for w in x.ways if len(w.shape) == 3 and w.is_tokens), None)
        if tokens is None:
            way = next((w for w in x.ways if w.order is None), None)
            if way is None:
                raise _axes(x, path, "[T, N, F], or [T, N, L, C] with all places in order")
            name = self.settled(way, x.factor)
            return self.add(read(name, self.nodes[name].shape), x.lead)  # which says what does not fit
        name = self.settled(tokens, x.factor)
        node = read(name, (tokens.channels,))
        assert isinstance(node, Linear)
        node.output_shape([(tokens.channels,)])  # which says so if it is another number of features
        window = Window((1, 1))
        conv = Conv2d(node.name, (name,), (), node.weight[:, :, None, None], node.bias, window, 1, source=node.source)
        made, before = self.add(conv, x.lead), tokens.seen[:-1]
        return made.each(lambda numbers: numbers.reshape(len(numbers), -1).T.reshape(*before, len(numbers)))

    def row(self, way: Placed, factor: float) -> str:
        """All values of a sample on one axis."""
        name = self.settled(way, factor)
        if len(self.nodes[name].shape) > 1:
            flat = Flatten(self.unique(f"{name}.flat"), (name,), (), source=f"{self.nodes[name].source}, flattened")
            self.add(flat, ())
            name = flat.name
        return name

    def averaged(self, x: View, axes: tuple[int, ...], keep: bool, name: str, source: str) -> View | None:
        """The mean over all places; None where the axes are others.

        Args:
            x: of an image [.., C, H, W] in some order. axes: those that go, as torch counts them. keep: whether they
                stay as 1.
            name, source: of the pool that it becomes; `source` is its place in the model.
        """
        axes = tuple(sorted(d % len(x.shape) - len(x.lead) for d in axes))
        for way in (w for w in x.ways if len(w.shape) == 3 and axes[0] >= 0):
            kept = [d for d in range(len(way.seen)) if d not in axes]
            numbers = way.numbers.transpose([*kept, *axes]).reshape([way.seen[d] for d in kept] + [-1])
            if np.array_equal(numbers, counted(way.channels, way.places)):
                entering = self.settled(way, x.factor)
                _, height, width = self.nodes[entering].shape
                pool = AvgPool2d(name, (entering,), (), Window((height, width), (height, width)), source=source)
                seen = [1 if d in axes else n for d, n in enumerate(way.seen)] if keep else [way.channels]
                made = self.add(pool, x.lead)
                return replace(made, ways=(replace(made.ways[0], order=counted(*seen)),))
        return None


def _axes(x: View, where: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        "the axes of this value are not those that the layer reads",
        where=where,
        got=str(x),
        expected=expected,
        do="reshape or transpose it before the layer",
    )
