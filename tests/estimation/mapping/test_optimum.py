"""Against the best of all arrangements of tiny networks, every one of which is tried, neuron by neuron."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from snn2hw.estimation.mapping import map_network
from snn2hw.estimation.resources import resources
from snn2hw.ir.integer import IntegerNetwork
from tests.estimation.connectivity import connectivity, populations_of
from tests.estimation.hand_integers import Made, dense
from tests.estimation.mapping.cases import chip_with


def partitions(n: int) -> Iterator[list[int]]:
    """Every way to lay n things on cores that are all alike."""
    of = [0] * n

    def lay(k: int, used: int) -> Iterator[list[int]]:
        if k == n:
            yield of
            return
        for core in range(used + 1):
            of[k] = core
            yield from lay(k + 1, max(used, core + 1))

    yield from lay(0, 0)


def optimum(net: IntegerNetwork, spikes: dict[str, Any], limits: dict[str, int]) -> float | None:
    """The fewest spikes from core to core; None where nothing keeps to the limits."""
    names = populations_of(net)
    sizes = {n.name: int(np.prod(n.shape)) for n in net.nodes}
    first, total = {}, 0
    for name in names[1:]:
        first[name], total = total, total + sizes[name]
    senders = []  # (spikes, own neuron or None, neurons that read it)
    reads = connectivity(net, names)
    for source in names:
        for k in range(sizes[source]):
            to = [first[t] + int(i) for (t, s), r in reads.items() if s == source for i in np.flatnonzero(r[:, k])]
            if to:
                senders.append((float(spikes[source].flat[k]), first[source] + k if source in first else None, to))
    best: float | None = None
    for of in partitions(total):
        if max(map(of.count, range(total))) > limits.get("neurons", total):
            continue
        cost, axons_in, axons_out = 0.0, [0] * total, [0] * total
        for sent, own, to in senders:
            reach = {of[i] for i in to}
            here = None if own is None else of[own]
            cost += sent * len(reach - {here})
            for core in reach:
                axons_in[core] += 1
            if here is not None:
                axons_out[here] += len(reach)
        kept = max(axons_in) <= limits.get("in_axons", 10**9) and max(axons_out) <= limits.get("out_axons", 10**9)
        if kept and (best is None or cost < best):
            best = cost
    return best


def tiny(seed: int, most: int) -> tuple[IntegerNetwork, dict[str, Any], dict[str, int]]:
    """A network of a few neurons, spikes of each of them, and limits that it breaks on one core."""
    rng = np.random.default_rng(seed)
    if seed % 3:
        sizes = [int(n) for n in rng.integers(1, 4, 3)]
        while sum(sizes) > most - 1:
            sizes[sizes.index(max(sizes))] -= 1
        net = dense(int(rng.integers(1, 4)), *sizes, seed=seed)
    else:
        made = Made(1, 2, 3, seed=seed)
        made.conv("c", 1, 2, padding=0)
        made.neuron("a")
        made.linear("fc", most - 4)
        made.neuron("b")
        made.linear("head", 2)
        net = made.readout()
    names = populations_of(net)
    spikes = {n.name: rng.integers(0, 9, n.shape).astype(float) for n in net.nodes if n.name in names}
    neurons = sum(int(np.prod(n.shape)) for n in net.nodes if n.name in names[1:])
    limits = {"neurons": int(rng.integers(1, max(2, neurons)))}
    if rng.random() < 0.4:
        limits["in_axons"] = int(rng.integers(4, 9))
    if rng.random() < 0.3:
        limits["out_axons"] = int(rng.integers(4, 12))
    return net, spikes, limits


def ratio(seed: int, most: int) -> float | None:
    """Spikes of the mapping over those of the optimum; None where there is none, and the mapping says so."""
    net, spikes, limits = tiny(seed, most)
    best = optimum(net, spikes, limits)
    found = map_network(resources(net), chip_with(cores_per_chip=64, **limits), spikes, seed=seed)
    if best is None:
        assert found is None
        return None
    assert found is not None, (seed, best)
    assert found.fewest <= best + 1e-9
    assert found.spikes_between_cores >= best - 1e-9
    return found.spikes_between_cores / best if best else float(found.spikes_between_cores > 0) + 1.0


def test_a_few_tiny_networks_are_mapped_within_a_tenth_of_the_optimum() -> None:
    ratios = [ratio(seed, 7) for seed in range(5)]
    assert max(r for r in ratios if r is not None) <= 1.1


@pytest.mark.slow
def test_a_hundred_tiny_networks_are_mapped_within_a_tenth_of_the_optimum() -> None:
    ratios = [r for seed in range(140) if (r := ratio(seed, 8)) is not None][:100]
    print(f"{len(ratios)} networks: {sum(r == 1 for r in ratios)} at the optimum, the worst {max(ratios):.3f} of it")
    assert len(ratios) == 100
    assert max(ratios) <= 1.1
