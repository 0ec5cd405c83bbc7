"""A NIR file -> Network of the real stage, under a convention for its neurons.

Factors (Scale, the taps of a SumPool2d) travel on as a factor of the value until weights or a neuron's gain can take them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, UnsupportedError, UsageError, ValueRangeError
from snn2hw.formats.nir.convention import NEURONS, Convention, chosen_convention
from snn2hw.formats.nir.file import NirNode, read_nir
from snn2hw.formats.nir.parameters import array, padding, pair, per_channel, sizes
from snn2hw.formats.nir.read_neurons import neuron_nodes, with_state_ranges
from snn2hw.formats.sample import input_node, samples_array
from snn2hw.ir.delay import MOST_DELAY
from snn2hw.ir.network import (
    Delay,
    Feedback,
    Input,
    Network,
    Neuron,
    Node,
    Potential,
    Readout,
    Reals,
)
from snn2hw.ir.rules import check_network
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import Add, AvgPool2d, Conv2d, Flatten, Linear

MOST_VALUES = 1 << 22  # of one layer; every one of them is computed on the sample, and chips have a million


def from_nir(
    path: str | Path,
    steps: int | None = None,
    sample: npt.ArrayLike | None = None,
    convention: str | Convention | None = None,
    dt: float | None = None,
    input_range: tuple[float, float] | None = None,
) -> Network:
    """The network of a .nir file as equations.

    Args:
        path: of the file.
        steps: T, where the sample has no steps [N, ...]; None where it has [T, N, ...].
        sample: real samples; they say what the input is, and how far the states of the neurons reach.
        convention: how neurons are stepped: "norse", "sinabs", "snntorch", "lava", "rockpool", or a Convention.
        dt: seconds of a step, where it is not the convention's own.
        input_range: of real input, as in `snn2hw.compile`.

    Returns:
        Nodes are named as in the file, those of nested graphs 'graph.node'. The payload of a neuron counts its spikes; its state
        'u' is v, in units of v_threshold where gains or thresholds differ by channel; 'i' the current of CubaLI and CubaLIF.
        A neuron that does not fire has v as its payload, at every step. A recurrent edge is a step late.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what is not supported.
    """
    chosen = chosen_convention(convention, dt)
    nodes = read_nir(Path(path))
    if sample is None:
        raise UsageError(
            "a NIR file needs samples, which say how far its states reach",
            where=str(path),
            got="none",
            expected="real samples",
            do="give sample=x (--sample x.npy)",
        )
    x = samples_array(sample)
    source, t = input_node(x, steps, input_range)
    walk = _Walk(chosen, source, any(n.kind == "Conv1d" for n in nodes))
    for node in nodes:
        walk.visit(node)
    walk.end(nodes[-1])
    net = Network(t, tuple(walk.nodes.values()), (*chosen.stated, ("file", Path(path).name)))
    net = with_state_ranges(net, np.asarray(x, np.float64), chosen)
    check_network(net)
    return net


@dataclass(frozen=True)
class _Value:
    """What a NIR node's value is: `factor` (one for all [], or one for each) times that of the node `name`."""

    name: str
    shape: Shape
    factor: Reals


