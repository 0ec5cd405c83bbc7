"""Loihi's LIF as a neuron program: against a Loihi 2 chip's own trace, and against its own equation."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from snn2hw.backends.reference import step
from snn2hw.errors import ValueRangeError
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.loihi import RANGES, loihi_biased, loihi_lif
from tests.refused import refused
from tests.shared_data import shared_data

WEIGHT, DV, VTH = 10, 163, 25  # of the recorded network; du = 4095 forgets the current at once
PROBE_IN_SPIKE_STEP = 128  # what the chip's probe reads where the model's voltage is reset to 0


def test_every_step_of_the_chips_trace() -> None:
    """One neuron of Loihi 2, 1000 steps; the synapse delivers one step later, so does ours here."""
    with shared_data("lif_lava_loihi_fixed.csv").open(encoding="utf-8") as file:
        rows = [[float(v) for v in row] for row in csv.reader(file) if row and row[0].replace(".", "").replace("-", "").isdigit()]
    inputs, voltages, spikes = (np.array(c).astype(np.int64) for c in zip(*(r[-3:] for r in rows), strict=True))
    assert len(inputs) == 1000
    program = loihi_lif(du=4095, dv=DV, vth=VTH)
    state, seen = {"u": 0, "v": 0}, []
    for t in range(len(inputs)):
        arriving = WEIGHT * int(inputs[t - 1]) if t else 0
        values = evaluate_scalar(program, arriving, state)
        state = {"u": values["u_next"], "v": values["v_next"]}
        seen.append((values["spikes"], values["v_next"]))
    got_spikes, got_voltages = (np.array(c) for c in zip(*seen, strict=True))
    assert (inputs.sum(), spikes.sum()) == (34, 4)
    assert (got_spikes == spikes).all()
    quiet = spikes == 0
    assert (got_voltages[quiet] == voltages[quiet]).all()
    assert set(voltages[~quiet].tolist()) == {PROBE_IN_SPIKE_STEP}
    assert set(got_voltages[~quiet].tolist()) == {0}


def naive(u: int, v: int, a: int, p: dict[str, int]) -> tuple[int, int, int]:
    """The equation once more, with Python's own truncation and a loop for the wrap."""
    u = int(u * (4096 - p["du"] - 1) / 4096) + a * 64
    while u > 2**23:
        u -= 2**24
    while u <= -(2**23):
        u += 2**24
    v = int(v * (4096 - p["dv"]) / 4096) + u + p["bias_mant"] * 2 ** p["bias_exp"]
    v = max(-(2**23) + 1, min(2**23 - 1, v))
    spike = int(v > p["vth"] * 64)
    return spike, u, 0 if spike else v


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 80))])
def test_the_equation_at_and_between_the_ends_of_the_registers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = {name: int(rng.choice([lo, hi, rng.integers(lo, hi + 1)])) for name, (lo, hi) in RANGES.items()}
    program = loihi_lif(**p)
    top = 2**23
    us = [top, top - 1, -top + 1, 0, *rng.integers(-top + 1, top + 1, 20).tolist()]
    vs = [top - 1, -top + 1, 0, 1, *rng.integers(-top + 1, top, 20).tolist()]
    inputs = [-32768, 32767, 0, 1, *rng.integers(-32768, 32768, 20).tolist()]
    u, v, a = (np.array(x, np.int64) for x in zip(*((u, v, a) for u in us for v in vs for a in inputs), strict=True))
    payload, after = step(program, a[None, None], {"u": u[None, None], "v": v[None, None]})
    expected = np.array([naive(*(int(n) for n in case), p) for case in zip(u, v, a, strict=True)]).T
    assert (payload[0, 0] == expected[0]).all()
    assert (after["u"][0, 0] == expected[1]).all()
    assert (after["v"][0, 0] == expected[2]).all()


def test_a_parameter_outside_its_register_is_refused() -> None:
    with refused(
        ValueRangeError,
        """
        du does not fit its register
          where:    Loihi LIF
          got:      4096
          expected: -1 to 4095
          do:       choose a value in this range: Loihi's register holds no other
        """,
    ):
        loihi_lif(du=4096, dv=0, vth=10)


def test_a_bias_per_channel_and_refractory_steps() -> None:
    """After a spike the membrane stays at 0 for as many steps, while the current goes on."""
    program = loihi_lif(du=0, dv=0, vth=1, bias_mant=[0, 70], bias_exp=6, refractory=2)
    state = {name: np.zeros((1, 2), np.int64) for name in program.states}
    seen = []
    for t in range(8):
        x = np.full((1, 2), 1 if t == 0 else 0)
        spikes, state = step(program, x, state)
        seen.append((spikes[0].tolist(), state["v"][0].tolist(), state["r"][0].tolist()))
    # channel 0: the current loses one a step; channel 1 fires whenever it may
    assert [s[0][1] for s in seen] == [1, 0, 0, 1, 0, 0, 1, 0]
    assert [s[2][1] for s in seen] == [2, 1, 0, 2, 1, 0, 2, 1]
    assert [s[0][0] for s in seen] == [0, 1, 0, 0, 0, 1, 0, 0]
    assert [s[1][0] for s in seen] == [64, 0, 0, 0, 60, 0, 0, 0]


def test_the_changes_of_the_membrane_add_up_to_it() -> None:
    program = loihi_lif(du=4095, dv=1024, vth=1, membrane=True, align=7)
    rng, total = np.random.default_rng(0), np.zeros((1, 5), np.int64)
    state = {name: np.zeros((1, 5), np.int64) for name in program.states}
    for _ in range(20):
        payload, state = step(program, rng.integers(-500, 500, (1, 5)), state)
        total += payload
        assert (total == state["v"]).all()


def test_driven_by_its_bias_alone_it_is_the_neuron_whose_current_forgets() -> None:
    alone, whole = loihi_biased(1024, 25, 1), loihi_lif(4095, 1024, 25, refractory=1)
    x = np.random.default_rng(0).integers(-4, 77, (1, 50))
    states = [{name: np.zeros((1, 50), np.int64) for name in p.states} for p in (alone, whole)]
    fired = 0
    for _ in range(30):
        (a, states[0]), (b, states[1]) = step(alone, x, states[0]), step(whole, x, states[1])
        assert (a == b).all()
        assert (states[0]["v"] == states[1]["v"]).all()
        fired += int(a.sum())
    assert fired > 100
