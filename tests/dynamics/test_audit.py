"""Neurons whose dynamics are known, and what the audit says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics.audit import RESTED, ChannelDynamics, audit
from snn2hw.dynamics.maps import maps_of
from snn2hw.ir.network import Single
from tests.dynamics.layers import channel, made, one, torch_layer
from tests.hand_networks import circulate, compiled, counts, linear, network, neuron, readout


def test_a_leak_ends_at_zero() -> None:
    c = channel([0.0, 0.5])
    assert [(p.at, p.slope) for p in c.fixed_points] == [pytest.approx((0.0, 0.5), abs=1e-6)]
    (real,) = c.reals
    assert (real.period, real.basin, real.fires, real.bounds) == (1, 1.0, False, ())
    assert c.enumerated
    assert sum(a.basin for a in c.integers) == pytest.approx(1)
    assert max(abs(v) for a in c.integers for v in (*a.low.values(), *a.high.values())) < 1e-3
    assert (c.escapes, c.real_escapes, c.rest) == (0.0, 0.0, 0.0)


def test_two_rests_and_the_unstable_point_between_them() -> None:
    """u' = 1.5 u - 0.5 u^3 rests at -1, 0 and 1, and 0 is unstable; the threshold of 3 is out of reach."""
    c = channel([0.0, 1.5, 0.0, -0.5], state_range=(-1.5, 1.5), firing=Single(1.4))
    assert [round(p.at, 5) for p in c.fixed_points] == [-1.0, 0.0, 1.0]
    assert [p.stable for p in c.fixed_points] == [True, False, True]
    assert c.fixed_points[1].slope == pytest.approx(1.5, abs=1e-3)
    assert sorted(round(next(iter(a.low.values())), 3) for a in c.reals if a.basin > 0.01) == [-1.0, 1.0]
    assert sum(a.basin for a in c.integers if abs(abs(next(iter(a.low.values()))) - 1) < 0.01) > 0.99


def test_an_unstable_map_escapes_to_both_bounds() -> None:
    layer = one([0.0, 1.3], state_range=(-2.0, 2.0), firing=Single(1.99), reset="none")
    (c,) = layer.channels
    assert c.real_escapes > 0.99
    assert c.escapes > 0.99
    (said,) = (f for f in layer.findings if "ends at a bound" in f)
    assert said.startswith(
        "without input, 100.0 % of the range ends at a bound of u and stays there (channel 0; of the real map 99.9 %): "
    )
    assert "0 (unstable, slope 1.30)" in said


def test_cycles_that_only_rounding_makes() -> None:
    """u' = -0.97 u falls to 0; the integers of 8 bits stop falling where half a unit is all that is lost in a step."""
    layer = one([0.0, -0.97], state_bits=8)
    (c,) = layer.channels
    (real,) = c.reals
    assert (real.period, real.basin) == (1, 1.0)
    assert c.made_by_rounding > 8
    assert {a.period for a in c.integers} == {1, 2}
    assert 10 < c.farthest < 40
    (said,) = (f for f in layer.findings if f.startswith("rounding makes "))
    assert said.endswith(f"the farthest is {c.farthest:.0f} units of the state off")


def test_a_layer_that_cannot_fire_is_proved_silent() -> None:
    layer = one([0.0, 0.2], state_range=(-1.0, 1.0), firing=Single(3.0))
    assert layer.silent.startswith("its membrane reaches ")
    assert layer.silent.endswith(", for every state and input, and its threshold is 3")
    assert layer.findings[0] == f"this layer cannot fire: {layer.silent}"
    assert one([0.0, 0.5]).silent == ""


def test_a_neuron_that_fires_by_itself() -> None:
    """u' = u + 0.3, threshold 1, reset by subtraction: it goes round, and fires on the way."""
    c = channel([0.3, 1.0], state_range=(-2.0, 2.0))
    assert any(a.fires for a in c.integers)
    assert all(a.period != 1 for a in c.integers if a.fires)
    assert c.rest > 0


@pytest.mark.parametrize(("rising", "period", "known"), [(0.25, 4, True), (2.0**-8, 256, True), (2.0**-10, 1024, False)])
def test_where_the_initial_state_ends_is_told_only_where_it_ended(rising: float, period: int, known: bool) -> None:
    """u' = u + a, threshold 1, reset by subtraction: a cycle of 1 / a steps, whose farthest state is 1 - a."""
    layer = one([rising, 1.0], state_range=(-2.0, 2.0))
    (c,) = layer.channels
    assert c.rested == known
    says = [f for f in layer.findings if "initial state" in f]
    if known:
        (state,) = made([rising, 1.0], state_range=(-2.0, 2.0)).neurons[0].program.states.values()
        assert c.rest == (period - 1) / period * 2**state.format.frac
        assert says == [f"the initial state is not at rest: without input it ends {c.rest:,.0f} units away (channel 0)"]
    else:
        assert says == [
            "where the initial state ends without input is not known: it still moves after 1,024 steps, "
            f"{c.rest:,.0f} units away by then (channel 0)"
        ]


