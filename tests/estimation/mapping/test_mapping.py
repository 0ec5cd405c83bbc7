"""Random networks on chips: every limit holds, by a checker of its own, and nothing is worse than what is greedy."""

from __future__ import annotations

import json

import pytest

from snn2hw.estimation.mapping import map_network
from snn2hw.estimation.resources import resources
from tests.estimation.mapping.cases import facts_of, limits_of, random_chip, random_network
from tests.estimation.mapping.checker import problems


def checked(seed: int, how: str = "auto", effort: float = 1.0) -> tuple[int, float, float]:
    """(cores, spikes between them, the same of the greedy mapping) of one case; 0 cores where nothing fits."""
    net = random_network(seed)
    chip = random_chip(seed, net)
    found = resources(net)
    mapping = map_network(found, chip, how=how, effort=effort, seed=seed, network=f"random {seed}")
    if mapping is None:
        return 0, 0.0, 0.0
    document = json.loads(json.dumps(mapping.document()))
    network = facts_of(net, chip)
    limits = {k: v for k, v in limits_of(chip).items() if k != "chips"}
    assert [*problems(document, network, limits)] == [], f"random_network({seed}) on {chip.name}"
    plain = map_network(found, chip, how="greedy")
    assert plain is not None
    assert [*problems(plain.document(), network, limits)] == []
    assert mapping.fewest <= mapping.spikes_between_cores <= plain.spikes_between_cores + 1e-9
    return mapping.cores, mapping.spikes_between_cores, plain.spikes_between_cores


def test_a_mapping_keeps_to_every_limit_and_is_no_worse_than_greedy() -> None:
    found = [checked(seed, "auto" if seed < 2 else "search", 0.1) for seed in range(30)]
    assert sum(cores > 1 for cores, _, _ in found) > 10
    assert sum(now for _, now, _ in found) < 0.8 * sum(before for _, _, before in found)
    assert sum(cores == 0 for cores, _, _ in found) < 6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_mappings_keep_to_every_limit(part: int) -> None:
    found = [checked(seed) for seed in range(30 + 250 * part, 30 + 250 * (part + 1))]
    better = sum(now < before for _, now, before in found)
    print(f"{len(found)} networks: {sum(c > 1 for c, _, _ in found)} on several cores, {sum(c == 0 for c, _, _ in found)} have "
          f"no room; {better} send fewer spikes than the greedy mapping")  # fmt: skip
    assert better > 50
