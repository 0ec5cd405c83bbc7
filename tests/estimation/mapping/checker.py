"""Is a mapping one that the chip takes? From mapping.json, who reads whom, and the chip's limits alone, neuron by neuron."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def problems(mapping: Any, network: Any, limits: Any) -> Iterator[str]:  # noqa: PLR0912  # one page, from top to bottom
    """What is wrong; `network` as of `cases.facts_of`, `limits` the numbers of [cores]."""
    count, places = len(mapping["cores"]), [(c["chip"], c["position"]) for c in mapping["cores"]]
    at = {n: np.full(layer["shape"], -1) for n, layer in mapping["layers"].items() if layer["kind"] != "input"}
    for core in mapping["cores"]:
        for block in core["blocks"]:
            part = at[block["layer"]][tuple(slice(*block[axis]) for axis in ("channels", "rows", "columns"))]
            yield from [f"{block} is empty, or lies on two cores"] * bool(part.size == 0 or (part != -1).any())
            part[...] = core["core"]
    at = {name: where.ravel() for name, where in at.items()}
    yield from (f"a neuron of {name} lies nowhere" for name, where in at.items() if (where < 0).any())
    if len({*places}) < count or max(p for _, p in places) >= limits["cores_per_chip"] or min(map(min, places)) < 0:
        yield f"two cores are one, or there is no such core: {places}"
    yield from ["more chips than there are"] * bool(max(places)[0] >= limits.get("chips", np.inf))
    names = ("neurons", "in_axons", "out_axons", "state_memory_bits", "synapse_memory_bits", "parameter_sets", "instructions")
    used: dict[str, Any] = {name: np.zeros(count) for name in names}
    sent: dict[tuple[int | None, int], float] = {}
    for source in {s for _, s in network["reads"]}:
        reach: Any = 0
        for (target, of), reads in network["reads"].items():
            if of == source:
                reach = reach | np.stack([reads[at[target] == core].any(0) for core in range(count)], axis=1)
        own = at.get(source, np.full(len(reach), -1))
        used["in_axons"] += reach.sum(0)
        np.add.at(used["out_axons"], own[own >= 0], reach.sum(1)[own >= 0])
        for neuron, core in np.argwhere(reach):
            key = (None if own[neuron] < 0 else int(own[neuron]), int(core))
            sent[key] = sent.get(key, 0) + 1
        if reach.sum(1).max() > limits.get("destinations_per_neuron", np.inf):
            yield f"a neuron of {source} sends to too many cores"
    for core in range(count):
        sets, programs = set(), {}
        for name, layer in network["layers"].items():
            here = at[name] == core
            outside = "output_neurons" in limits and mapping["layers"][name]["kind"] == "readout"
            used["neurons"][core] += 0 if outside else here.sum()
            used["state_memory_bits"][core] += here.sum() * layer["state_bits"]
            sets |= {layer["sets"][k] for k in np.flatnonzero(here)} - {None}
            programs |= layer["program"] if here.any() else {}
            for synapse in layer["synapses"]:
                weights = len({*synapse["kernel"][here]}) * synapse["size"] if synapse["shared"] else synapse["reads"][here].sum()
                used["synapse_memory_bits"][core] += weights * synapse["bits"]
        used["parameter_sets"][core], used["instructions"][core] = len(sets), sum(programs.values())
    used["shared_memory_bits"] = used["state_memory_bits"] + used["synapse_memory_bits"]
    for name, load in used.items():
        yield from (f"core {k}: {n:.0f} {name}" for k, n in enumerate(load) if n > limits.get(name, np.inf))
        if any(core["loads"].get(name, n) != n for core, n in zip(mapping["cores"], load, strict=True)):
            yield f"{name} of the cores is {load}, and they say {[c['loads'].get(name) for c in mapping['cores']]}"
    if {(r["from"], r["to"]): r["axons"] for r in mapping["routes"]} != sent:
        yield "the routes are not those of the connections"
