"""Gaps, back-pressure, a reset in the middle, samples too short and too long: no spike is lost and none invented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.beats import Data, Flags, beats
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.simulation import Simulator, Stress
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints
from tests.backends.rtl.running import TOOLS, differing, simulated, spread
from tests.hand_networks import compiled, every_kind, every_kind_sample, recurrent
from tests.random_networks import LAYERED, RECURRENT, random_case
from tests.random_networks import compiled as compiled_case
from tests.tools import needs

ROUNDS, SLOW_ROUNDS, SAMPLES = 12, 300, 5
Bench = tuple[IntegerNetwork, Simulator]


@pytest.fixture(scope="module")
def images() -> Bench:
    """Images, convolutions, a join, pooling, dense layers."""
    needs(*TOOLS)
    net = compiled(every_kind(), every_kind_sample()).network
    return net, simulated(net, Folding(lanes=2))


@pytest.fixture(scope="module")
def events() -> Bench:
    """Events and a recurrent edge."""
    needs(*TOOLS)
    net = compiled(recurrent()).network
    return net, simulated(net)


def drawn(rng: np.random.Generator, length: int) -> Stress:
    """Gaps of every density on both sides; every second time a reset, anywhere in the run."""
    gaps = [int(rng.choice([0, 10, 50, 90, 97])) for _ in range(2)]
    return Stress(*gaps, int(rng.integers(1, 2**31)), int(rng.integers(0, length)) if rng.random() < 0.5 else -1)


def stressed(bench: Bench, seeds: range) -> None:
    net, sim = bench
    for seed in seeds:
        rng = np.random.default_rng(seed)
        payloads = spread(net, int(rng.integers(1, SAMPLES, endpoint=True)), seed)
        expected = interpret(net, payloads)
        length = sim.run(payloads).took
        stress = drawn(rng, length)
        run = sim.run(payloads, stress=stress)
        wrong = differing(net, sim, run, expected)
        assert not wrong, f"seed {seed}, {stress}: {wrong} integers differ"
        assert (run.cycles > 0).all()


def test_images_under_stress(images: Bench) -> None:
    stressed(images, range(ROUNDS))


def test_events_under_stress(events: Bench) -> None:
    stressed(events, range(ROUNDS))


@pytest.mark.slow
def test_much_stress(images: Bench, events: Bench) -> None:
    for bench in (images, events):
        stressed(bench, range(ROUNDS, ROUNDS + SLOW_ROUNDS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [RECURRENT + 1, RECURRENT + 4, LAYERED + 2, LAYERED + 5, 3])
def test_random_networks_under_stress(seed: int) -> None:
    net = compiled_case(random_case(seed)).network
    stressed((net, simulated(net, Folding(lanes=4))), range(20))


def one_step(net: IntegerNetwork) -> None:
    short = replace(net, steps=1)
    sim = simulated(short, Folding(lanes=4))
    payloads = spread(short, 4, 0)
    assert differing(short, sim, sim.run(payloads, stress=Stress(50, 50)), interpret(short, payloads)) == {}


def test_one_step_of_events(events: Bench) -> None:
    one_step(events[0])


@pytest.mark.slow
def test_one_step_of_images(images: Bench) -> None:
    one_step(images[0])


def test_every_cycle_at_which_a_reset_can_come(events: Bench) -> None:
    net, sim = events
    payloads = spread(net, 2, 1)
    expected = interpret(net, payloads)
    length = sim.run(payloads).took
    for cycle in range(0, length, 3):
        stress = Stress(20, 20, 1, cycle)
        assert differing(net, sim, sim.run(payloads, stress=stress), expected) == {}, stress


def test_two_samples_back_to_back_leave_what_each_leaves_alone(images: Bench) -> None:
    net, sim = images
    payloads = spread(net, 4, 3)
    together = sim.run(payloads)
    alone = [sim.run(payloads[:, n : n + 1]) for n in range(4)]
    assert (together.readout == np.concatenate([a.readout for a in alone])).all()
    assert together.took < sum(a.took for a in alone)  # the layers are a pipeline
    shared = sim.run(payloads, threads=2)
    assert (shared.readout == together.readout).all()
    assert all((a == b).all() for a, b in zip(shared.recorded, together.recorded, strict=True))


# --- samples that end too early, or too late ----------------------------------------------------------------------------


def sent(bench: Bench, samples: list[tuple[Data, Flags]], payloads: Ints, stress: Stress) -> None:
    """What comes of these beats is what the reference makes of these spike values."""
    net, sim = bench
    data, last = (np.concatenate(parts) for parts in zip(*samples, strict=True))
    run = sim.send(data, last, len(samples), True, stress)
    wrong = differing(net, sim, run, interpret(net, payloads))
    assert not wrong, f"{wrong} integers differ, with {stress}"


def ended(data: Data) -> tuple[Data, Flags]:
    last = np.zeros(len(data), np.uint8)
    last[-1] = 1
    return data, last


@pytest.mark.parametrize("seed", range(4))
def test_pixels_that_are_missing_are_zero_and_more_are_dropped(images: Bench, seed: int) -> None:
    net, sim = images
    rng = np.random.default_rng(seed)
    payloads, samples = spread(net, 6, seed), []
    payloads[:, 2] = payloads[:, 1]
    for n in range(6):
        data, _ = beats(sim.design, payloads[:, n : n + 1])
        kept = int(rng.integers(1, len(data)))
        if n % 2:
            payloads.reshape(net.steps, 6, -1)[:, n, kept:] = 0  # one channel: pixels come in the order of the image
            samples.append(ended(data[:kept]))
        else:
            samples.append(ended(np.concatenate([data, rng.integers(1, 255, kept).astype(np.uint64)])))
    sent(images, samples, payloads, drawn(rng, 500))


@pytest.mark.parametrize("seed", range(4))
def test_steps_that_are_missing_are_empty_and_more_are_dropped(events: Bench, seed: int) -> None:
    net, sim = events
    rng = np.random.default_rng(seed)
    payloads, samples = spread(net, 6, seed), []
    end = np.uint64(1 << sim.design.entry.bits + sum(sim.design.entry.grid.address))
    for n in range(6):
        data, _ = beats(sim.design, payloads[:, n : n + 1])
        if n % 2:
            steps = int(rng.integers(1, net.steps))
            payloads[steps:, n] = 0
            samples.append(ended(data[: int(np.flatnonzero(data == end)[steps - 1]) + 1]))
        else:
            samples.append(ended(np.concatenate([data, data[: 1 + int(rng.integers(len(data) - 1))], [end]])))
    sent(events, samples, payloads, drawn(rng, 500))