def test_a_state_that_creeps_to_its_rest_is_not_said_to_be_there() -> None:
    """u' = u + (2 - u) / 1000 rests at 2, and is at 2 (1 - exp(-1.024)) after 1,024 steps."""
    layer = one([0.002, 0.999], firing=Single(3.0))
    (c,) = layer.channels
    assert not c.rested
    (state,) = made([0.002, 0.999], firing=Single(3.0)).neurons[0].program.states.values()
    assert c.rest * 2.0**-state.format.frac == pytest.approx(2 * (1 - np.exp(-1.024)), abs=0.05)


def test_a_state_that_rests_only_after_the_steps_that_a_cycle_is_given_is_at_its_end() -> None:
    """u' = u + (2 - u) / 100: its integers move for more than 512 steps, and for fewer than 1,024."""
    layer = one([0.02, 0.99], firing=Single(3.0))
    (c,) = layer.channels
    (node,) = made([0.02, 0.99], firing=Single(3.0)).neurons
    maps = maps_of(node, 0)
    start = maps.initial("u")
    moved = [start]
    while len(moved) < 2 or moved[-1] != moved[-2]:
        moved.append(int(maps.integers({"u": np.array([moved[-1]])})[1]["u"][0]))
    assert RESTED < len(moved) - 2 < 2 * RESTED
    assert (c.rested, c.rest) == (True, abs(moved[-1] - start))
    says = [f for f in layer.findings if "initial state" in f]
    assert says == [f"the initial state is not at rest: without input it ends {c.rest:,.0f} units away (channel 0)"]


def test_the_smallest_input_that_takes_it_to_a_bound() -> None:
    """u' = u / 2 + x rests at 2 x; a neuron that keeps what it fires at reaches the bound of 4 from x = 2 on."""
    layer = one([0.0, 0.5], reset="none", weight=4.0)
    (c,) = layer.channels
    assert c.input_to_bound is not None
    net = made([0.0, 0.5], reset="none", weight=4.0)
    (node,) = net.neurons
    assert c.input_to_bound * 2.0**-node.program.input.format.frac == pytest.approx(2.0, abs=0.02)
    assert channel([0.0, 0.5], reset="none").input_to_bound is None  # no input is as large


def test_circulate_firing_and_channels_that_differ() -> None:
    first, head = linear("fc", "input", np.eye(3)), linear("head", "n", np.eye(2, 3))
    three = neuron("n", "fc", "LNM", ((0.0, 0.5), (0.0, 0.9), (0.0, 0.5)))
    kinds = {}
    for fires in (circulate("n", "fc"), three):
        net = network(2, counts(3), first, fires, head, readout("head"))
        found = audit(compiled(net, np.ones((2, 1, 3))).network)["n"]
        kinds[found.kind] = found
    assert set(kinds) == {"CirculateFiring", "LNM"}
    found = kinds["LNM"]
    assert (found.total, [c.channel for c in found.channels]) == (3, [0, 1])  # the third is like the first
    assert [round(c.fixed_points[0].slope, 2) for c in found.channels] == [0.5, 0.9]


def of_two(layer: Any) -> ChannelDynamics:
    (found,) = torch_layer(layer).channels
    return found


def escaping(states: int, rate: float) -> Any:
    """v' = rate v + 0.25 (rate == 1), which fires and is not reset; the other states fall to 0."""

    def make(nn: Any) -> Any:
        class Escaping(nn.CustomNeuron):  # type: ignore[misc]
            def step(self, x: Any, v: Any, **others: Any) -> Any:
                h = rate * v + (0.25 if rate == 1 else 0.0) + x
                return nn.fire(h, 1.5), {"v": h, **{name: 0.5 * value for name, value in others.items()}}

        names = "vwz"[:states]
        Escaping.states = {name: nn.State(range=(-2.0, 2.0)) for name in names}
        return Escaping()

    return make


