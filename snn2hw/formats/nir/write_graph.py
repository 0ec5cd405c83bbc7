"""The visible graph while it grows: nodes with their part of the exact network, edges, and what each integer node has become."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.file import KEY
from snn2hw.formats.nir.write_scales import Scales, ratio
from snn2hw.ir.document import Arrays, node_document
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron, IntNode
from snn2hw.ir.network import Reals
from snn2hw.ir.shapes import Shape
from snn2hw.layers import IntAdd

_LATER = "\n"  # marks what a node fired a step before; no name in the graph has it


class NirWriter:
    """`made` and `edges` of the graph, the parts of nodes that are not in it, and what visible nodes are only in part.

    `layers`: by visible node, the integer node that it is.
    `ends`: by integer node, the visible nodes whose sum it is, each with the factor that is still to be taken.
    """

    def __init__(self, net: IntegerNetwork, convention: Convention) -> None:
        self.net, self.convention, self.scales = net, convention, Scales(net, convention)
        self.position = {n.name: i for i, n in enumerate(net.nodes)}
        self.made: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.ends: dict[str, dict[str, Reals]] = {}
        self.layers: dict[str, str] = {}
        self.others: dict[str, dict[str, Any]] = {}
        self.approximations: dict[str, str] = {}

    def exact(self, node: IntNode) -> dict[str, Any]:
        """The part of the network's JSON form that is this node, with its arrays."""
        arrays: Arrays = {}
        text = json.dumps(node_document(node, arrays), allow_nan=False)
        own = {key.removeprefix(f"{node.name}."): value for key, value in arrays.items()}
        name = json.dumps(node.name)  # HDF5's strings end at a NUL
        return {"position": self.position[node.name], "name": name, "text": text, "arrays": own}

    def hide(self, node: IntNode) -> None:
        """A node in the metadata only."""
        self.others[str(self.position[node.name])] = self.exact(node)

    def join(self, node: IntAdd) -> None:
        """Branches that meet where the join is read; NIR sums them."""
        scale = self.scales.of(node.name)
        ends: dict[str, Reals] = {}
        for name, shift in zip(node.inputs, node.shifts, strict=True):
            for end, factor in self.ends[name].items():
                more = factor * ratio(scale * 2.0**shift, self.scales.of(name))
                ends[end] = ends[end] + more if end in ends else more
        self.ends[node.name] = ends
        self.hide(node)

    def align(self, node: IntNeuron, factors: Reals) -> None:
        """Channels brought to one binary point: the same real values, of which others see nothing new."""
        moved = ratio(self.scales.of(node.name) * factors, self.scales.of(node.inputs[0]))
        self.ends[node.name] = {end: factor * moved for end, factor in self.ends[node.inputs[0]].items()}
        self.hide(node)

    def feedback(self, node: IntFeedback) -> None:
        """What a neuron fired a step before; `nir_late` makes edges of it once the neuron is placed."""
        self.ends[node.name] = {f"{_LATER}{node.inputs[0]}": np.ones(1)}
        self.hide(node)

    def edges_of_neurons(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """(edges, edges that are a step late), once every node is placed."""
        plain = [(a, b) for a, b in self.edges if not a.startswith(_LATER)]
        late = [(next(iter(self.ends[a.removeprefix(_LATER)])), b) for a, b in self.edges if a.startswith(_LATER)]
        return plain, late

    def approximate(self, visible: str, lost: str) -> None:
        """Say besides what the visible node of a layer is not of the exact one."""
        layer, part = self.layers[visible], self.made[visible].metadata[KEY]
        part["approximation"] = self.approximations[layer] = "; ".join([*filter(None, [self.approximations.get(layer)]), lost])

    def place(self, node: IntNode, made: Any, *, called: str = "", factor: Reals | None = None, lost: str = "") -> None:
        """A visible node with the exact one in its metadata, fed by what the node reads, times `factor`.

        Args:
            made: the node of the `nir` package. called: its name in the file, '' for the layer's.
            lost: what the visible node is not of the exact one, in words; '' for nothing.
        """
        made.metadata[KEY] = self.exact(node)
        name = self.add(called or node.name, made)
        self.layers[name] = node.name
        if lost:
            self.approximate(name, lost)
        for source in node.inputs:
            self.feed(name, self.ends[source], self.scales.nodes[source].shape, factor)
        self.ends[node.name] = {name: np.ones(1)}

    def add(self, wanted: str, made: Any) -> str:
        """Enter a node under a free name."""
        name = self.free(wanted)
        self.made[name] = made
        return name

    def free(self, wanted: str) -> str:
        """A name without the characters that HDF5 and other frameworks take for paths, and new."""
        name = re.sub(r"\W", "_", wanted) or "_"
        while name in self.made:
            name += "_"
        return name

    def feed(self, to: str, ends: dict[str, Reals], shape: Shape, factor: Reals | None = None) -> None:
        """Edges from the visible nodes, through a Scale where a factor is to be taken.

        Args:
            to: name of the node that is fed. ends: name of each visible node that feeds it -> what its value is
                multiplied by.
            shape: of what the edges carry, [C, ...].
        """
        import nir

        for end, own in ends.items():
            name, total = end, own if factor is None else own * factor
            if not np.allclose(total, 1, rtol=1e-9, atol=0):
                name = self.add(f"{end}_scale", nir.Scale(full(total, shape)))
                self.made[name].metadata[KEY] = {"part_of": to}
                self.edges.append((end, name))
            self.edges.append((name, to))


def full(values: Reals, shape: Shape) -> npt.NDArray[np.float32]:
    """One value for all, or one per channel, as an array of the layer."""
    return np.broadcast_to(values.reshape(-1, *(1,) * (len(shape) - 1)), shape).astype(np.float32)
