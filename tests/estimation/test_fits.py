"""Why a chip does not hold a network, in words; what is not public is said, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.estimation.abilities import lacking
from snn2hw.estimation.fits import check_fit
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.num import Format
from snn2hw.target import Chip, Cores, load_chip
from tests.estimation.hand_integers import Made, dense, lif
from tests.estimation.limit_cases import branches, chain, spread
from tests.estimation.mapping.cases import chip_with, stated, with_limits
from tests.hand_networks import attending, compiled, every_kind


def test_all_reasons_are_said_at_once() -> None:
    made = Made(4100, hi=3)
    made.linear("fc", 40, weight=(np.arange(40 * 4100).reshape(40, -1) % 127).astype(np.int8))
    made.neuron("n", program=lif(range(1, 41), Format(30, 0, True), decay=range(1, 41)))
    made.linear("head", 4097)
    fit = check_fit(made.readout(), load_chip("loihi1"))
    assert not fit.fits
    assert fit.reasons == (
        "input: a spike of 2 bits, limit 1",
        "n (Neuron): a state of 30 bits, limit 24",
        "n (Neuron): 4,100 input axons on a core, limit 4,096",
    )
    assert fit.mapping is None
    assert fit.gaps[-1] == "not public: bits of states on a core"


@pytest.mark.parametrize(
    ("chip", "net", "reason"),
    [
        (chip_with(neurons=4, cores_per_chip=2, chips=1), dense(2, 6, 3),
         "the network: 9 neurons, all cores together hold 8: the chip has 2 of them"),
        (chip_with(neurons=4, cores_per_chip=2, chips=3), dense(2, 20, 5),
         "the network: 25 neurons, all cores together hold 24: each of 3 chips has 2 of them"),
        (chip_with(neurons_per_chip=7, chips=1), dense(2, 6, 2), "the network: 8 neurons, 1 chip holds 7"),
        (chip_with(neurons_per_chip=4, chips=2), dense(2, 6, 3), "the network: 9 neurons, 2 chips hold 8"),
        (chip_with(fan_out=2), spread(3), "n (Neuron): 3 synapses out of a neuron, limit 2"),
        (chip_with(layers_per_core=1, destinations_per_core=2), branches(3),
         "n (Neuron): 3 layers on other cores that a core sends spikes to, limit 2"),
        (chip_with(synapse_memory_bits=10, weight_bits=[6], cores_per_chip=2, chips=1),
         chain(1, 3, weights=np.full((3, 1), -32, np.int8)), "the network: 3 cores are needed, the chip has 2"),
        (chip_with(weight_bits=[1, 2, 4]), chain(1, 1, weights=np.full((1, 1), 9, np.int8)),
         "fc (Linear): weights of 5 bits, allowed 1, 2, 4"),
    ],
)  # fmt: skip
def test_a_reason_says_what_is_needed_and_what_there_is(chip: Chip, net: IntegerNetwork, reason: str) -> None:
    assert check_fit(net, replace(chip, neurons={}), how="greedy").reasons == (reason,)


def test_a_limit_on_which_sources_differ_is_taken_at_its_lowest() -> None:
    chip = load_chip("xylo-audio-2")
    (reason,) = [r.text for r in check_fit(spread(64), replace(chip, neurons={})).found if r.limit == "fan_out"]
    assert reason == "n (Neuron): 64 synapses out of a neuron, limit 63 to 64, sources contradict each other"


def test_a_network_that_is_too_large_for_any_number_of_chips() -> None:
    """No number of chips helps a neuron that reads more than a core can hear."""
    chip = with_limits(chip_with(), in_axons=4)
    assert chip.cores is not None
    assert "chips" not in chip.cores.facts
    fit = check_fit(chain(5, 1), replace(chip, neurons={}))
    assert fit.reasons == ("n (Neuron): 5 input axons on a core, limit 4",)
    assert fit.mapping is None


def test_what_a_neuron_of_the_chip_cannot_do() -> None:
    net, chip = compiled(every_kind()).network, load_chip("speck2f")
    found = dict(lacking(net, chip))
    assert found["state_multiply"] == (
        "lnm (LNM): it multiplies two values neither of which is a constant, which a neuron of the target cannot do"
    )
    assert found["payload_bits"] == "flat (Flatten): a spike of 3 bits, limit 1"
    able = {"state_multiply": True, "payload_bits": 8, "state_bits": 20, "accumulator_bits": 48, "synapse_bits": 24}
    assert [*lacking(net, replace(chip, neurons=able))] == []
    narrow = dict(lacking(net, replace(chip, neurons={"accumulator_bits": 17, "synapse_bits": 5, "state_bits": 9})))
    assert set(narrow) == {"accumulator_bits", "synapse_bits", "state_bits"}
    attention = compiled(attending()).network
    assert {"payload_products"} <= {limit for limit, _ in lacking(attention, chip)}


def test_a_target_of_whose_cores_nothing_is_stated() -> None:
    fit = check_fit(dense(2, 3, 2), load_chip("generic"))
    assert (fit.fits, fit.mapping, fit.gaps) == (True, None, ("not stated: what the cores of generic hold",))


def test_what_is_not_public_is_said_of_a_chip_that_holds_the_network() -> None:
    fit = check_fit(dense(2, 3, 2), load_chip("akida-1000"))
    assert fit.gaps == tuple(f"not public: {said}" for said in (
        "chips that work together", "neurons on a core",
        "input axons on a core: neurons, or input values, that send spikes to it",
        "output axons on a core: pairs of a neuron and a core that it sends spikes to",
    ))  # fmt: skip
    assert fit.fits
    assert Cores({"cores_per_chip": stated(1)}).missing == ()
