"""Which calls of the generated C need a value, counted by themselves: those of a loop are mixed, so it is in all or in none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snn2hw.ir.integer import IntegerNetwork


def calls_that_need(net: IntegerNetwork, fused: Mapping[str, str], loops: Sequence[Sequence[str]]) -> dict[str, set[int]]:
    """Positions in the network, by the name of the value.

    Args:
        fused: neuron -> the synapse whose sums it takes straight away. loops: of names of nodes that go step by step together.
    """
    call = {n.name: k for k, n in enumerate(net.nodes)}
    call |= {synapse: call[neuron] for neuron, synapse in fused.items()}
    whole = {name: (call[loop[0]], call[loop[-1]]) for loop in loops for name in loop}
    found = dict[str, set[int]]()
    for n in net.nodes:
        ends = [whole.get(m.name, (0, call[m.name]))[1] for m in net.nodes if n.name in m.inputs]
        first, last = whole.get(n.name, (call[n.name], 0))
        found[n.name] = set(range(first, max([first, last, *ends]) + 1))
    return found
