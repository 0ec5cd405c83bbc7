"""Who sends spikes to whom: the populations of a network, and the connections between them.

    population   input    values that enter from outside; on no core
                 neuron   a layer of neurons
                 readout  the sums that leave, kept on a core from step to step
                 relay    values without a state that a core must compute all the same: a maximum, a product of spikes, or
                          sums that another layer with weights reads
    connection   from one population to another, through layers that move or add values and one layer with weights at most

A layer that only moves or adds values (Flatten, an addition, a sum over neighbours) needs no core: a pool in front of a
convolution makes the connections of the convolution larger. A layer that nothing is known of here is a relay that reads all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from snn2hw.estimation.axes import (
    Axes,
    Axis,
    Counts,
    Shape3,
    after,
    everything,
    grouped,
    offset,
    product,
    reshaped,
    resized,
    same,
    shape3,
    shape_of,
    slid,
    turned,
)
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
    IntSynapse,
)
from snn2hw.shown import brief


@dataclass(frozen=True, eq=False)
class Population:
    """Values that a core computes, or that enter from outside.

    Args:
        name: of the node. kind: input, neuron, readout or relay. shape: of the node.
        view: its values in the same order as [C, H, W], in which its connections are products of axes.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    view: Shape3
    node: IntNode

    __repr__ = brief

    @property
    def size(self) -> int:
        """How many values there are."""
        return prod(self.shape)

    @property
    def where(self) -> str:
        """As a message names it."""
        return self.node.source or self.node.name


@dataclass(frozen=True, eq=False)
class Connection:
    """Who in `source` is read by whom in `target`.

    Args:
        axes: from the target's view to the source's, one relation for channels, rows and columns.
        synapse: the layer with weights; None where values are only moved or added.
        through: the layers on the way, from the target to the source.
        exact: false where more is counted than is there, because a product of axes cannot say it.
    """

    source: str
    target: str
    axes: Axes
    synapse: IntSynapse | None = None
    through: tuple[IntNode, ...] = ()
    exact: bool = True

    __repr__ = brief

    @property
    def pairs(self) -> int:
        """Pairs of a value that sends and one that reads it; padding is none."""
        return prod(int(a.reads().sum()) for a in self.axes)

    def fan_in(self) -> Counts:
        """[C, H, W]: how many values of the source each one of the target reads."""
        found: Counts = product([a.reads() for a in self.axes])
        return found

    def fan_out(self) -> Counts:
        """[C, H, W]: how many values of the target read each one of the source."""
        found: Counts = product([a.is_read() for a in self.axes])
        return found


# Of a layer and the shapes that enter: from its output to each input, and whether that is exact. A layer without a row is a
# relay that reads all of its inputs.
Rule = Callable[[IntNode, Sequence[Shape3]], list[tuple[Axes, bool]]]


