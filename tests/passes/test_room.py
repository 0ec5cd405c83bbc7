"""Scales for which the target has room, and heads that keep the precision of every channel."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from bench import powers, scales
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Current, Network, Neuron, Node, Potential
from snn2hw.ir.program import Op
from snn2hw.ir.real import run_real
from snn2hw.ir.scale import floor_log2
from snn2hw.layers import BatchNorm, IntLinear, Linear, MatMul
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.passes.room import GUARD, behind, excess, held_point, magnitudes, worth
from snn2hw.target import load_target
from tests.hand_networks import (
    add,
    attending,
    average,
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    integrate,
    lif,
    linear,
    network,
    normal,
    one_neuron,
    readout,
    recurrent,
)
from tests.random_networks import ATTENTION, RECURRENT, random_case


@pytest.mark.parametrize("target", ["generic", "loihi2"])
@pytest.mark.parametrize("kind", ["auto", "layer", "channel"])
def test_a_channel_with_weights_a_thousand_times_smaller_fires_as_in_float(target: str, kind: str) -> None:
    weight = np.random.default_rng(0).uniform(-0.25, 0.25, (4, 16)) * 8
    weight[0] /= 8000
    net = network(
        6, counts(16), linear("fc", "input", weight, [0.9, 0.0, 0.1, -0.1]), lif("fire", "fc"),
        linear("head", "fire", np.eye(2, 4)), readout("head"),
    )  # fmt: skip
    x = (np.random.default_rng(0).random((6, 8, 16)) < 0.4).astype(float)
    spikes: list[Any] = []
    run_real(net, x, lambda node, _, value: spikes.append(value) if isinstance(node, Neuron) else None)
    done = compiled(net, x, target=target, scales=kind).network
    got = interpret(done, encode(done, x)).spikes["fire"]
    np.testing.assert_array_equal(got[:, :, 0], np.stack(spikes)[:, :, 0])
    assert got[:, 0, 0].tolist() == [0, 1, 1, 0, 1, 1]


CORNERS = [(0.0, 0.7), (1e-6, 0.9), (1e-4, 0.5), (0.1, 0.3)]


@pytest.mark.parametrize("name", scales.neurons())
@pytest.mark.parametrize("layer", scales.LAYERS)
def test_no_channel_beside_larger_ones_is_off_by_more_than_its_state_tells(name: str, layer: str) -> None:
    for seed, ((gamma, beta), target) in enumerate(product(CORNERS, scales.TARGETS)):
        net, x = scales.network(layer, scales.neurons()[name], gamma, beta, seed)
        seen = scales.measured(net, scales.compiled(net, x, target), x)
        assert seen.beyond <= 0.0, f"{target}, gamma {gamma}, beta {beta}"
        assert not seen.unexplained, f"{target}, gamma {gamma}, beta {beta}"


@pytest.mark.slow
@pytest.mark.parametrize("name", scales.neurons())
def test_no_channel_of_the_whole_grid_is_off_by_more_than_its_state_tells(name: str) -> None:
    found = list(scales.grid(names=[name]))
    assert [what for what, seen in found if isinstance(seen, str) or seen.beyond > 0.0 or seen.unexplained] == []


def test_what_a_network_is_refused_for_no_scale_chose() -> None:
    """Fan-ins and inputs so large that sums need every bit of the target; what generic takes, loihi2 takes."""
    for seed, (fan_in, hi) in enumerate([(4000, 1), (2000, 255), (64, 255)]):
        rng = np.random.default_rng(seed)
        weight = rng.normal(0, 1 / hi, (4, fan_in)) * np.array([[1.0], [1e-3], [30.0], [0.1]])
        net = network(
            2, counts(fan_in, hi=hi), linear("fc", "input", weight, [0.9, 0.9, -0.5, 1.0]), lif("fire", "fc"),
            linear("head", "fire", np.eye(3, 4)), readout("head"),
        )  # fmt: skip
        x = rng.integers(0, hi + 1, (2, 3, fan_in)).astype(float)
        for kind in ("auto", "layer", "channel"):
            done = compiled(net, x, target="loihi2", scales=kind)
            (sums,) = (n for n in done.network.nodes if n.name == "fc")
            assert 15 < sums.format.width <= 24
            assert max(i.format.width for n in done.network.neurons for i in n.program.instructions) <= 32


def test_a_factor_that_is_no_power_of_two_keeps_its_bits_in_every_channel() -> None:
    """A gain that no weights take, channels of very different scales: aligned first, then multiplied in words."""
    weight = np.array([[4.0, -3.0], [4e-4, 3e-4]])
    net = network(
        2, counts(2, hi=255), linear("fc", "input", weight, [0.1, 0.3]), lif("a", "fc", gain=1.1, state_range=(-2000.0, 2000.0)),
        lif("b", "fc", gain=0.7, state_range=(-2000.0, 2000.0)), linear("head", "b", np.eye(2)), readout("head"),
    )  # fmt: skip
    x = np.random.default_rng(0).integers(0, 256, (2, 4, 2)).astype(float)
    for target in ("generic", "loihi2"):
        done = compiled(net, x, target=target, state_bits=20, scales="channel")
        assert done.findings == ()
        programs = [n.program for n in done.network.neurons]
        assert max(len(p.of(Op.MUL)) for p in programs) >= 3  # lift, words, decay


@pytest.mark.parametrize("k", [0, 1, 22, 200])
def test_logarithms_are_exact_at_powers_of_two(k: int) -> None:
    below, above = np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0)
    values = np.array([1.0, below, above, 1.5, 127.0, np.nextafter(127.0, 200.0)]) * 2.0**-k
    assert (floor_log2(1.0, values) - k).tolist() == [0, 0, -1, -1, -7, -7]
    assert (floor_log2(127.0, values) - k).tolist() == [6, 6, 6, 6, 0, -1]


def test_magnitudes_bound_every_value_and_are_reached_by_sums() -> None:
    weight, bias = normal(1, 2, 2, 3, 3), [0.5, -1.0]
    net = network(
        2, counts(2, 4, 4, lo=-2, hi=3), conv("conv", "input", weight, bias), average("pool", "conv"),
        circulate("cf", "pool", (1.0, 0.5, 0.25)), flatten("flat", "cf"), linear("fc", "flat", [[2.0, -3.0]], [1.0]),
        add("twice", "fc", "fc"), lif("lif", "twice", state_range=(-1.0, 9.0)), linear("head", "lif", [[0.5]]), readout("head"),
    )  # fmt: skip
    sums = float((np.abs(weight).sum((1, 2, 3)) * 3 + np.abs(bias)).max())
    fc = 5 * 1.75 + 1
    expected = {"input": 3.0, "conv": sums, "pool": sums, "cf": 1.75, "flat": 1.75, "fc": fc, "twice": 2 * fc, "lif": 1.0}
    assert magnitudes(net) == pytest.approx({**expected, "head": 0.5, "readout": 0.5})
    membrane = replace(lif("lif", "twice", state_range=(-9.0, 4.0)), firing=Potential())
    with_potential = replace(net, nodes=tuple(membrane if n.name == "lif" else n for n in net.nodes))
    assert magnitudes(with_potential)["lif"] == 9.0
    assert magnitudes(recurrent())["back"] == 1.0


@pytest.mark.parametrize("factor", [0.125, 0.3])
def test_the_magnitude_of_a_product_is_that_of_all_its_terms(factor: float) -> None:
    net = attending(factor=factor)
    found, products = magnitudes(net), [n for n in net.nodes if isinstance(n, MatMul)]
    assert products
    for node in products:
        a, b = node.inputs
        terms = np.prod(next(n.shape for n in net.nodes if n.name == a))
        assert found[node.name] == pytest.approx(abs(node.factor) * found[a] * found[b] * terms)


def test_a_channel_is_no_coarser_than_the_room_of_its_target_asks() -> None:
    """Small weights beside large ones: where three bits more would not fit."""
    weight = np.random.default_rng(0).uniform(-0.25, 0.25, (4, 16)) * 8
    weight[0] /= 8e6
    net = network(
        2, counts(16), linear("fc", "input", weight, [0.9, 0.0, 0.1, -0.1]), lif("fire", "fc"),
        linear("head", "fire", np.eye(2, 4)), readout("head"),
    )  # fmt: skip
    done = compiled(net, np.ones((2, 2, 16)), target="loihi2")
    fc = next(n for n in done.network.nodes if n.name == "fc")
    exponents, limits = list(done.scales["fc"].exponents), load_target("loihi2").lowering
    assert excess(exponents, 13, fc.interval.magnitude, 2.0 ** (limits.accumulator_bits - 2)) == 0
    finer = [exponents[0] + 3, *exponents[1:]]
    assert excess(finer, 13, fc.interval.magnitude * 8, 2.0 ** (limits.accumulator_bits - 2)) > 0


@pytest.mark.parametrize("seed", [*range(20), *range(RECURRENT, RECURRENT + 10), *range(ATTENTION, ATTENTION + 5)])
def test_magnitudes_bound_what_random_networks_compute(seed: int) -> None:
    case = random_case(seed)
    bounds, seen = magnitudes(case.network), dict[str, float]()

    def observe(node: Node, _: Any, value: Any) -> None:
        seen[node.name] = max(seen.get(node.name, 0.0), float(np.abs(value).max()))

    run_real(case.network, case.sample, observe)
    skipped = {n.name for n in case.network.nodes if isinstance(n, BatchNorm)}  # folded before anything is asked
    first = next((k for k, n in enumerate(case.network.nodes) if n.name in skipped), len(case.network.nodes))
    assert all(seen[n.name] <= bounds[n.name] * (1 + 1e-12) for n in case.network.nodes[:first])


def test_what_a_sum_reaches_without_passing_a_neuron() -> None:
    net = network(
        2, counts(2, 4, 4), conv("conv", "input", normal(1, 2, 2, 1, 1)), average("pool", "conv"), average("again", "pool"),
        add("twice", "pool", "pool"), lif("a", "twice"), flatten("flat", "again"), linear("fc", "flat", normal(2, 3, 2)),
        lif("b", "fc"), linear("head", "b", normal(3, 2, 3)), readout("head"),
    )  # fmt: skip
    assert {b.node.name: b.taps for b in behind("conv", net)} == {"pool": 4, "again": 16, "twice": 4, "a": 4, "flat": 16}
    assert [b.node.name for b in behind("head", net)] == ["readout"]


def test_the_point_at_which_a_sum_is_as_fine_as_the_state() -> None:
    assert held_point(lif("n", "x"), 16) == 13
    assert held_point(lif("n", "x", gain=300.0), 16) == 13 + 9
    assert held_point(lif("n", "x", gain=-0.01), 16) == 13 - 6
    assert held_point(lif("n", "x", current=Current(np.array([0.5]), (-32.0, 32.0))), 16) == 10
    assert worth(lif("n", "x"), 16, 1.0) == worth(lif("n", "x"), 16, 0.0) == 13 + GUARD
    assert worth(lif("n", "x"), 16, 17.0) == 13 + GUARD + 5


def test_bits_that_channels_brought_to_one_point_miss() -> None:
    assert excess([3, 5], 13, 100, 2.0**22) == 0
    assert excess([3, 5], 13, 2**20, 2.0**22) == 8
    assert excess([3, 15], 13, 2**20, 2.0**22) == 10
    assert excess([3, 3], 3, 2**22, 2.0**22) == 0
    assert excess([3, 3], 3, 2**22 + 1, 2.0**22) == 1
    assert excess([3, 4], 3, 0, 2.0) == 0


def test_rounding_that_makes_a_sum_too_wide_takes_a_coarser_scale() -> None:
    """Every weight rounds up, from a half: the real sum fits, that of the integers would not."""
    net = network(
        2, counts(508, hi=255), linear("fc", "input", np.full((2, 508), 64.5 * 2.0**-13)), lif("fire", "fc"),
        linear("head", "fire", np.eye(2)), readout("head"),
    )  # fmt: skip
    for kind in ("auto", "layer", "channel"):
        done = compiled(net, np.ones((2, 2, 508)), target="loihi2", scales=kind).network
        (fc,) = (n for n in done.nodes if n.name == "fc")
        assert isinstance(fc, IntLinear)
        assert fc.weight.tolist() == np.full((2, 508), 32).tolist()


def integers(net: Network, x: Any, target: str) -> Any:
    return powers.raw(run_pipeline(Compilation(net, load_target(target), Options(state_bits=12), x)).network)


@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_networks_times_a_power_of_two_have_the_same_integers(target: str) -> None:
    images = every_kind_sample()
    for net, x in (
        (every_kind(), images),
        (recurrent(), np.ones((6, 2, 3))),
        (one_neuron(lif("n", "", gain=0.3)), np.ones((2, 3, 2))),
    ):
        before = integers(net, x, target)
        for k in (1, 9, 24, 60):
            small = powers.scaled(net, k)
            assert small is not None
            assert integers(small, x, target) == before, f"k = {k}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_random_networks_times_a_power_of_two_have_the_same_integers(part: int) -> None:
    for case in list(powers.cases())[part::4]:
        before = powers.integers(case.network, case)
        for k in (1, 7, 20, 47, 60):
            small = powers.scaled(case.network, k)
            assert small is not None
            assert powers.integers(small, case) == before, f"seed {case.seed}, k = {k}"


def in_si_units(net: Network) -> Network:
    """Weights and biases of 1e-9, and neurons of a resistance of 1e9."""
    nodes: list[Node] = []
    for node in net.nodes:
        if isinstance(node, Linear) and node.name != "head":
            node = replace(node, weight=node.weight * 1e-9, bias=node.bias * 1e-9)
        nodes.append(replace(node, gain=1e9) if isinstance(node, Neuron) else node)
    return replace(net, nodes=tuple(nodes))


SYNAPSES: dict[str, Network] = {
    "two into one neuron": network(
        4, counts(3), linear("a", "input", normal(1, 2, 3), [0.1, 0.2]), linear("b", "input", normal(2, 2, 3)),
        add("sum", "a", "b"), lif("n", "sum"), linear("head", "n", normal(3, 2, 2)), readout("head"),
    ),
    "a recurrent edge": recurrent(steps=4),
    "read by two neurons": network(
        4, counts(3), linear("a", "input", normal(4, 2, 3)), lif("n", "a"), integrate("m", "a"), add("sum", "n", "m"),
        linear("head", "sum", normal(5, 2, 2)), readout("head"),
    ),
    "read by an addition, too": network(
        4, counts(3), linear("a", "input", normal(6, 2, 3)), lif("n", "a"), linear("b", "n", normal(7, 2, 2)),
        add("sum", "a", "b"), integrate("m", "sum"), linear("head", "m", normal(5, 2, 2)), readout("head"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("target", ["generic", "loihi2"])
@pytest.mark.parametrize("name", SYNAPSES)
def test_si_units_have_the_integers_of_units_of_one(name: str, target: str) -> None:
    net, x = SYNAPSES[name], np.random.default_rng(0).integers(0, 2, (4, 5, 3)).astype(float)
    before = integers(net, x, target)
    assert all(np.count_nonzero(weight) >= 3 for _, weight, _ in before[0])
    assert integers(in_si_units(net), x, target) == before


def test_what_is_at_the_end_of_float32_is_compiled_like_anything_else() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 5))
    net = network(3, counts(5), linear("fc", "input", weight), lif("n", "fc"), linear("head", "n", np.eye(3)), readout("head"))
    tiny = powers.scaled(net, 126)
    assert tiny is not None
    x = np.ones((3, 1, 5))
    a, b = (run_pipeline(Compilation(n, load_target("generic"), Options(), x)).network for n in (net, tiny))
    assert powers.raw(a) == powers.raw(b)
