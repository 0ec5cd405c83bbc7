from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.ir.network import Reals
from snn2hw.layers import IntLinear
from snn2hw.passes.room import Ceilings
from snn2hw.passes.weights import Quantised, choose_scales
from tests.hand_networks import circulate, compiled, counts, integrate, lif, linear, network, readout


def rows_for(weight: Reals, seed: int = 0, n: int = 200) -> Reals:
    return np.random.default_rng(seed).normal(0.3, 1.0, (1, n, weight[0].size))


def chosen(
    weight: Any, bits: int = 8, scales: str = "auto", rows: Reals | None = None, ceiling: Any = None, bias: Any = None
) -> Quantised:
    w = np.asarray(weight, np.float64)
    b = np.zeros(len(w)) if bias is None else np.asarray(bias, np.float64)
    top = None if ceiling is None else Ceilings(np.asarray(ceiling, np.float64), np.full(len(w), np.inf))
    return choose_scales(w, b, rows_for(w) if rows is None else rows, bits, scales, top)


def errors_of(weight: Reals, rows: Reals, exponents: Any, bits: int = 8) -> Reals:
    """Mean square error of each output, written a second time."""
    limit = 2 ** (bits - 1) - 1
    errors = []
    for w, e in zip(weight, np.broadcast_to(exponents, len(weight)), strict=True):
        back = np.clip(np.floor(w * 2.0**e + 0.5), -limit, limit) / 2.0**e
        errors.append(float((((back - w).ravel() @ rows[0].T) ** 2).mean()))
    return np.array(errors)


def measured(weight: Reals, rows: Reals, exponents: Any, bits: int = 8) -> float:
    """Mean square error of the outputs."""
    return float(errors_of(weight, rows, exponents, bits).mean())


def relative(weight: Reals, rows: Reals, exponents: Any, bits: int = 8) -> float:
    """Mean over the outputs of the square error divided by the output's own mean square."""
    power = np.array([((w.ravel() @ rows[0].T) ** 2).mean() for w in weight])
    return float((errors_of(weight, rows, exponents, bits) / power).mean())


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("seed", range(4))
def test_the_scale_of_a_layer_beats_its_neighbours(seed: int, bits: int) -> None:
    weight = np.random.default_rng(seed).normal(0, 0.7**seed, (5, 12))
    rows = rows_for(weight, seed)
    (best,) = chosen(weight, bits, "layer", rows=rows).exponents
    at_best = measured(weight, rows, best, bits)
    assert at_best <= measured(weight, rows, best - 1, bits)
    assert at_best <= measured(weight, rows, best + 1, bits)


@pytest.mark.parametrize("seed", range(4))
def test_the_scale_of_each_channel_beats_its_neighbours(seed: int) -> None:
    weight = np.random.default_rng(seed).normal(0, 1, (5, 12)) * np.array([[1], [0.1], [8], [30], [0.002]])
    rows = rows_for(weight, seed)
    for w, best in zip(weight, chosen(weight, scales="channel", rows=rows).exponents, strict=True):
        assert measured(w[None], rows, best) <= min(measured(w[None], rows, best - 1), measured(w[None], rows, best + 1))


def test_integers_are_the_weights_rounded_at_the_scale() -> None:
    weight = np.array([[0.5, -0.25, 0.1], [0.3, 0.0, -0.9]])
    got = chosen(weight, scales="layer")
    assert got.exponents == (7,)
    np.testing.assert_array_equal(got.integers, [[64, -32, 13], [38, 0, -115]])
    assert got.error == pytest.approx(relative(weight, rows_for(weight), 7), rel=1e-4)


def test_one_weight_that_the_sample_never_drives_is_clipped_for_the_others() -> None:
    weight = np.array([[0.3, 0.21, -0.13, 0.9]])
    rows = rows_for(weight)
    rows[:, :, 3] = 0.0
    clipped, plain = chosen(weight, 4, "layer", rows=rows), chosen(weight, 4, "layer")
    assert clipped.exponents[0] > plain.exponents[0]
    assert clipped.integers[0, 3] == 7
    assert clipped.error == pytest.approx(relative(weight, rows, clipped.exponents[0], 4), rel=1e-4)
    assert clipped.error < relative(weight, rows, plain.exponents[0], 4)