class _Walk:
    def __init__(self, convention: Convention, source: Input, lines: bool) -> None:
        self.convention, self.source, self.lines = convention, source, lines
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, _Value] = {}

    def placed(self, stated: Shape) -> Shape:
        """A shape of the file: the lines [C, L] of Conv1d are images [C, 1, L] here."""
        return (stated[0], 1, stated[1]) if self.lines and len(stated) == 2 else stated

    def visit(self, node: NirNode) -> None:
        nested = self.convention.nested_cycles and node.home is not None
        if nested:
            _check_cell(node, self.convention)
        if node.kind == "Feedback":
            if (why := self.convention.no_cycles) and not nested:
                raise UnsupportedError(
                    f"a recurrent edge has no meaning in the convention '{self.convention.name}'",
                    where=node.where,
                    got=why,
                    expected="a feed-forward graph",
                    do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
                )
            shape = self.placed(sizes(node, "output_type"))
            name = self.unique(node.name)
            self.nodes[name] = Feedback(name, node.sources, shape, source=node.where)
            self.values[node.name] = _Value(name, shape, np.ones(()))
            return
        if not node.sources:
            self.values[node.name] = self._input(node)
            return
        entering = self.values[node.sources[0]]
        for other in node.sources[1:]:
            entering = self._sum(node, entering, self.values[other])
        self.values[node.name] = _ROWS[node.kind](self, node, entering)

    def _input(self, node: NirNode) -> _Value:
        stated = self.placed(sizes(node, "input_type"))
        if stated != self.source.shape:
            raise ShapeError(
                "the sample does not fit the network's input",
                where=node.where,
                got=str(list(self.source.shape)),
                expected=str(list(stated)),
                do="give samples [T, N, ...] without steps, or [N, ...] with steps",
            )
        self.nodes[self.source.name] = replace(self.source, source=node.where)
        return _Value(self.source.name, stated, np.ones(()))

    def unique(self, name: str) -> str:
        """The node's own name, unless it is taken, as 'input' and 'readout' are."""
        while name in self.nodes or name == "readout":
            name += "_"
        return name

    def add(self, made: Node, factor: Reals) -> _Value:
        """Place a node once its shape is known; `factor` is what its value is still to be multiplied by."""
        shape = made.output_shape([self.nodes[i].shape for i in made.inputs])
        if prod(shape) > MOST_VALUES:
            most = f"at most {MOST_VALUES} values"
            raise ShapeError("the layer's shape is absurd", where=made.source, got=str(list(shape)), expected=most)
        assert made.name not in self.nodes, made.name
        self.nodes[made.name] = replace(made, shape=shape)
        return _Value(made.name, shape, factor)

    def end(self, node: NirNode) -> None:
        """The readout, of what the Output has."""
        for edge in [n for n in self.nodes.values() if isinstance(n, Feedback)]:
            self._close(edge, self.values[edge.inputs[0]])
        last = self.values[node.name]
        stated = sizes(node, "output_type")
        if stated != last.shape:
            raise ShapeError(
                "the output is not what the file states",
                where=node.where,
                got=str(list(last.shape)),
                expected=str(list(stated)),
                do="write the file again, for the input it was trained on",
            )
        if (last.factor != 1).any():
            raise UnsupportedError(
                "the network ends in a factor that no weight can take",
                where=node.where,
                got=f"a factor of {last.factor.ravel()[0]:g} from Scale or SumPool2d",
                expected="a synapse or a neuron behind every Scale and SumPool2d",
                do="put a Linear behind it, or leave it out",
            )
        self.add(Readout("readout", (last.name,), (), source=node.where), last.factor)
        for made in self.nodes.values():
            entering = [self.nodes[i] for i in made.inputs]
            if not isinstance(made, Readout) and (wide := [n for n in entering if _never_fires(n)]):
                raise UnsupportedError(
                    "a neuron that does not fire stands before the end",
                    where=wide[0].source,
                    got=f"its membrane enters {made.source}",
                    expected="the Output behind it: synapses take 8 bits, and a membrane has more",
                    do="end the graph there, or put a neuron that fires in its place",
                )

    def _close(self, edge: Feedback, source: _Value) -> None:
        """A recurrent edge, now that its neuron is there."""
        if source.shape != edge.shape:
            raise ShapeError(
                "a neuron with a recurrent edge does not state its own shape",
                where=edge.source,
                got=str(list(edge.shape)),
                expected=str(list(source.shape)),
                do="write its parameters with one value for each neuron",
            )
        self.nodes[edge.name] = replace(edge, inputs=(source.name,))

    def _sum(self, node: NirNode, a: _Value, b: _Value) -> _Value:
        if a.factor.shape != b.factor.shape or (a.factor != b.factor).any():
            raise UnsupportedError(
                "edges with different factors meet in a node",
                where=node.where,
                got=", ".join(node.sources),
                expected="the same Scale and SumPool2d on every edge",
                do="put a Linear, Affine or Conv2d behind each Scale and SumPool2d",
            )
        return self.add(Add(self.unique(f"{node.name}.sum"), (a.name, b.name), (), source=node.where), a.factor)


def _check_cell(node: NirNode, convention: Convention) -> None:
    """The nested graph around the node is a CubaLIF with a synapse from it back to it.

    Raises:
        UnsupportedError: it is another, or its synapse has a bias.
    """
    kinds = {name: type(inner).__name__ for name, inner in node.home.nodes.items()}
    by_kind = {kind: name for name, kind in kinds.items()}
    synapse, neuron = by_kind.get("Affine", by_kind.get("Linear", "")), by_kind.get("CubaLIF", "")
    first, last = by_kind.get("Input", ""), by_kind.get("Output", "")
    edges = {(first, neuron), (neuron, synapse), (synapse, neuron), (neuron, last)}
    if len(kinds) != 4 or set(node.home.edges) != edges:
        got = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) + f"; {len(node.home.edges)} edges"
    elif "Affine" in by_kind and np.any(node.home.nodes[synapse].bias):
        got = f"a bias in '{synapse}', which its importer drops"
    else:
        return
    raise UnsupportedError(
        f"this nested graph has no meaning in the convention '{convention.name}'",
        where=node.where,
        got=got,
        expected="a CubaLIF between Input and Output, and from it back to it a Linear, or an Affine without a bias",
        do="follow the convention of who wrote the file, or state one: Convention(dt=..., ...)",
    )


