"""What of a float network is more than the target's own table has, as far as that is known before anything is calibrated.

`snn2hw estimate` compares the integers with every limit; these are those that no weight and no width can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from snn2hw.ir import network as real
from snn2hw.layers import Conv2d, Synapse
from snn2hw.passes.findings import SHOWN, Finding
from snn2hw.target import Target

ESTIMATE = "`snn2hw estimate` says all that does not fit"


def too_large(net: real.Network, target: Target) -> Iterator[Finding]:
    """Neurons and synapses of a chip, and the axons into one neuron."""
    yield from too_many(net, target)
    yield from too_many_synapses(net, target)
    yield from too_many_axons(net, target)


def too_many(net: real.Network, target: Target) -> Iterator[Finding]:
    """More neurons than the target's own table says a chip has."""
    layers = {n.name: prod(n.shape) for n in net.neurons}
    most, source = neurons_of(target)
    total = sum(layers.values())
    if most is None or total <= most:
        return
    largest = sorted(net.neurons, key=lambda n: -layers[n.name])[:SHOWN]
    yield Finding(
        f"the network has more neurons than a chip of the target '{target.name}'",
        ", ".join(f"{n.source or n.name} ({layers[n.name]:,})" for n in largest),
        f"{total:,} neurons",
        f"{target.name}.toml states {most:,} neurons a chip ({source})",
        "use fewer channels or smaller images, spread the network over several chips, or correct the target's file",
    )


def neurons_of(target: Target) -> tuple[int | None, str]:
    """(neurons of a chip, where that stands) as the target's [cores] state them; None where they do not."""
    cores = target.cores
    if cores is None:
        return None, ""
    if (most := cores.stated("neurons_per_chip")) is not None:
        return most, f"neurons_per_chip: {cores.facts['neurons_per_chip'].source}"
    each = [cores.stated("neurons", core) for core in range(cores.per_chip)]
    stated = [n for n in each if n is not None]
    return (sum(stated), "neurons * cores_per_chip") if stated else (None, "")


def too_many_synapses(net: real.Network, target: Target) -> Iterator[Finding]:
    """More synapses than the target's own table says a chip has; a kernel that a core keeps once is counted once."""
    cores = target.cores
    if cores is None or (most := cores.stated("synapses_per_chip")) is None:
        return
    layers = {
        n.name: n.weight.size if cores.shares_kernels and isinstance(n, Conv2d) else n.macs()
        for n in net.nodes
        if isinstance(n, Synapse)
    }
    total = sum(layers.values())
    if total <= most:
        return
    known = {n.name: n for n in net.nodes}
    largest = sorted(layers, key=lambda name: -layers[name])[:SHOWN]
    yield Finding(
        f"the network has more synapses than a chip of the target '{target.name}'",
        ", ".join(f"{known[name].source or name} ({layers[name]:,})" for name in largest),
        f"{total:,} synapses" + ("" if cores.shares_kernels else ", padding among them"),
        f"{target.name}.toml states {most:,} a chip ({cores.facts['synapses_per_chip'].source})",
        f"use fewer channels or smaller images, or spread the network over several chips; {ESTIMATE}",
    )


def too_many_axons(net: real.Network, target: Target) -> Iterator[Finding]:
    """A neuron that reads more values than a core has axons for; no mapping changes that."""
    most = target.cores.stated("in_axons") if target.cores is not None else None
    if most is None:
        return
    assert target.cores is not None
    for node in net.nodes:
        reads = int(node.weight[0].size) if isinstance(node, Synapse) else 0
        if reads > most:
            yield Finding(
                f"a neuron reads more values than a core of the target '{target.name}' has input axons",
                node.source or node.name,
                f"{reads:,} values",
                f"{target.name}.toml states {most:,} input axons a core ({target.cores.facts['in_axons'].source})",
                f"let it read fewer: pool before it, or split the layer in two; {ESTIMATE}",
            )
