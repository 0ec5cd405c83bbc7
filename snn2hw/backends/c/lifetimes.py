"""From which call to which a value is needed, and places in memory that are used again afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from snn2hw.ir.integer import IntegerNetwork

Life: TypeAlias = tuple[int, int]  # positions of the call that writes a value and of the last that reads it, in the network


def positions(net: IntegerNetwork, fused: Mapping[str, str]) -> dict[str, int]:
    """At which call of the network each node is evaluated.

    Args:
        net: in order of evaluation. fused: neuron -> the synapse whose sums it takes straight away: one call.
    """
    found = {n.name: k for k, n in enumerate(net.nodes)}
    return found | {synapse: found[neuron] for neuron, synapse in fused.items()}


def lives(net: IntegerNetwork, fused: Mapping[str, str], loops: Sequence[Sequence[str]]) -> dict[str, Life]:
    """Of every value. The calls of a loop are mixed, so what is needed in one of them is needed in all.

    Args:
        net, fused: as of `positions`. loops: of names of nodes that go step by step together.
    """
    position = positions(net, fused)
    calls = {name: (at, at) for name, at in position.items()}
    calls |= {name: (position[loop[0]], position[loop[-1]]) for loop in loops for name in loop}
    last = {name: end for name, (_, end) in calls.items()}
    for node in net.nodes:
        for name in node.inputs:
            last[name] = max(last[name], calls[node.name][1])
    return {name: (first, last[name]) for name, (first, _) in calls.items()}


def first_fit(wanted: Iterable[tuple[Life, int]]) -> list[int]:
    """Where each of some arrays begins: at the lowest place that is free from the call that writes it to the last that reads it.

    Args:
        wanted: life and size of each.
    """
    placed = list[tuple[int, int, Life]]()  # begin, end, life
    offsets = list[int]()
    for life, size in wanted:
        offset = 0
        for begin, end, (first, last) in sorted(placed):
            if last >= life[0] and first <= life[1] and offset < end and begin < offset + size:
                offset = end
        placed.append((offset, offset + size, life))
        offsets.append(offset)
    return offsets
