"""What NIR, and the package nir, have a node for, asked of a network before any of it is written."""

from __future__ import annotations

from snn2hw.errors import UnsupportedError
from snn2hw.formats.nir.aligned import alignment
from snn2hw.formats.nir.write_delay import delays
from snn2hw.formats.nir.write_layers import LAYERS
from snn2hw.formats.nir.write_neuron import tangent
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron, IntNode
from snn2hw.lack import Lack
from snn2hw.layers import IntAdd, IntConv2d, IntMatMul, IntMaxPool2d, IntSumPool2d
from snn2hw.layers.add import PLUS

ELSE = "export to C, or use model.onnx"


def kinds() -> tuple[type[IntNode], ...]:
    """What NIR has a node for: every layer with a row in the table, and what is an edge, or several edges into one node."""
    return (*LAYERS, IntAdd, IntFeedback)


def nir_lacks(net: IntegerNetwork) -> list[Lack]:
    """Every layer for which there is no node, of those whose values reach the readout."""
    known = {n.name: n for n in net.nodes}
    reached = reaching(net)
    return [lack for n in net.nodes if n.name in reached for lack in _of(n, known)]


def _of(node: IntNode, known: dict[str, IntNode]) -> list[Lack]:
    if isinstance(node, IntNeuron):
        if alignment(node) is not None or delays(node.program) is not None:
            return []
        try:
            tangent(node, known[node.inputs[0]])
        except UnsupportedError as error:
            return [Lack.of(error)]
        return []
    lack = node_lack(node)
    return [] if lack is None else [lack]


def node_lack(node: IntNode) -> Lack | None:
    """What is missing for a node other than a neuron; None where there is a node for it."""
    where = node.source or node.name
    if isinstance(node, IntMatMul):
        known = "Conv2d, Linear, pools, additions and neurons"
        return Lack(where, "NIR has no node for a product of what two layers fire", "MatMul", known, ELSE)
    if type(node) not in kinds():
        names = ", ".join(k.__name__.removeprefix("Int") for k in kinds())
        return Lack(where, "NIR has no node for this layer", type(node).__name__.removeprefix("Int"), names, ELSE)
    if isinstance(node, IntAdd) and node.signs != PLUS:
        what = "NIR joins edges by adding them, and has no difference"
        return Lack(where, what, "x - y", "x + y, or weights of the other sign", ELSE)
    if isinstance(node, IntConv2d) and (node.window.kernel[0] - node.window.kernel[1]) % 2:
        kh, kw = node.window.kernel
        return Lack(
            where,
            "the nir package cannot infer the shape behind this convolution",
            f"a kernel of {kh}x{kw}",
            "height and width equal, or an even number apart",
            ELSE,
        )
    if isinstance(node, IntSumPool2d | IntMaxPool2d) and node.window.dilation != (1, 1):
        return Lack(where, "NIR's pools have no dilation", f"dilation {node.window.dilation}", "(1, 1)", ELSE)
    return None


def reaching(net: IntegerNetwork) -> set[str]:
    """The nodes whose values reach the readout; no other has a place in the graph."""
    read, before = {net.readout.name}, set[str]()
    while read != before:  # again for what a feedback reads
        before = set(read)
        for node in reversed(net.nodes):
            read |= set(node.inputs) if node.name in read else set()
    return read
