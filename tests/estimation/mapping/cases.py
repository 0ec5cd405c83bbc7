"""Random networks and chips for the mapping, and what the checker reads of them."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from snn2hw.estimation.counts import FREE
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntReadout
from snn2hw.layers import IntConv2d, IntSynapse
from snn2hw.target import Chip, Cores, Fact, load_chip
from tests.estimation.connectivity import connectivity, populations_of
from tests.estimation.hand_integers import Made, lif

CHIPS = ("loihi1", "loihi2", "spinnaker2", "truenorth", "akida-1000", "xylo-audio-2")


def stated(value: Any) -> Fact:
    return Fact(value, "K", "a test")


def chip_with(name: str = "loihi1", **limits: Any) -> Chip:
    """A chip with nothing but these limits of its cores."""
    return replace(load_chip(name), cores=Cores({k: stated(v) for k, v in {"cores_per_chip": 16, **limits}.items()}))


def with_limits(chip: Chip, **limits: Any) -> Chip:
    """The chip with some limits of its cores replaced."""
    assert chip.cores is not None
    facts = {**chip.cores.facts, **{k: stated(v) for k, v in limits.items()}}
    return replace(chip, cores=replace(chip.cores, facts=facts))


def random_network(seed: int, most: int = 60) -> IntegerNetwork:
    """A few layers, all to all or convolutions, some with a residual join, pools, or constants of each channel."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.4:
        made = Made(int(rng.integers(2, 9)), seed=seed)
        for k in range(int(rng.integers(1, 4))):
            if rng.random() < 0.25:
                made.recurrent(f"r{k}", made.last, int(rng.integers(2, max(3, most // 6))))
                continue
            made.linear(f"fc{k}", int(rng.integers(2, max(3, most // 4))), bits=int(rng.integers(2, 9)))
            made.neuron(f"n{k}", program=_program(rng, made.shape(f"fc{k}")[0]))
    else:
        made = Made(int(rng.integers(1, 3)), *(int(n) for n in rng.integers(3, 6, 2)), seed=seed)
        last = ""
        for k in range(int(rng.integers(1, 4))):
            before, channels = made.last, int(rng.integers(1, 4))
            kernel, stride = min(int(rng.choice([1, 2, 3])), *made.shape(made.last)[1:]), int(rng.choice([1, 1, 2]))
            made.conv(f"c{k}", channels, kernel, stride, padding=int(rng.integers(0, 2)), bits=int(rng.integers(2, 9)))
            if last and made.shape(last) == made.shape(f"c{k}") and rng.random() < 0.7:
                made.join(f"join{k}", f"c{k}", last)
            last = before
            made.neuron(f"n{k}", program=_program(rng, made.shape(made.last)[0]))
            if min(made.shape(made.last)[1:]) >= 2 and rng.random() < 0.3:
                made.pool(f"pool{k}", 2)
    made.linear("head", int(rng.integers(2, 5)))
    return made.readout()


def _program(rng: np.random.Generator, channels: int) -> Any:
    several = rng.random() < 0.5
    return lif(tuple(int(t) for t in rng.choice([50, 100, 150], channels if several else 1)))


def random_chip(seed: int, net: IntegerNetwork) -> Chip:
    """A chip as it is, or with cores so small that the network needs several, none of them too small for a neuron."""
    rng = np.random.default_rng(seed + 1_000_003)
    chip = load_chip(CHIPS[seed % len(CHIPS)])
    if rng.random() < 0.15:
        return chip
    network = facts_of(net, chip)
    neurons = sum(prod(n.shape) for n in net.nodes if n.name in network["layers"])
    single = max(int(r.sum(1).max()) for r in network["reads"].values())
    several = max(int(sum(r.sum(1).max() for (t, _), r in network["reads"].items() if t == name)) for name in network["layers"])
    room: dict[str, Any] = {"neurons": int(rng.integers(2, max(3, neurons // 2)))}
    assert chip.cores is not None
    if "in_axons" in chip.cores.facts or rng.random() < 0.3:
        room["in_axons"] = several + int(rng.integers(0, single + 4))
    if "out_axons" in chip.cores.facts and rng.random() < 0.5:
        room["out_axons"] = neurons + int(rng.integers(0, 4 * neurons))
    if rng.random() < 0.3:
        room["synapse_memory_bits"] = 8 * (several + int(rng.integers(several, 6 * several)))
    if rng.random() < 0.3:
        room["parameter_sets"] = int(rng.integers(1, 4))
    gone = {"distinct_weights", "weight_bits", "destinations_per_neuron", "fan_out", "input_channels", "output_neurons", "chips"}
    facts = {k: f for k, f in chip.cores.facts.items() if k not in gone}
    plain = replace(chip, cores=replace(chip.cores, facts=facts))
    return with_limits(plain, cores_per_chip=int(rng.choice([2, 3, 8, 64])), **room)


def facts_of(net: IntegerNetwork, chip: Chip) -> dict[str, Any]:
    """The connections of a network, found by trying, and what its layers need, as plain numbers."""
    names = populations_of(net)
    reads = connectivity(net, names)
    known = {n.name: n for n in net.nodes}
    layers = {}
    for name in names[1:]:
        node = known[name]
        size, channel = prod(node.shape), np.arange(prod(node.shape)) // (prod(node.shape) // node.shape[0])
        sets: list[Any] = [None] * size
        program, bits = {}, 0
        if isinstance(node, IntNeuron):
            bits = sum(s.format.width for s in node.program.states.values())
            program = {node.program.kind: sum(i.op not in FREE for i in node.program.instructions)}
            sets = [tuple(v[c if len(v) > 1 else 0] for v in node.program.params.values()) for c in channel]
        elif isinstance(node, IntReadout):
            bits = net.sum_interval.bits[0]
        layers[name] = {
            "state_bits": bits,
            "sets": sets,
            "program": program,
            "synapses": list(_synapses(known, name, reads, chip, channel)),
        }
    return {"reads": reads, "layers": layers}


def _synapses(known: dict[str, Any], name: str, reads: Any, chip: Chip, channel: Any) -> Any:
    cores, waiting, found = chip.cores, [(i, None) for i in known[name].inputs], []
    assert cores is not None
    if isinstance(known[name], IntSynapse):
        raise AssertionError("no network of these tests has sums that are read as values")
    while waiting:
        at, synapse = waiting.pop()
        node = known[at]
        if (name, at) in reads:
            if synapse is not None:
                found.append((synapse, at))
            continue
        synapse = node if isinstance(node, IntSynapse) else synapse
        waiting += [(i, synapse) for i in node.inputs]
    for node, source in found:
        low, high = int(node.weight.min()), int(node.weight.max())
        width = next(b for b in range(1, 10) if -(1 << (b - 1)) <= low and high < 1 << (b - 1))
        bits = min((w for w in cores.allowed("weight_bits") or () if w >= width), default=width)
        shared = isinstance(node, IntConv2d) and cores.shares_kernels
        yield {"shared": shared, "kernel": channel, "size": node.weight[0].size, "bits": bits, "reads": reads[name, source]}


def limits_of(chip: Chip) -> dict[str, Any]:
    """The numbers of [cores], the lowest where sources contradict each other."""
    assert chip.cores is not None
    return {k: f.low for k, f in chip.cores.facts.items()}
