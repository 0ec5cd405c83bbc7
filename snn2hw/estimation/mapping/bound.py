"""What no arrangement can do with less: cores, and spikes from core to core."""

from __future__ import annotations

import numpy as np

from snn2hw.estimation.mapping.needs import Needs, largest
from snn2hw.estimation.mapping.problem import Spikes
from snn2hw.estimation.resources import Resources
from snn2hw.target import Cores

TOTALS = ("neurons", "state_memory_bits", "synapse_memory_bits", "shared_memory_bits")


def fewest_cores(found: Resources, cores: Cores) -> dict[str, int]:
    """Limit -> how many cores are needed at least for all of it, kernels counted once."""
    total = dict[str, int]()
    for layer in found.placed:
        for name, load in Needs(found, layer, cores).loads((1, 1, 1)).items():
            if name in TOTALS:
                total[name] = total.get(name, 0) + load
    return {name: -(-load // largest(cores, name)) for name, load in total.items()}


def fewest_spikes(found: Resources, cores: Cores, spikes: Spikes) -> float:
    """Spikes from core to core, and from outside, that every arrangement sends at least.

    A value that enters reaches one core. The neurons that read a value lie on as many cores at least as they have room on,
    and of these cores the sender's own is one at most.

    Args:
        found: what the layers need. cores: the chip's. spikes: of each value of a layer; 1 where a layer has none.
    """
    total = 0.0
    room = largest(cores, "neurons") if "neurons" in cores.facts else None
    for p in found.graph.populations.values():
        out = found.graph.out_of(p.name)
        if not out:
            continue
        each = {c.target: np.zeros(p.view, np.int64) for c in out}
        for c in out:
            each[c.target] = np.maximum(each[c.target], c.fan_out())
        readers = sum(each.values())
        own = 0 if p.kind == "input" else 1
        on = np.ceil(readers / room) if room is not None else np.minimum(readers, 1)
        sent = np.asarray(spikes.get(p.name, np.ones(p.size)), np.float64).reshape(p.view)
        total += float((np.maximum(on - own, 0) * sent * (readers > 0)).sum())
    return total