def test_channels_that_differ_by_orders_of_magnitude_get_scales_of_their_own() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (6, 20)) * 10.0 ** -np.arange(6)[:, None]
    got = chosen(weight)
    assert len(got.exponents) == 6
    assert list(got.exponents) == sorted(got.exponents)
    assert (np.abs(got.integers).max(1) >= 64).all()
    assert got.error < chosen(weight, scales="layer").error / 2


def test_channels_of_one_size_share_a_scale() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (6, 20))
    weight = weight / np.abs(weight).max(1, keepdims=True)
    assert len(chosen(weight).exponents) == 1


@pytest.mark.parametrize("scales", ["layer", "channel"])
def test_a_kind_of_scale_can_be_insisted_on(scales: str) -> None:
    alike = np.random.default_rng(0).normal(0, 1, (6, 20))
    unlike = alike * 10.0 ** -np.arange(6)[:, None]
    for weight in (alike, unlike):
        assert len(chosen(weight, scales=scales).exponents) == (1 if scales == "layer" else 6)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
def test_integers_are_symmetric_and_keep_the_width(scales: str, bits: int) -> None:
    limit = 2 ** (bits - 1) - 1
    weight = np.random.default_rng(bits).standard_t(2, (8, 40))
    got = chosen(weight, bits, scales)
    assert limit / 2 <= np.abs(got.integers).max() <= limit
    assert np.array_equal(got.integers, np.round(got.integers))


@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
def test_weights_of_zero_stay_zero(scales: str) -> None:
    got = chosen(np.zeros((3, 4)), scales=scales)
    assert not got.integers.any()
    assert got.error == 0.0
    assert all(-64 < e < 64 for e in got.exponents)


def test_one_channel_of_zeros_does_not_spoil_the_others() -> None:
    weight = np.array([[0.5, -0.7], [0.0, 0.0]])
    got = chosen(weight, scales="channel")
    assert np.abs(got.integers).max(1).tolist() == [90.0, 0.0]


def test_a_sample_of_zeros_leaves_the_choice_to_the_weights() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 9))
    rows = np.zeros((1, 10, 9))
    (best,) = chosen(weight, scales="layer", rows=rows).exponents
    square = {e: float(((np.clip(np.floor(weight * 2.0**e + 0.5), -127, 127) / 2.0**e - weight) ** 2).sum()) for e in range(10)}
    assert best == min(square, key=lambda e: square[e])


@pytest.mark.parametrize("small", [1e-2, 1e-4, 1e-6, 1e-12, 0.0])
def test_a_channel_that_its_bias_drives_has_the_scale_that_the_bias_needs(small: float) -> None:
    weight = np.random.default_rng(0).normal(0, 0.4, (3, 16)) * np.array([[1.0], [small], [1.0]])
    got = chosen(weight, ceiling=[20.0, 14.0, 20.0], bias=[0.1, 0.9, 0.1])
    assert len(got.exponents) == 3
    assert got.exponents[1] >= 12
    lost = np.floor(0.9 * 2.0 ** got.exponents[1] + 0.5) / 2.0 ** got.exponents[1] - 0.9
    assert abs(lost) <= 2.0**-13


def test_a_bias_that_every_scale_holds_chooses_none() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (6, 20))
    for scales in ("layer", "channel", "auto"):
        assert chosen(weight, scales=scales, bias=np.full(6, 0.5)).exponents == chosen(weight, scales=scales).exponents


