"""Energy is the counts times the prices, and nothing is priced that a target has no price for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.errors import TargetError
from snn2hw.estimation.break_even import break_even
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.energy import energy
from snn2hw.estimation.quantity import Quantity
from snn2hw.ir.integer import Ints
from snn2hw.target import Chip, Fact, load_chip
from tests.hand_networks import compiled, counts, lif, linear, network, readout
from tests.refused import refused


def some_counts(seed: int = 0, density: float = 0.5, steps: int = 5) -> Counts:
    rng = np.random.default_rng(seed)
    nodes = [
        counts(40),
        linear("fc", "input", rng.normal(0, 0.5, (30, 40))),
        lif("n", "fc"),
        linear("head", "n", rng.normal(0, 1, (3, 30))),
    ]
    x = (rng.random((steps, 8, 40)) < density).astype(float)
    net = compiled(network(steps, *nodes, readout("head")), x).network
    payloads: Ints = x.astype(np.int64)
    found = Counts(net)
    found.add(payloads, interpret(net, payloads))
    return found


def chip(**prices: float) -> Chip:
    facts = {name: Fact(value, "F", f"about {name}", "pJ") for name, value in prices.items()}
    return Chip("c", "a chip", {}, energy=facts)


def picojoules(q: Quantity | None) -> float:
    assert q is not None
    return q.value * 1e12


def test_synapses_neurons_and_spikes_are_added_up() -> None:
    found = some_counts()
    n, operations = found.samples, sum(int(s.operations.sum()) for s in found.synapses.values())
    got = energy(found, chip(synaptic_operation=10, neuron_update=7, neuron_update_idle=3, spike=2))
    assert got is not None
    changed, every = int(found.neurons["n"].changed.sum()), 30 * found.steps * n
    sent = int(found.neurons["n"].sent.sum())
    assert picojoules(got.parts["synapses"]) == pytest.approx(10 * operations / n)
    assert picojoules(got.parts["neurons"]) == pytest.approx((7 * changed + 3 * (every - changed)) / n)
    assert picojoules(got.parts["spikes"]) == pytest.approx(2 * sent / n)
    assert picojoules(got.total) == pytest.approx(sum(picojoules(p) for p in got.parts.values()))
    assert picojoules(Quantity.sum(got.layers.values())) == pytest.approx(picojoules(got.total))
    assert got.left_out == ()
    sent_twice = energy(found, chip(spike=2), {"n": 2.5})
    assert sent_twice is not None
    assert picojoules(sent_twice.total) == pytest.approx(2.5 * 2 * sent / n)


def test_a_neuron_without_a_price_costs_its_instructions() -> None:
    found = some_counts()
    layer = found.neurons["n"]
    products = layer.instructions.get("mul", 0)
    others = sum(layer.instructions.values()) - products
    got = energy(found, chip(addition=1, multiplication=100, state_access=1000))
    assert got is not None
    assert picojoules(got.parts["neurons"]) == pytest.approx(30 * found.steps * (others + 100 * products + 2000 * layer.states))


def test_graded_values_are_multiplied() -> None:
    found = some_counts()
    layer = found.synapses["fc"]
    layer.single[:], layer.graded[:] = 80, 40
    got = energy(found, chip(addition=1, multiplication=10, weight_read=5))
    assert got is not None
    steps, n = found.steps, found.samples
    assert picojoules(got.layers["fc"]) == pytest.approx(steps * (120 * 1 + 40 * 10 + 120 * 5) / n)


def test_what_has_no_price_is_named() -> None:
    found = some_counts()
    got = energy(found, chip(synaptic_operation=10))
    assert got is not None
    assert set(got.parts) == {"synapses"}
    assert got.left_out == ("energy of neurons", "energy of spikes")
    assert energy(found, replace(chip(), energy={})) is None
    assert energy(found, replace(chip(), energy={"busy": Fact(3, "F", "a", "mW")})) is None


def test_both_networks_take_the_same_at_the_break_even() -> None:
    table, found = load_chip("cmos-45nm"), some_counts(density=0.1)
    before = break_even(found, table)
    assert before is not None
    layers = list(found.synapses.values())
    for layer in layers:  # as many operations as at r*, all of them additions, in every layer
        layer.graded[:] = 0
        layer.single[:] = round(before.with_memory * layer.dense * found.samples * 1e6)
    found.samples *= 1_000_000
    after = break_even(found, table)
    assert after is not None
    assert after.rate == pytest.approx(before.with_memory, rel=1e-3)
    neurons_of = some_counts(density=0.1)
    assert neurons_of.samples == 8
    assert after.spiking == pytest.approx(after.other, rel=1e-3)


def test_the_table_is_asked_for_what_is_missing() -> None:
    with refused(
        TargetError,
        """
        a target has no price that the break-even needs
          where:    loihi1
          got:      no addition, multiplication, weight_read, state_access
          expected: [energy] with addition, multiplication, weight_read, state_access
          do:       take the target cmos-45nm
        """,
    ):
        break_even(some_counts(), load_chip("loihi1"))
