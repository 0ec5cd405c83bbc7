"""A NIR file -> float Network, under a convention for its neurons.

Factors (Scale, the taps of a SumPool2d) travel on as a factor of the value until weights or a neuron's gain can take them.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, UnsupportedError, UsageError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.file import FIRING, NirNode, input_axes, read_nir
from snn2hw.formats.nir.own_synapses import with_own_synapses
from snn2hw.formats.nir.parameters import sizes, without_batch
from snn2hw.formats.nir.presets import chosen_convention, said
from snn2hw.formats.nir.read_layers import ROWS, Value
from snn2hw.formats.nir.state_ranges import with_state_ranges
from snn2hw.formats.nir.unsaid import warn_of_unsaid
from snn2hw.formats.sample import input_node, stored_or_array
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
from snn2hw.ir.shapes import Shape
from snn2hw.layers import Add, Synapse

MOST_VALUES = 1 << 22  # of one layer; every one of them is computed on the sample, and chips have a million


def from_nir(
    path: str | Path,
    steps: int | None = None,
    sample: npt.ArrayLike | None = None,
    convention: str | Convention | None = None,
    dt: float | None = None,
    input_range: tuple[float, float] | None = None,
    **stated: Any,
) -> Network:
    """The network of a .nir file as equations.

    Args:
        path: of the file.
        steps: T, where the sample has no steps [N, ...]; None where it has [T, N, ...].
        sample: real samples; they say what the input is, and how far the states of the neurons reach. Of an array on disk, or
            samples of `snn2hw.open_samples`, a part is in memory at a time.
        convention: how neurons are stepped: "norse", "sinabs", "snntorch", "lava", "rockpool", "spikingjelly", or a Convention.
        dt: seconds of a step, where it is not the convention's own; alone it is NIR's own equation under Euler.
        stated: fields of the convention in place of its own, by name: reset="subtract", when="next".
        input_range: of real input, as in `snn2hw.compile`.

    Returns:
        Nodes are named as in the file, those of nested graphs 'graph.node'. What a neuron sends counts its spikes; its state
        'u' is v, in units of v_threshold where gains or thresholds differ by channel; 'i' the current of CubaLI and CubaLIF.
        A neuron that does not fire has v as its spike value, at every step. A recurrent edge is a step late.

    Warns:
        Snn2hwWarning: of what the files of this writer do not carry, and what would differ on the sample.

    Raises:
        Snn2hwError: a file that cannot be read, or that asks for what is not supported.
    """
    chosen = chosen_convention(convention, dt, **stated)
    nodes = read_nir(Path(path))
    if sample is None:
        raise UsageError(
            "a NIR file needs samples, which say how far its states reach",
            where=str(path),
            got="none",
            expected="real samples",
            do="give sample=x (--sample x.npy)",
        )
    x = stored_or_array(sample)
    source, t = input_node(x, steps, input_range)

    def read(meant: Convention) -> Network:
        walk = Walk(meant, source, any(n.kind == "Conv1d" for n in nodes), input_axes(nodes, len(source.shape)))
        for node in nodes:
            walk.visit(node)
        walk.end(nodes[-1])
        net = Network(t, tuple(with_own_synapses(walk.nodes).values()), (*said(meant), ("file", Path(path).name)))
        return with_state_ranges(net, x, meant)

    net = read(chosen)
    check_network(net)
    warn_of_unsaid(nodes, chosen, net, x, read, str(path))
    return net


class Walk:
    """The nodes of the file, one after the other, as nodes of the float network."""

    def __init__(self, convention: Convention, source: Input, lines: bool, axes: int) -> None:
        self.convention, self.source, self.lines, self.axes = convention, source, lines, axes
        self.batch = 0  # axes of the stated input that are none of a sample
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, Value] = {}
        self.back: set[str] = set()  # recurrent edges, and all that is made of nothing but what they bring

    def placed(self, stated: Shape) -> Shape:
        """A shape of the file: the lines [C, L] of Conv1d are images [C, 1, L] here."""
        return (stated[0], 1, stated[1]) if self.lines and len(stated) == 2 else stated

    def visit(self, node: NirNode) -> None:
        """Place a node behind those that it reads."""
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
            self.values[node.name] = Value(name, shape, np.ones(()))
            self.back.add(node.name)
            return
        if not node.sources:
            self.values[node.name] = self._input(node)
            return
        entering = self.values[node.sources[0]]
        for other in node.sources[1:]:
            entering = self._sum(node, entering, self.values[other])
        if self.back.issuperset(node.sources) and node.kind not in FIRING:
            self.back.add(node.name)
        self.values[node.name] = ROWS[node.kind](self, node, entering)

    def _input(self, node: NirNode) -> Value:
        whole = sizes(node, "input_type")
        own = without_batch(whole, self.axes)
        self.batch = len(whole) - len(own)
        stated = self.placed(own)
        if stated != self.source.shape:
            raise ShapeError(
                "the sample does not fit the network's input",
                where=node.where,
                got=str(list(self.source.shape)),
                expected=str(list(stated)),
                do="give samples [T, N, ...] without steps, or [N, ...] with steps",
            )
        self.nodes[self.source.name] = replace(self.source, source=node.where)
        return Value(self.source.name, stated, np.ones(()))

    def unique(self, name: str) -> str:
        """The node's own name, unless it is taken, as 'input' and 'readout' are."""
        while name in self.nodes or name == "readout":
            name += "_"
        return name

    def add(self, made: Node, factor: Reals) -> Value:
        """Place a node once its shape is known; `factor` is what its value is still to be multiplied by."""
        shape = made.output_shape([self.nodes[i].shape for i in made.inputs])
        if prod(shape) > MOST_VALUES:
            most = f"at most {MOST_VALUES} values"
            raise ShapeError(
                "the layer's shape is absurd",
                where=made.source,
                got=str(list(shape)),
                expected=most,
                do="check the sizes that the file states for this layer; it cannot be this large",
            )
        assert made.name not in self.nodes, made.name
        self.nodes[made.name] = replace(made, shape=shape)
        return Value(made.name, shape, factor)

    def synapse(self, node: NirNode, made: Synapse) -> Value:
        """Place a synapse; on a recurrent edge its bias begins with the second step, where the convention says so."""
        if not (self.convention.late_synapses and node.name in self.back and made.bias.any()):
            return self.add(made, np.ones(()))
        one = np.ones(())
        plain = self.add(replace(made, bias=np.zeros_like(made.bias)), one)
        constant = self.add(replace(made, name=self.unique(f"{node.name}.bias"), weight=np.zeros_like(made.weight)), one)
        late = Delay(self.unique(f"{node.name}.late"), (constant.name,), (), (1,), source=node.where)
        return self._sum(node, plain, self.add(late, one))

    def end(self, node: NirNode) -> None:
        """The readout, of what the Output has."""
        for edge in [n for n in self.nodes.values() if isinstance(n, Feedback)]:
            self._close(edge, self.values[edge.inputs[0]])
        last = self.values[node.name]
        stated = without_batch(sizes(node, "output_type"), len(last.shape))
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

    def _close(self, edge: Feedback, source: Value) -> None:
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

    def _sum(self, node: NirNode, a: Value, b: Value) -> Value:
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