def test_an_amplitude_and_the_weights_behind_it_change_places_and_no_integer() -> None:
    """Errors of weights and of biases are told in one unit, whatever the spikes behind them are counted in."""
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(0, 1, (4, 6)) * np.array([[1.0], [0.1], [0.01], [1e-3]]), rng.normal(0, 0.3, 4)
    made = []
    for power in (0, 3, 20):
        net = network(
            4, counts(6), circulate("cf", "input", (0.5**power, 0.5 ** (power + 1)), gain=1.5),
            linear("fc", "cf", weight * 2.0**power, bias), lif("fire", "fc"), linear("head", "fire", np.eye(4)), readout("head"),
        )  # fmt: skip
        fc = compiled(net, np.ones((4, 2, 6)), weight_bits=5).network.nodes[2]
        assert isinstance(fc, IntLinear)
        made.append((fc.weight.tolist(), fc.bias.tolist()))
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
@pytest.mark.parametrize("k", [1, 8, 25, 60, 200])
def test_weights_of_another_size_have_the_same_integers(scales: str, k: int) -> None:
    weight = np.random.default_rng(k).normal(0, 1, (6, 20)) * 10.0 ** -np.arange(6)[:, None]
    bias = np.random.default_rng(k + 1).normal(0, 1, 6)
    before, after = chosen(weight, scales=scales, bias=bias), chosen(weight * 2.0**-k, scales=scales, bias=bias * 2.0**-k)
    np.testing.assert_array_equal(before.integers, after.integers)
    assert [e - k for e in after.exponents] == list(before.exponents)
    np.testing.assert_array_equal(before.errors, after.errors)


@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
def test_no_scale_is_finer_than_its_ceiling(scales: str) -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 9))
    got = chosen(weight, scales=scales, ceiling=[3.0, 20.0, np.inf])
    assert got.exponents[0] <= 3
    assert len(got.exponents) == 1 or min(got.exponents[1:]) > 3


def test_groups_are_measured_on_their_own_rows() -> None:
    weight = np.array([[[[0.30]], [[0.9]]], [[[0.9]], [[0.30]]]])
    rows = np.zeros((2, 50, 2))
    rows[0, :, 0], rows[1, :, 1] = 1.0, 1.0
    got = choose_scales(weight, np.zeros(2), rows, 4, "channel")
    assert got.integers.reshape(2, 2)[0, 1] == got.integers.reshape(2, 2)[1, 0] == 7
    np.testing.assert_allclose(got.integers.reshape(2, 2)[[0, 1], [0, 1]] / 2.0 ** np.array(got.exponents), 0.3, atol=0.02)


@pytest.mark.parametrize("bits", range(2, 9))
def test_the_network_holds_weights_of_the_width_asked_for(bits: int) -> None:
    weight = np.random.default_rng(0).normal(0, 1, (4, 6))
    net = network(
        2, counts(6), linear("fc", "input", weight), integrate("fire", "fc"), linear("head", "fire", np.eye(4)), readout("head")
    )
    done = compiled(net, weight_bits=bits).network
    (fc, head) = (vars(n)["weight"] for n in done.nodes if "weight" in vars(n))
    assert fc.dtype == head.dtype == np.int8
    limit = 2 ** (bits - 1) - 1
    assert limit / 2 <= np.abs(fc).max() <= limit
    assert np.abs(head).max() <= limit


@pytest.mark.parametrize("scales", ["layer", "channel", "auto"])
def test_weights_that_the_sample_never_drives_are_not_clipped_for_the_sake_of_a_bias(scales: str) -> None:
    """A bias of an odd part of a step is nearer on a finer scale, on which the largest weight has no room."""
    weight, bias = np.array([[0.9, -0.4], [0.7, 0.2]]), np.array([0.0137, 0.0291])
    for rows in (np.zeros((1, 5, 2)), np.zeros((2, 5, 2))):  # of one group and of two
        found = choose_scales(weight, bias, rows, 8, scales)
        steps = 2.0 ** -np.resize(found.exponents, 2)
        assert (np.abs(found.integers * steps[:, None] - weight) <= steps[:, None] / 2).all()


@pytest.mark.parametrize("scales", ["layer", "channel"])
def test_a_group_that_the_sample_never_drives_is_not_clipped_and_leaves_the_others_as_they_are(scales: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        weight, bias = rng.normal(0, 0.3, (3, 9)), np.array([0.0137, 0.0, 0.0])
        rows = (rng.random((3, 50, 9)) < 0.1).astype(float)
        rows[0] = 0
        found, alone = (choose_scales(weight[n:], bias[n:], rows[n:], 8, scales) for n in (0, 1))
        step = 2.0 ** -found.exponents[0]
        assert scales == "layer" or (np.abs(found.integers[0] * step - weight[0]) <= step / 2).all()
        assert found.exponents[-1] == alone.exponents[-1]
        assert np.array_equal(found.integers[1:], alone.integers)