@pytest.mark.slow
def test_fixed_points_of_two_states_and_which_of_them_are_stable() -> None:
    """Izhikevich at rest: u = b v and 4 v^2 + 5 v + 1.4 = u, so that v is -0.7, to which it comes back, or -0.5, a saddle."""
    c = of_two(lambda nn: nn.Izhikevich())
    assert [p.coordinates for p in c.fixed_points] == [
        pytest.approx((-0.7, -0.14), abs=2e-3),
        pytest.approx((-0.5, -0.1), abs=2e-3),
    ]
    assert [p.stable for p in c.fixed_points] == [True, False]
    slopes = []
    for v in (-0.7, -0.5):
        slopes.append(max(abs(np.linalg.eigvals([[1 + 0.5 * (8 * v + 5), -0.5], [0.5 * 0.02 * 0.2, 1 - 0.5 * 0.02]]))))
    assert [p.slope for p in c.fixed_points] == pytest.approx(slopes, abs=5e-3)
    assert str(c.fixed_points[1]) == "[-0.5, -0.1] (unstable, eigenvalue 1.50)"


def test_a_current_falls_with_its_membrane() -> None:
    c = of_two(lambda nn: nn.CubaLIF(0.75, 0.5))
    assert [p.coordinates for p in c.fixed_points] == [pytest.approx((0.0, 0.0), abs=1e-6)]
    assert c.fixed_points[0].slope == pytest.approx(0.75, abs=1e-3)
    assert c.searched


@pytest.mark.parametrize(
    ("states", "rate", "share", "says"),
    [
        (1, 1.25, 99, "fixed points of the update: -2 (stable, slope 0.00), 0 (unstable, slope 1.25), 2 (stable, slope 0.00)"),
        (2, 1.25, 96, "fixed points of the update: [-2, 0] (stable, eigenvalue 0.50), [0, 0] (unstable, eigenvalue 1.25), "
         "[2, 0] (stable, eigenvalue 0.50)"),
        (2, 1, 100, "fixed points of the update: [2, 0] (stable, eigenvalue 0.50)"),
        (3, 1.25, 94, "of so many states none is searched for"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_escape_names_the_points_between_which_the_range_is_shared_out(
    states: int, rate: float, share: float, says: str
) -> None:
    layer = torch_layer(escaping(states, rate))
    (said,) = (f for f in layer.findings if "ends at a bound" in f)
    assert said.endswith(f": {says}")
    assert float(said.removeprefix("without input, ").split(" %")[0]) >= share
    assert [c.searched for c in layer.channels] == [states < 3]


def test_an_escape_without_a_fixed_point_says_so() -> None:
    """It climbs, fires, and begins at its lower bound again."""

    def make(nn: Any) -> Any:
        class Round(nn.CustomNeuron):  # type: ignore[misc]
            def step(self, x: Any, v: Any) -> Any:
                h = v + 0.25 + x
                s = nn.fire(h, 1.5)
                return s, {"v": torch.where(s > 0, -2.0, h)}

        Round.states = {"v": nn.State(range=(-2.0, 2.0))}
        return Round()

    torch = pytest.importorskip("torch")
    layer = torch_layer(make)
    assert layer.channels[0].fixed_points == ()
    (said,) = (f for f in layer.findings if "ends at a bound" in f)
    assert said.endswith(": its update has no fixed point within the range")


def test_a_rest_of_the_integers_at_an_unstable_point_is_of_the_real_map() -> None:
    """With d = u - 0.3, d' = 1.5 d - 0.5 d^3: all leave 0.3 but the integers beside it, whose rounding is all they move by."""
    layer = one([-0.1365, 1.365, 0.45, -0.5], state_range=(-1.5, 1.5), firing=Single(1.4))
    (c,) = layer.channels
    assert [(round(p.at, 5), p.kind) for p in c.fixed_points] == [(-0.7, "stable"), (0.3, "unstable"), (1.3, "stable")]
    assert any(next(iter(a.low.values())) == pytest.approx(0.3, abs=1e-3) for a in c.integers)
    assert not any(next(iter(a.low.values())) == pytest.approx(0.3, abs=1e-3) for a in c.reals)
    assert c.farthest <= 2
    assert not any(f.startswith("rounding makes") for f in layer.findings)


def test_a_fixed_point_in_a_corner_of_the_ranges() -> None:
    """A refractory neuron rests where its counter is at its lowest, beside which it does not move as Newton's rule takes it."""
    c = of_two(lambda nn: nn.RefractoryLIF())
    assert [p.coordinates for p in c.fixed_points] == [pytest.approx((0.0, 0.0), abs=1e-6)]
    assert (c.escapes, c.real_escapes, c.at_bounds) == (0.0, 0.0, ())  # nor is that an escape: its counter begins there
    assert c.input_to_bound == -26_253  # the smallest of the inputs tried that takes u to a bound