def _unmoved(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    return [(same(shape3(node.shape)), True) for _ in inputs]


def _linear(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    return [(everything(shape3(node.shape), inputs[0]), True)]


def _conv(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    assert isinstance(node, IntConv2d)
    rows, columns = slid(node.window, inputs[0][1:])
    return [((grouped(node.shape[0], inputs[0][0], node.groups), rows, columns), True)]


def _pool(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    assert isinstance(node, IntSumPool2d | IntMaxPool2d)
    rows, columns = slid(node.window, inputs[0][1:])
    return [((Axis(node.shape[0], node.shape[0], same=True), rows, columns), True)]


def _resize(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    assert isinstance(node, IntResize2d)
    c, h, w = inputs[0]
    sizes = zip((h, w), node.factor, node.tail, strict=True)
    rows, columns = (resized(n, factor, tail, zeros=node.zeros) for n, factor, tail in sizes)
    return [((Axis(c, c, same=True), rows, columns), True)]


def _concat(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    total, first, found = node.shape[0], 0, list[tuple[Axes, bool]]()
    for c, h, w in inputs:
        found.append(((offset(total, c, first), Axis(h, h, same=True), Axis(w, w, same=True)), True))
        first += c
    return found


def _moved(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    """The same values in their order, in another shape: `reshaped` has seen to it, as the shape that enters is told apart."""
    return [reshaped(same(shape3(node.shape)), inputs[0])]


def _matmul(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
    assert isinstance(node, IntMatMul)
    to, (a, b) = shape3(node.shape), inputs
    places = same(to)[1:] if b[1:] == to[1:] else everything(to, b)[1:]
    first = grouped(to[0], a[0], node.heads) if node.transposed == "first" else Axis(to[0], a[0], same=True)
    of_a = (first, *everything(to, a)[1:])
    of_b = (grouped(to[0], b[0], node.heads), *(everything(to, b)[1:] if node.transposed == "second" else places))
    return [(of_a, node.transposed != "first"), (of_b, node.transposed != "second" and b[1:] == to[1:])]


LAYERS: dict[type[IntNode], Rule] = {
    IntAdd: _unmoved,
    IntConcat: _concat,
    IntConv2d: _conv,
    IntFlatten: _moved,
    IntLinear: _linear,
    IntMatMul: _matmul,
    IntMaxPool2d: _pool,
    IntMultiply: _unmoved,
    IntOffset: _unmoved,
    IntPlaces: _moved,
    IntResize2d: _resize,
    IntSumPool2d: _pool,
    IntNeuron: _unmoved,
    IntReadout: _unmoved,
    IntFeedback: _unmoved,
}
RELAYS = (IntMaxPool2d, IntMultiply, IntMatMul)


def _is_relay(node: IntNode) -> bool:
    ends = isinstance(node, IntInput | IntNeuron | IntReadout | IntFeedback)
    return isinstance(node, RELAYS) or (not ends and type(node) not in LAYERS)


@dataclass(frozen=True, eq=False)
class Graph:
    """The populations of a network, in order, and the connections between them."""

    populations: Mapping[str, Population]
    connections: tuple[Connection, ...]

    __repr__ = brief

    def into(self, name: str) -> list[Connection]:
        """The connections that end in a population."""
        return [c for c in self.connections if c.target == name]

    def out_of(self, name: str) -> list[Connection]:
        """The connections that start in a population."""
        return [c for c in self.connections if c.source == name]


def graph(net: IntegerNetwork) -> Graph:
    """The populations and connections of a network; nothing is listed neuron by neuron."""
    return _Walk(net).graph()


@dataclass
class _Walk:
    net: IntegerNetwork
    found: dict[str, Population] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {n.name: n for n in self.net.nodes}
        self.kinds = {n.name: kind for n in self.net.nodes if (kind := self._kind(n))}
        for node in self.net.nodes:  # sums that a layer with weights, or a relay, reads
            if isinstance(node, IntSynapse) or node.name in self.kinds:
                self._mark(node)

    def _kind(self, node: IntNode) -> str:
        kinds = {IntInput: "input", IntNeuron: "neuron", IntReadout: "readout"}
        own = next((kind for of, kind in kinds.items() if isinstance(node, of)), "")
        return own or ("relay" if _is_relay(node) else "")

    def _mark(self, node: IntNode) -> None:
        """Make relays of the sums that are read by what is no sum of weights itself."""
        waiting = [*node.inputs] if not isinstance(node, IntNeuron | IntReadout) else []
        seen = set[str]()
        while waiting:
            name = waiting.pop()
            source = self.known[name]
            if name in seen or name in self.kinds:
                continue
            seen.add(name)
            if isinstance(source, IntSynapse):
                self.kinds[name] = "relay"
            else:
                waiting += source.inputs

    def graph(self) -> Graph:
        connections = list[Connection]()
        for node in self.net.nodes:
            if node.name not in self.kinds:
                continue
            into = [self._from_view(c) for c in self._into(node)]
            view = next((_to(c.axes) for c in into if not all(a.is_all for a in c.axes)), shape3(node.shape))
            self.found[node.name] = Population(node.name, self.kinds[node.name], node.shape, view, node)
            connections += [self._as_seen(c, view) for c in into]
        sent = (self._sent(c) for c in connections)
        return Graph(self.found, tuple(c for c in sent if c.pairs))  # a kernel may see padding only

    def _into(self, node: IntNode) -> list[Connection]:
        if isinstance(node, IntInput):
            return []
        found = list[Connection]()
        self._walk(node, same(shape3(node.shape)), Connection("", node.name, same((1, 1, 1))), found)
        return found

    def _walk(self, node: IntNode, axes: Axes, so_far: Connection, found: list[Connection]) -> None:
        """From a node towards the populations that it reads; `axes` leads from the target to the node."""
        shapes = [shape3(self.known[i].shape) for i in node.inputs]
        if type(node) in LAYERS:
            into = LAYERS[type(node)](node, shapes)
        else:
            into = [(everything(shape3(node.shape), s), True) for s in shapes]
        synapse = node if isinstance(node, IntSynapse) else so_far.synapse
        through = (*so_far.through, node)
        if isinstance(node, IntFlatten | IntPlaces):  # only the shape of what stands behind it, as that is seen, matters
            source = node.inputs[0]
            while isinstance(self.known[source], IntFlatten | IntPlaces):
                through, source = (*through, self.known[source]), self.known[source].inputs[0]
            shape = self.found[source].view if source in self.found else shape3(self.known[source].shape)
            reached = [(source, *reshaped(axes, shape))]
        else:
            reached = [(name, after(axes, each), exact) for name, (each, exact) in zip(node.inputs, into, strict=True)]
        for name, to_source, exact in reached:
            on = Connection(name, so_far.target, to_source, synapse, through, so_far.exact and exact)
            if name in self.kinds:
                found.append(on)
            else:
                self._walk(self.known[name], to_source, on, found)

    def _as_seen(self, c: Connection, view: Shape3) -> Connection:
        axes, exact = turned(c.axes, view)
        return Connection(c.source, c.target, axes, c.synapse, c.through, c.exact and exact)

    def _from_view(self, c: Connection) -> Connection:
        """The connection to the view of its source, where that is another than its shape; its target may be seen likewise."""
        if c.source not in self.found or shape_of(c.axes) == self.found[c.source].view:
            return c  # a recurrent edge starts in what is not seen yet
        axes, exact = reshaped(c.axes, self.found[c.source].view)
        return Connection(c.source, c.target, axes, c.synapse, c.through, c.exact and exact)

    def _sent(self, c: Connection) -> Connection:
        """The same once all sources are known."""
        return self._as_seen(self._from_view(c), self.found[c.target].view)


def _to(axes: Axes) -> Shape3:
    return axes[0].to, axes[1].to, axes[2].to
