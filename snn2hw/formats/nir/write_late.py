"""Recurrent edges of the visible graph: NIR has edges only, of which a reader takes one of every cycle a step late.

Where that is the network's own recurrent edge, it is an edge. Where it is another one, or none, as the edge closes no cycle, or
where NIR has that edge already, a Delay of one step stands in it. Where a Delay would be a step too many, because the reader
takes another edge of the same cycle late, what is read is another network, and the neurons' approximations say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from snn2hw.formats.nir.file import KEY, in_order
from snn2hw.formats.nir.write_graph import NirWriter, full

Edge = tuple[str, str]


def settled_edges(w: NirWriter) -> list[Edge]:
    """The edges once every node is placed, with Delays where they are needed."""
    plain, late = w.edges_of_neurons()
    if not late:
        return plain
    doubled = [e for e in late if e in plain]
    delayed, read = list(doubled), _read_late(w, plain, late, doubled)
    while missing := [e for e in late if e not in delayed and e not in read]:
        delayed += missing
        read = _read_late(w, plain, late, delayed)
    if others := [e for e in read if e not in late or e in delayed]:
        ways = _with_delays(w, plain, late, delayed)
        cycles = [_reached(ways, b) & _reached(_reversed(ways), a) for a, b in others]
        delayed = [e for e in delayed if e in doubled or not any(e[0] in c and e[1] in c for c in cycles)]
        read = _read_late(w, plain, late, delayed)
    for a, b in late:
        if (a, b) not in delayed and (a, b) not in read:
            w.approximate(a, f"'{b}' is meant to read it a step late")
        elif (a, b) not in delayed and w.convention.no_cycles:
            w.approximate(a, f"its recurrent edge has no meaning there: {w.convention.no_cycles}")
    for a, b in sorted(e for e in read if e not in late or e in delayed):
        w.approximate(a, f"'{b}' is read as if it were to read it a step late")
    edges = _with_delays(w, plain, late, delayed)
    for a in dict.fromkeys(a for a, _ in delayed):
        w.made[_delay(w, a)] = _one_step(w, a)
    return edges


def _one_step(w: NirWriter, neuron: str) -> Any:
    import nir

    shape = w.scales.nodes[w.layers[neuron]].shape
    made = nir.Delay(full(np.array([w.convention.dt]), shape))
    made.metadata[KEY] = {"part_of": neuron}
    return made


def _delay(w: NirWriter, neuron: str) -> str:
    """The name of the Delay behind a neuron."""
    return w.free(f"{neuron}_late")


def _with_delays(w: NirWriter, plain: Sequence[Edge], late: Sequence[Edge], delayed: Sequence[Edge]) -> list[Edge]:
    into = [(a, _delay(w, a)) for a in dict.fromkeys(a for a, _ in delayed)]
    return [*plain, *(e for e in late if e not in delayed), *into, *((_delay(w, a), b) for a, b in delayed)]


def _read_late(w: NirWriter, plain: Sequence[Edge], late: Sequence[Edge], delayed: Sequence[Edge]) -> set[Edge]:
    """The edges that a reader of the graph takes a step late."""
    import nir

    nodes = {**w.made, **{_delay(w, a): _one_step(w, a) for a, _ in delayed}}
    graph = nir.NIRGraph(nodes, _with_delays(w, plain, late, delayed), type_check=False)
    read = in_order(graph, "the visible graph")
    back = {n.name: n.sources[0] for n in read if n.kind == "Feedback"}
    return {(back[s], n.name) for n in read for s in n.sources if s in back}


def _reversed(edges: Iterable[Edge]) -> list[Edge]:
    return [(b, a) for a, b in edges]


def _reached(edges: Iterable[Edge], start: str) -> set[str]:
    edges, front = list(edges), [start]
    for at in front:
        front += [b for a, b in edges if a == at and b not in front]
    return set(front)
