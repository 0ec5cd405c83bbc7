"""NIR files as nodes in order of evaluation: nested graphs flattened, nothing unknown, one input, one output.

NIR says nothing of time between nodes. Without a delay a cycle has no order of evaluation, so the edge that leads back from a
neuron that fires is taken one step late: by a node 'Feedback' that is not in the file. For one neuron with an edge to itself that
is what Norse and Rockpool do (tests/formats/nir/test_nir_writers.py). Which edge it is on longer cycles NIR does not say, and
nothing was compared: here the one from the neuron farthest from the Input, of several the first by name.

Source: nir 1.0.8, nir/ir and nir/serialization.py.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snn2hw.errors import FileFormatError, MissingExtraError, UnsupportedError
from snn2hw.formats.hdf5 import Kind, Tree, read_tree

KIND = Kind("a .nir file", "write it again")
KEY = "snn2hw"  # of our own metadata
MOST_DEPTH = 16  # of nested graphs
SUPPORTED = (
    "Input", "Output", "Affine", "Linear", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten",
    "I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Threshold", "Delay", "NIRGraph",
)  # fmt: skip
NOT_NUMBERS = ("input_type", "output_type", "metadata", "nodes", "edges")  # among the attributes of a node
FIRING = ("IF", "LIF", "CubaLIF", "Threshold")
# Whatever the package nir raises for wrong contents.
_ERRORS = (
    ValueError, LookupError, TypeError, AssertionError, AttributeError, NotImplementedError, RuntimeError, ArithmeticError,
    MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class NirNode:
    """A node of the flattened graph.

    Args:
        name: its path, nested graphs separated by dots. kind: its NIR type. sources: names of the nodes whose sum enters.
        content: the node of the `nir` package, whose attributes are the parameters; of a Feedback those of its neuron, of which
            only the shape means anything. where: for messages. home: the nested graph that it stands in; None for the outermost.
    """

    name: str
    kind: str
    sources: tuple[str, ...]
    content: Any
    where: str
    home: Any = None


def read_nir(path: Path) -> tuple[NirNode, ...]:
    """The nodes of a NIR file, in order of evaluation: the Input first, the Output last.

    Raises:
        MissingExtraError, FileFormatError, UnsupportedError: as `read_graph`; cycles without a neuron that fires;
            several inputs or outputs.
    """
    return in_order(read_graph(path), str(path))


def in_order(graph: Any, where: str) -> tuple[NirNode, ...]:
    """The nodes of a NIRGraph in order of evaluation, as `read_nir`; `where` is for messages."""
    nodes, edges = _flattened(graph, where, None)
    return _ordered(nodes, edges, _only(graph, "Input", where), _only(graph, "Output", where), where)


AXES = {"Affine": 1, "Linear": 1, "Conv1d": 2, "Conv2d": 3, "SumPool2d": 3, "AvgPool2d": 3}  # of a sample that they take


def input_axes(nodes: Sequence[NirNode], given: int) -> int:
    """How many axes a sample has, by the first layer that says so; as many as are `given` where none does."""
    ahead, seen = [nodes[0].name], set[str]()
    while ahead:
        name = ahead.pop(0)
        for node in nodes:
            if name in node.sources and node.name not in seen:
                if node.kind in AXES:
                    return AXES[node.kind]
                seen.add(node.name)
                ahead += [node.name] if node.kind != "Flatten" else []
    return given


def read_graph(path: Path) -> Any:
    """The NIRGraph of a file, after a look at its types and sizes.

    Raises:
        MissingExtraError: nir is not installed. FileFormatError: no file, not HDF5, truncated, absurd sizes, no valid NIR.
        UnsupportedError: node types without a meaning here, by name.
    """
    if importlib.util.find_spec("nir") is None:
        raise MissingExtraError("nir", "nir", "reading a .nir file")
    import nir

    where = str(path)
    file = read_tree(path, KIND, _wanted)
    root = file.get("node")
    if not isinstance(root, dict) or "type" not in root:
        raise FileFormatError(
            "this HDF5 file holds no NIR graph",
            where=where,
            got=", ".join(sorted(file)) or "an empty file",
            expected="a group 'node' with the graph",
            do="write it with nir.write",
        )
    _check_nodes(root, where, 0)
    try:
        with np.errstate(all="ignore"):  # the package infers shapes from whatever numbers there are
            return nir.dict2NIRNode({**root, "type_check": False})
    except _ERRORS as error:
        raise FileFormatError(
            "the package nir cannot read this file",
            where=where,
            got=f"{type(error).__name__}: {' '.join(str(error).split())}",
            expected=f"a graph that nir {nir.version} reads",
            do="write it again",
        ) from error


def _wanted(path: tuple[str, ...]) -> bool:
    """The graph; of the metadata of each node only our own, for others may write anything there."""
    if path[0] != "node":
        return False
    rest = path[1:]
    while len(rest) >= 2 and rest[0] == "nodes":
        rest = rest[2:]
    return len(rest) < 2 or rest[0] != "metadata" or rest[1] == KEY


def _check_nodes(node: Tree, where: str, depth: int) -> None:
    """Types first: a node that is refused is refused by its name, whatever the package makes of it."""
    kind = node.get("type", "nothing")
    if not isinstance(kind, str) or kind not in SUPPORTED or (not depth and kind != "NIRGraph"):
        raise UnsupportedError(
            "a node of this type is not supported",
            where=where,
            got=f"'{kind}'",
            expected=", ".join(SUPPORTED),
            do="replace it in training, or open an issue with the file",
        )
    if kind != "NIRGraph":
        return
    if depth >= MOST_DEPTH:
        raise FileFormatError(
            "the graphs are nested too deeply",
            where=where,
            got=f"{depth} deep",
            expected=f"below {MOST_DEPTH}",
            do="write one graph with a node for each layer, and no graph within it",
        )
    nodes = node.get("nodes")
    for name, inner in nodes.items() if isinstance(nodes, dict) else ():
        if isinstance(inner, dict):
            _check_nodes(inner, f"{where}: {name}", depth + 1)


class _Held(NamedTuple):
    """A node of the `nir` package, and the nested graph that it stands in."""

    content: Any
    home: Any

    @property
    def kind(self) -> str:
        return type(self.content).__name__


def _flattened(graph: Any, where: str, home: Any, prefix: str = "") -> tuple[dict[str, _Held], list[tuple[str, str]]]:
    """(nodes by path, edges) with the nodes of nested graphs beside the others; their inputs and outputs stay as nodes."""
    nodes: dict[str, _Held] = {}
    edges: list[tuple[str, str]] = []
    doors: dict[str, tuple[str, str]] = {}  # of each node: where an edge to it arrives, where an edge from it starts
    for name, node in graph.nodes.items():
        path = f"{prefix}{name}"
        _check_numbers(node, f"{where}: {path} ({type(node).__name__})")
        inner, doors[name] = {path: _Held(node, home)}, (path, path)
        if type(node).__name__ == "NIRGraph":
            inner, between = _flattened(node, where, node, f"{path}.")
            edges += between
            doors[name] = _only(node, "Input", where, path), _only(node, "Output", where, path)
        if same := nodes.keys() & inner.keys():
            raise FileFormatError(
                "two nodes have the same path",
                where=where,
                got=min(same),
                expected="names without dots",
                do="rename one of the two in the program that writes the file",
            )
        nodes |= inner
    for a, b in graph.edges:
        if a not in doors or b not in doors:
            raise FileFormatError(
                "an edge joins nodes that are not there",
                where=where,
                got=f"{prefix}{a} -> {prefix}{b}",
                expected=", ".join(f"{prefix}{n}" for n in doors),
                do="write the edge between two of these nodes, or leave it out",
            )
        edges.append((doors[a][1], doors[b][0]))
    if twice := next((e for e, n in Counter(edges).items() if n > 1), None):
        raise FileFormatError(
            "an edge is there twice",
            where=where,
            got=f"{twice[0]} -> {twice[1]}",
            expected="each edge once",
            do="write each edge once",
        )
    return nodes, edges


def _check_numbers(node: Any, where: str) -> None:
    """Parameters are numbers, or the words of a padding; the package takes whatever the file has."""
    for name, value in vars(node).items():
        if value is None or name in NOT_NUMBERS or (name == "padding" and isinstance(value, str)):
            continue
        kind = None if isinstance(value, dict) else np.asarray(value).dtype
        if kind is None or kind.kind not in "iuf" or kind == np.float16 or kind.itemsize > 8:
            raise FileFormatError(
                f"'{name}' is not in numbers",
                where=where,
                got="a group" if kind is None else "words" if kind.kind in "OUS" else str(kind),
                expected="integers, float32 or float64",
                do="write it again",
            )
        if not np.asarray(value).size:
            raise FileFormatError(
                f"'{name}' is empty",
                where=where,
                got=str(list(np.shape(value))),
                expected="at least one number",
                do="write it again",
            )


def _only(graph: Any, kind: str, where: str, path: str = "") -> str:
    """The path of the one Input or Output of a graph."""
    found = [name for name, node in graph.nodes.items() if type(node).__name__ == kind]
    if len(found) != 1:
        raise UnsupportedError(
            f"a graph needs one {kind}",
            where=f"{where}: {path}" if path else where,
            got=f"{len(found)}: {', '.join(sorted(found))}" if found else "none",
            expected="one",
            do="split the graph, or join its ends before it is written",
        )
    return f"{path}.{found[0]}" if path else found[0]


def _ordered(nodes: Mapping[str, _Held], edges: list[tuple[str, str]], first: str, last: str, where: str) -> tuple[NirNode, ...]:
    """Kahn's order. What no edge enters, or none leaves, is an error: its value would be nobody's."""
    sources = {n: tuple(a for a, b in edges if b == n) for n in nodes}
    read = {a for a, _ in edges}
    for name in nodes:
        if (name == first) == bool(sources[name]) or (name == last) == (name in read):
            raise FileFormatError(
                "a node is not joined to the graph",
                where=f"{where}: {name}",
                got=f"entered by {', '.join(sources[name]) or 'nothing'}, {'' if name in read else 'not '}read",
                expected="edges from the Input through every node to the Output",
                do="write an edge from what enters the node and one to what reads it, or leave the node out",
            )
    placed: dict[str, NirNode] = {}
    while waiting := [n for n in nodes if n not in placed]:
        ready = [n for n in waiting if all(s in placed for s in sources[n])]
        for name in ready:
            held = nodes[name]
            placed[name] = NirNode(name, held.kind, sources[name], held.content, f"{where}: {name} ({held.kind})", held.home)
        if not ready:
            name, readers = _closing(nodes, sources, placed, _distances(sources, first), where)
            back = f"{name}.back"
            while back in nodes or back in placed:
                back += "_"
            held = nodes[name]
            at = f"{where}: {name} ({held.kind}, recurrent edge)"
            placed[back] = NirNode(back, "Feedback", (name,), held.content, at, held.home)
            sources |= {r: tuple(back if s == name else s for s in sources[r]) for r in readers}
    return tuple(sorted(placed.values(), key=lambda n: n.name == last))


def _distances(sources: Mapping[str, tuple[str, ...]], first: str) -> dict[str, int]:
    """Fewest edges from the Input."""
    found, front = {first: 0}, [first]
    for at in front:
        for name in [n for n, of in sources.items() if at in of and n not in found]:
            found[name] = found[at] + 1
            front.append(name)
    return found


def _closing(
    nodes: Mapping[str, _Held],
    sources: Mapping[str, tuple[str, ...]],
    placed: Mapping[str, NirNode],
    distances: Mapping[str, int],
    where: str,
) -> tuple[str, list[str]]:
    """The neuron farthest from the Input that closes a cycle, of several the first by name, and who reads it on the way back.

    Raises:
        UnsupportedError: no neuron on the cycle fires, and nothing else bounds what would go round.
    """
    back: dict[str, list[str]] = {}
    for name in (n for n in nodes if n not in placed and nodes[n].kind in FIRING):
        leading, front = {name}, [name]
        for at in front:
            more = [s for s in sources[at] if s not in placed and s not in leading]
            leading.update(more)
            front += more
        if readers := [n for n in leading if name in sources[n]]:
            back[name] = sorted(readers)
    if not back:
        raise UnsupportedError(
            "the graph has a cycle without a neuron that fires",
            where=where,
            got=" -> ".join(_cycle(sources, next(n for n in nodes if n not in placed), placed)),
            expected=f"one of {', '.join(FIRING)} on every cycle, whose spikes are bounded; a sum would grow from step to step",
            do="remove the recurrent connection in training, or put a neuron into it",
        )
    chosen = min(back, key=lambda n: (-distances.get(n, 0), n))
    return chosen, back[chosen]


def _cycle(sources: Mapping[str, tuple[str, ...]], start: str, placed: Mapping[str, NirNode]) -> Iterator[str]:
    """Nodes of one cycle, against the edges' direction turned round, the first again at the end."""
    path: list[str] = []
    name = start
    while name not in path:
        path.append(name)
        name = next(s for s in sources[name] if s not in placed)
    yield from reversed([*path[path.index(name) :], name])
