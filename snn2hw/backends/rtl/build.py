"""From an integer network to a design: which modules there are, and what runs between them."""

from __future__ import annotations

from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import patience
from snn2hw.backends.rtl.lack import lacks
from snn2hw.backends.rtl.layers import LAYERS, SAME_WORDS, close
from snn2hw.backends.rtl.parts import Folding, Parts
from snn2hw.backends.rtl.streams import Grid
from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.lack import refusal
from snn2hw.layers import IntFlatten, IntLinear, IntMatMul

MOST_CYCLES = 1 << 31


def build(network: IntegerNetwork, folding: Folding | None = None) -> Design:
    """The design of a network.

    Args:
        network: of the integer stage. folding: how many lanes it has; one everywhere where it is left out.

    Raises:
        UnsupportedError: a layer that there is no module for, or more cycles than can be counted.
    """
    if found := lacks(network):
        raise refusal(found, "the network does not fit the back end 'rtl'", "change these layers, or choose another back end")
    folding = folding or Folding()
    parts = Parts(network, folding, lanes_of(network, folding), _grids(network))
    for node in network.nodes:
        parts.signals[node.name] = LAYERS[type(node)](parts, node)
    for feedback in network.feedbacks:
        close(parts, feedback)
    entry, readout = parts.signals[network.input.name].events, parts.signals[network.readout.name].words
    assert entry is not None
    assert readout is not None
    design = Design(parts.modules, parts.generated, parts.lane_takes, entry, readout, parts.series, network.steps)
    if (most := patience(design)) >= MOST_CYCLES:
        raise UnsupportedError(
            "a sample could take more clock cycles than the design can count",
            got=f"up to {most:,}",
            expected=f"fewer than {MOST_CYCLES:,}",
            do="give it more lanes (parallel), or compile a smaller network or fewer steps",
        )
    return design


def lanes_of(network: IntegerNetwork, folding: Folding) -> dict[str, int]:
    """Lanes of every node.

    Layers that pass words on in the same order have the same number, the smallest that is stated for one of them; none has
    more than its channels need.
    """
    groups = _groups(network)
    read = {groups[network.readout.name]}
    most: dict[str, int] = {}
    for node in network.nodes:
        group = groups[node.name]
        own = max(1, min(folding.of.get(node.name, folding.lanes), _useful(node, folding, group in read)))
        most[group] = min(most.get(group, own), own)
    return {name: most[group] for name, group in groups.items()}


def _groups(network: IntegerNetwork) -> dict[str, str]:
    """The first of the layers that pass words on to each other in the same order, for each of them."""
    first: dict[str, str] = {}
    for node in network.nodes:
        first[node.name] = node.name
        if isinstance(node, SAME_WORDS):
            groups = {first[name] for name in node.inputs} | {node.name}
            found = next(n.name for n in network.nodes if n.name in groups)
            first.update({name: found for name, group in first.items() if group in groups})
    return first


def _grids(network: IntegerNetwork) -> dict[str, Grid]:
    """How the sums of a Linear layer lie that are joined word by word with a flattened image: as that image does."""
    groups = _groups(network)
    found: dict[str, Grid] = {}
    for node in network.nodes:
        grids = {Grid.of(n.shape) for n in network.nodes if groups[n.name] == groups[node.name] and len(n.shape) > 1}
        if isinstance(node, IntLinear) and len(grids) == 1 and (grid := grids.pop()).size == node.shape[0]:
            found[node.name] = grid
    return found


def _useful(node: IntNode, folding: Folding, read: bool) -> int:
    """As many lanes as the channels of a layer need.

    As many as divide them where the channels of a place have to fill its words: those of a head of a product, and those of an
    image that is read out.

    Args:
        node: the layer. folding: which has a limit of its own. read: whether its words are read out.
    """
    if isinstance(node, IntMatMul) or (read and Grid.of(node.shape).places > 1):
        each = node.shape[0] // (node.heads if isinstance(node, IntMatMul) else 1)
        return each & -each
    return folding.lanes if isinstance(node, IntFlatten) else 1 << (Grid.of(node.shape).channels - 1).bit_length()
