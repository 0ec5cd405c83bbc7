"""The certificate that is written is what the checker derives from model.onnx by itself, for networks of every make."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from snn2hw.checker.check import check_claims
from snn2hw.errors import UnsupportedError, WidthError
from tests import random_networks
from tests.certificate.brute import NEURONS, WEIGHT
from tests.checker.tampering import Written, written
from tests.hand_networks import compiled, every_kind, neuron, one_neuron

FIRST = int(os.environ.get("SNN2HW_FUZZ_SEED", "0")) * 1_000_000
REFUSED_AT_MOST = 0.35  # as in the sweep over executors


def assert_agrees(made: Written, where: str) -> int:
    """Every claim holds; returns how many there are."""
    checked = check_claims(made.model, made.certificate)
    assert [str(f) for f in checked.failures] == [], where
    assert checked.certificate == made.certificate, where
    assert checked.claims > 20, where
    return checked.claims


def sweep(seeds: Iterable[int], widest: int, count: int) -> None:
    """So many random networks whose states are no wider than that."""
    agreed, refused = 0, 0
    for seed in seeds:
        case = random_networks.random_case(seed)
        if case.options.state_bits > widest:
            continue
        try:
            net = random_networks.compiled(case).network
        except (WidthError, UnsupportedError):
            refused += 1
            continue
        assert_agrees(written(net), f"SNN2HW_FUZZ_SEED={FIRST // 1_000_000}: random_case({seed})")
        agreed += 1
        if agreed == count:
            break
    assert agreed == count
    assert refused <= REFUSED_AT_MOST * (agreed + refused)


def test_channels_of_equal_integers_and_other_real_numbers_agree() -> None:
    """Each channel's error is its own, on both sides."""
    rows = ((0.07, 0.55, -0.11, 0.03), (0.0700003, 0.55, -0.11, 0.03))
    net = compiled(one_neuron(neuron("n", "fc", coefficients=rows), np.array(WEIGHT)), state_bits=14).network
    (node,) = net.neurons
    assert all(len(set(values)) == 1 for values in node.program.params.values())
    made = written(net)
    assert_agrees(made, "two rows")
    of_channels = made.certificate["layers"][0]["errors"]["polynomial"]["channels"]
    assert of_channels["0"] != of_channels["1"]


def test_random_networks_agree() -> None:
    sweep(range(FIRST, FIRST + 200), widest=14, count=16)


def test_random_networks_with_thresholds_by_step_agree() -> None:
    start = random_networks.STEPPED + FIRST
    sweep(range(start, start + 100), widest=12, count=5)


def test_random_networks_of_layers_that_join_and_enlarge_agree() -> None:
    start = random_networks.LAYERED + FIRST
    sweep(range(start, start + 60), widest=12, count=6)


@pytest.mark.slow
def test_many_random_networks_agree() -> None:
    """All values of every state are tried on both sides; of 24 bits, in seconds for each layer, so there are fewer of them."""
    sweep(range(FIRST + 200, FIRST + 600), widest=18, count=140)
    sweep(range(FIRST + 600, FIRST + 700), widest=24, count=10)
    start = random_networks.STEPPED + FIRST + 100
    sweep(range(start, start + 400), widest=16, count=60)
    start = random_networks.LAYERED + FIRST + 60
    sweep(range(start, start + 300), widest=16, count=60)


@pytest.mark.parametrize("target", ["generic", "loihi2"])
@pytest.mark.parametrize("which", NEURONS)
def test_every_make_of_neuron_agrees(which: str, target: str) -> None:
    for strength in (1.0, 9.0):
        weight = ((strength, -0.5 * strength), (0.25, 0.75))
        net = compiled(one_neuron(NEURONS[which], weight), target=target, state_bits=12).network
        assert_agrees(written(net), f"{which}, {target}, {strength}")


def test_convolutions_pools_and_joins_agree() -> None:
    for target in ("generic", "loihi2"):
        assert_agrees(written(compiled(every_kind(), target=target, state_bits=10).network), target)


def test_a_state_too_wide_to_try_is_bounded_by_intervals_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """No state is as wide as that; the limit is lowered instead."""
    from snn2hw.certificate import analysis as compiler_side
    from snn2hw.checker import neuron as checker_side

    net = compiled(one_neuron(replace(NEURONS["LIF"], reset="none")), state_bits=12).network
    for side in (compiler_side, checker_side):
        monkeypatch.setattr(side, "MOST_TRIED", 1 << 10)
    made = written(net)
    (layer,) = made.certificate["layers"]
    assert layer["values"]["rounded0"][2] == "interval"
    assert_agrees(made, "intervals")
