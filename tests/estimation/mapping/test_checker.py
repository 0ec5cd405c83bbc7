"""The checker sees what is wrong: a good mapping is damaged in one place, or the chip has one less of something."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from snn2hw.estimation.mapping import map_network
from snn2hw.estimation.resources import resources
from tests.estimation.hand_integers import Made, lif
from tests.estimation.mapping.cases import chip_with, facts_of, limits_of
from tests.estimation.mapping.checker import problems


@pytest.fixture(scope="module")
def good() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    made = Made(1, 4, 4)
    made.conv("conv", 2)
    made.neuron("n", program=lif((10, 20)))
    made.linear("head", 3)
    net = made.readout()
    chip = chip_with(neurons=12, in_axons=99, out_axons=99, state_memory_bits=999, synapse_memory_bits=9999,
                     shared_memory_bits=9999, parameter_sets=9, instructions=9, cores_per_chip=2)  # fmt: skip
    found = map_network(resources(net), chip, how="greedy")
    assert found is not None
    return found.document(), facts_of(net, chip), limits_of(chip)


Damage = Callable[[dict[str, Any]], None]


def block(d: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = d["cores"][0]["blocks"][0]
    return first


DAMAGES: dict[str, Damage] = {
    "a neuron nowhere": lambda d: block(d).update(rows=[block(d)["rows"][0], block(d)["rows"][1] - 1]),
    "a neuron twice": lambda d: d["cores"][1]["blocks"].append(dict(block(d))),
    "an empty block": lambda d: d["cores"][0]["blocks"].append({**block(d), "rows": [1, 1]}),
    "a core twice": lambda d: d["cores"][0].update(chip=d["cores"][1]["chip"], position=d["cores"][1]["position"]),
    "a core that there is not": lambda d: d["cores"][0].update(position=2),
    "a core of no chip": lambda d: d["cores"][0].update(position=-1),
    "a route less": lambda d: d["routes"].pop(),
    "an axon more": lambda d: d["routes"][0].update(axons=d["routes"][0]["axons"] + 1),
    "a load that is not true": lambda d: d["cores"][0]["loads"].update(neurons=1),
}


def test_a_good_mapping_has_no_problem(good: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
    assert [*problems(*good)] == []
    assert len(good[0]["cores"]) > 2


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_mapping_has_one(good: tuple[dict[str, Any], dict[str, Any], dict[str, Any]], name: str) -> None:
    document, network, limits = copy.deepcopy(good[0]), good[1], good[2]
    DAMAGES[name](document)
    assert [*problems(document, network, limits)]


@pytest.mark.parametrize("limit", ["neurons", "in_axons", "out_axons", "state_memory_bits", "synapse_memory_bits",
                                   "shared_memory_bits", "parameter_sets", "instructions"])  # fmt: skip
def test_one_less_of_what_is_used_is_a_problem(good: tuple[dict[str, Any], dict[str, Any], dict[str, Any]], limit: str) -> None:
    document, network, limits = good
    used = max(core["loads"][limit] for core in document["cores"])
    assert [*problems(document, network, {**limits, limit: used})] == []
    assert any(limit in said for said in problems(document, network, {**limits, limit: used - 1}))


def test_more_chips_and_more_destinations_than_there_are(good: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
    document, network, limits = good
    assert [*problems(document, network, {**limits, "chips": 1})] == ["more chips than there are"]
    assert any("too many cores" in said for said in problems(document, network, {**limits, "destinations_per_neuron": 0}))
