"""What no arrangement can do with less: cores, and spikes from core to core."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.estimation.axes import product
from snn2hw.estimation.mapping.loads import Arrangement
from snn2hw.estimation.mapping.needs import largest, stored_width
from snn2hw.estimation.mapping.problem import Spikes, make_problem
from snn2hw.estimation.resources import Resources
from snn2hw.target import Cores


def on_one_core(found: Resources, cores: Cores) -> dict[str, int]:
    """Limit -> what the whole network would need on one core, of all that a core limits: less than that no cores need.

    What is kept once on a core (kernels, constants, programs) is counted once, and every sender has one axon.
    """
    problem = make_problem(found, cores, {layer.name: (1, 1, 1) for layer in found.placed}, {})
    loads = Arrangement(problem, np.zeros(len(problem.blocks), np.int64)).loads
    return {limit: int(load[0]) for limit, load in loads.items() if not limit.startswith("destinations")}


def capacity(cores: Cores, limit: str) -> int:
    """What all cores of all chips have of a limit of a core; of as many chips as are stated."""
    low = cores.facts[limit].low
    return (cores.stated("chips") or 1) * int(sum(low) if isinstance(low, list) else low * cores.per_chip)


def fewest_cores(found: Resources, cores: Cores) -> int:
    """Cores that every arrangement takes at least."""
    return max([1, *(-(-total // largest(cores, limit)) for limit, total in on_one_core(found, cores).items())])


def fewest_spikes(found: Resources, cores: Cores, spikes: Spikes) -> float:
    """Spikes from core to core, and from outside, that every arrangement sends at least.

    A value that enters reaches one core. What reads a value, with its states and the weights between, fills so many cores at
    least; the sender's own is one of them at most.

    Args:
        found: what the layers need. cores: the chip's. spikes: of each value of a layer; 1 where a layer has none.
    """
    total = 0.0
    for name, p in found.graph.populations.items():
        if not found.graph.out_of(name):
            continue
        needed = _readers(found, cores, name)
        read = needed.pop("read") > 0
        on = np.maximum.reduce([read.astype(np.float64), *(np.ceil(n / largest(cores, limit)) for limit, n in needed.items())])
        sent = np.asarray(spikes.get(name, np.ones(p.size)), np.float64).reshape(p.view)
        total += float((np.maximum(on - (p.kind != "input"), 0) * sent).sum())
    return total


def _readers(found: Resources, cores: Cores, source: str) -> dict[str, Any]:
    """Limit -> [C, H, W] what all that reads a value of this layer needs of it; "read": how many read it."""
    view = found.graph.populations[source].view
    needed: dict[str, Any] = {"read": np.zeros(view)}
    synapse_bits: Any = np.zeros(view)
    state_bits: Any = np.zeros(view)
    neurons: Any = np.zeros(view)
    weights = {id(s.connection): s for s in found.synapses}
    out, counted = found.graph.out_of(source), set[str]()
    for target in dict.fromkeys(c.target for c in out):
        between, layer = [c for c in out if c.target == target], found.layers[target]
        readers = np.maximum.reduce([c.fan_out() for c in between])
        needed["read"] += readers
        outside = layer.population.kind == "readout" and "output_neurons" in cores.facts
        neurons = neurons + (0 if outside else readers)
        state_bits = state_bits + readers * layer.state_bits
        for c in between:
            if (s := weights.get(id(c))) is None or s.synapse.name in counted:  # a layer that two others read is kept once
                continue
            counted.add(s.synapse.name)
            width = stored_width(s.width, cores)
            if s.shares and cores.shares_kernels:
                channels, rows, columns = (a.is_read() for a in c.axes)
                kernels = channels * s.synapse.weight[0].size * width
                synapse_bits = synapse_bits + product([kernels, rows > 0, columns > 0])
            else:
                synapse_bits = synapse_bits + c.fan_out() * width
    loads = {
        "neurons": neurons,
        "state_memory_bits": state_bits,
        "synapse_memory_bits": synapse_bits,
        "shared_memory_bits": synapse_bits + state_bits,
    }
    return needed | {limit: load for limit, load in loads.items() if limit in cores.facts}
