"""A network that is one neuron, one axon or one bit too large for a limit is told so by it, for each limit of each target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from snn2hw.estimation.fits import Fit, check_fit
from snn2hw.estimation.limits import CHECKS
from snn2hw.target import Chip, Cores, load_chip, target_names
from snn2hw.target.cores import LIMITS, RULES
from tests.estimation.limit_cases import CASES
from tests.estimation.mapping.cases import stated

# What is broken with a limit: a layer that must lie on one core, or the only core that there is.
ALONG = {
    "cores_per_layer": {"neurons"},
    "cores_per_chip": {"synapse_memory_bits"},
    "chips": {"synapse_memory_bits", "cores_per_chip"},
    "neuron_words": {"cores_per_layer"},
}
MADE_UP = {"state_memory_bits": 19, "instructions": 4, "fan_in": 7}  # limits that no target here states
SLOW = {("synapses_per_chip", "akida-1000"), ("chips", "spinnaker2"), ("chips", "loihi2"), ("neurons_per_chip", "akida-1000"),
        ("cores_per_chip", "truenorth"), ("synapses_per_chip", "loihi2"), ("chips", "loihi1"),
        ("neurons_per_chip", "loihi2"), ("shared_memory_bits", "spinnaker2"), ("shared_memory_bits", "akida-1000"),
        ("synapse_memory_bits", "loihi2"), ("shared_memory_bits", "loihi2")}  # fmt: skip


def of_targets() -> Iterator[Any]:
    for name in target_names():
        chip = load_chip(name)
        for limit in chip.cores.facts if chip.cores else ():
            if limit in LIMITS:
                marks = [pytest.mark.slow] if (limit, name) in SLOW else []
                yield pytest.param(limit, name, marks=marks, id=f"{limit}-{name}")
    yield from (pytest.param(limit, "loihi1", id=f"{limit}-made-up") for limit in MADE_UP)


def both(limit: str, name: str) -> tuple[Fit, Fit, Chip]:
    """What is said of the network that just fits and of the one that does not, with nothing but this limit in the way."""
    chip = load_chip(name)
    assert chip.cores is not None
    fact = chip.cores.facts[limit] if limit in chip.cores.facts else stated(MADE_UP[limit])
    low = fact.low
    value = max(low) if isinstance(low, list) else low
    rules = {k: f for k, f in chip.cores.facts.items() if k in (*RULES, "weight_bits")}
    if limit == "neurons" and "output_neurons" in chip.cores.facts:
        rules["output_neurons"] = chip.cores.facts["output_neurons"]
    cores = Cores(
        {
            "cores_per_chip": stated(len(low) if isinstance(low, list) and LIMITS[limit].kind == "each" else 64),
            **rules,
            limit: fact,
        }
    )
    fine, large, more = CASES[limit](int(value), chip.cores)
    cores = Cores({**cores.facts, **{k: stated(v) for k, v in more.items()}})
    tried = replace(chip, neurons={}, cores=cores)
    how = "search" if limit == "destinations_per_neuron" else "greedy"
    return check_fit(fine, tried, how=how), check_fit(large, tried, how=how), tried


@pytest.mark.parametrize(("limit", "name"), [*of_targets()])
def test_one_too_many_is_refused_by_its_limit(limit: str, name: str) -> None:
    fine, large, chip = both(limit, name)
    assert fine.reasons == ()
    assert not large.fits
    found = {r.limit for r in large.found}
    assert limit in found or (limit in ("cores_per_chip", "chips") and chip.cores and chip.cores.facts[limit].value == 1)
    assert found - {limit} <= ALONG.get(limit, set()), large.reasons


def test_every_limit_has_a_case_and_a_check() -> None:
    assert set(CASES) == set(LIMITS) == set(CHECKS)
    of_shipped = {limit for name in target_names() if (c := load_chip(name).cores) for limit in c.facts if limit in LIMITS}
    assert of_shipped | set(MADE_UP) == set(LIMITS)