def _never_fires(node: Node) -> bool:
    return isinstance(node, Neuron) and isinstance(node.firing, Potential)


def _pass(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    """What enters is what leaves."""
    return x


def _by_channel(node: NirNode, x: _Value, what: str) -> Reals:
    """The factor as [1] or [C]."""
    return per_channel(what, x.factor, x.shape, node.where)


def _linear(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    weight = array(node, "weight", 2)
    bias = array(node, "bias", 1) if node.kind == "Affine" else np.zeros(len(weight))
    made = Linear(walk.unique(node.name), (x.name,), (), weight=weight, bias=bias, source=node.where)
    made.output_shape([x.shape])  # before the factor is taken, which then fits
    return walk.add(replace(made, weight=weight * x.factor), np.ones(()))


def _conv(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    """A Conv1d is a Conv2d over one row."""
    line = node.kind == "Conv1d"
    weight, bias = array(node, "weight", 3 if line else 4), array(node, "bias", 1)
    weight = weight[:, :, None] if line else weight
    groups = pair(node, "groups", 1)[0]
    if len(weight) % groups:
        raise ShapeError(
            "the channels do not divide into the groups", where=node.where, got=f"{len(weight)}", expected=f"k * {groups}"
        )
    kernel, dilation = (int(weight.shape[2]), int(weight.shape[3])), pair(node, "dilation", 1)
    pads = padding(node, kernel, dilation)
    window = Window(kernel, pair(node, "stride", 1), (0, pads[1]) if line else pads, dilation)
    made = Conv2d(walk.unique(node.name), (x.name,), (), weight, bias, window, groups, source=node.where)
    made.output_shape([x.shape])
    factor = np.broadcast_to(_by_channel(node, x, "scale"), x.shape[:1]).reshape(groups, 1, -1)
    scaled = weight.reshape(groups, len(weight) // groups, -1, *kernel) * factor[..., None, None]
    return walk.add(replace(made, weight=scaled.reshape(weight.shape)), np.ones(()))


def _pool(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    """A sum is the mean times the number of taps, padding counted as zeros in both."""
    kernel = pair(node, "kernel_size", 1)
    factor = _by_channel(node, x, "scale") if x.factor.ndim else x.factor
    window = Window(kernel, pair(node, "stride", 1), pair(node, "padding", 0))
    placed = walk.add(AvgPool2d(walk.unique(node.name), (x.name,), (), window, source=node.where), np.ones(()))
    if factor.ndim:
        factor = np.broadcast_to(factor[:, None, None], placed.shape)
    return replace(placed, factor=factor * (prod(kernel) if node.kind == "SumPool2d" else 1))


def _scale(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    scale = np.array(node.content.scale, np.float64)
    scale = scale.reshape(walk.placed(scale.shape))
    if scale.size != 1 and scale.shape != x.shape:
        raise ShapeError(
            "the scale does not fit what enters", where=node.where, got=str(list(scale.shape)), expected=str(list(x.shape))
        )
    return replace(x, factor=x.factor * (scale.reshape(()) if scale.size == 1 else scale))


def _flatten(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    axes, ends = len(x.shape) - (walk.lines and len(x.shape) == 3), (pair(node, "start_dim", -9)[0], pair(node, "end_dim", -9)[0])
    if axes == 1:
        return x
    if ends[0] % axes or ends[1] % axes != axes - 1:
        raise UnsupportedError(
            "only all axes of a sample can be flattened",
            where=node.where,
            got=f"axes {ends[0]} to {ends[1]} of {list(x.shape)}",
            expected="axes 0 to -1",
            do="NIR counts axes without that of the samples: write start_dim=0",
        )
    made = Flatten(walk.unique(node.name), (x.name,), (), source=node.where)
    return walk.add(made, x.factor.reshape(-1) if x.factor.ndim else x.factor)


def _delay(walk: _Walk, node: NirNode, x: _Value) -> _Value:
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


def _neuron(walk: _Walk, node: NirNode, x: _Value) -> _Value:
    names = walk.unique(node.name), walk.unique(f"{node.name}.scale")
    placed = x
    for made in neuron_nodes(node, names, x.shape, _by_channel(node, x, "scale"), x.name, walk.convention):
        placed = walk.add(made, np.ones(()))
    return placed


_ROWS: Mapping[str, Callable[[_Walk, NirNode, _Value], _Value]] = {
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
