"""What quantisation takes is said: which weights, which layer, which head, and that a network is larger than a chip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.scales import head_values
from snn2hw.errors import Snn2hwWarning
from snn2hw.ir.network import Circulate, Network
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.findings import Finding, lost_weights, silent, warned, zeroed
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import Target, load_target
from tests.hand_networks import (
    add,
    average,
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    image,
    integrate,
    lif,
    linear,
    network,
    neuron,
    normal,
    readout,
)

STEP = np.array([2.0**-6])  # of a weight that one integer stands for


def findings(net: Network, **options: Any) -> tuple[Finding, ...]:
    return compiled(net, **options).findings


def with_outlier(size: float = 40.0) -> Network:
    weight = np.random.default_rng(0).normal(0, 0.1, (24, 64))
    weight[5, 7] = size
    return network(
        2, counts(64, hi=3), linear("fc", "input", weight), lif("fire", "fc", state_range=(-64.0, 64.0)),
        linear("head", "fire", normal(1, 3, 24)), readout("head"),
    )  # fmt: skip


def test_one_outlier_that_takes_all_other_weights_is_named_with_the_remedy() -> None:
    (found,) = findings(with_outlier(), weight_bits=4, scales="layer")
    assert found.what == "quantisation sets the weights of whole channels to 0"
    assert found.where == "fc (Linear)"
    assert found.got == "23 of 24 channels (0, 1, 2, 3, ...); 1535 of 1536 weights became 0"
    assert found.cause.startswith("the largest weight is 40, in channel 5; beside it 4 bits hold no weight below ")
    assert 'scales="channel"' in found.remedy


@pytest.mark.parametrize("scales", ["channel", "auto"])
def test_the_remedy_is_one(scales: str) -> None:
    done = compiled(with_outlier(), weight_bits=4, scales=scales)
    kept = np.count_nonzero(vars(done.network.nodes[1])["weight"], axis=1)
    assert (np.delete(kept, 5) > 32).all()
    assert not [f for f in done.findings if len(f.got.split()) and f.got.startswith("23")]


def test_a_branch_that_has_no_scale_per_channel_is_not_told_to_use_one() -> None:
    weight = np.array([[1.0, 0.5], [1e-4, 2e-4]]) * 8
    net = network(
        2, counts(2, hi=255), linear("a", "input", weight), linear("b", "input", weight), add("join", "a", "b"),
        lif("fire", "join"), linear("head", "fire", np.eye(2)), readout("head"),
    )  # fmt: skip
    found = findings(net)
    assert [f.where for f in found] == ["a (Linear)", "b (Linear)"]
    assert all("scales" not in f.remedy and "--weight-bits" in f.remedy for f in found)


def test_weights_that_no_state_tells_are_not_missed() -> None:
    weight = np.array([[1.0, 0.5], [1e-9, 2e-9]])
    net = network(
        2, counts(2, hi=3), linear("fc", "input", weight, [0.0, 1.0]), lif("fire", "fc"), linear("head", "fire", np.eye(2)),
        readout("head"),
    )  # fmt: skip
    for scales in ("layer", "channel", "auto"):
        assert findings(net, scales=scales) == ()


def test_an_output_beside_larger_ones_is_named_and_has_a_scale_of_its_own_where_asked() -> None:
    weight = np.random.default_rng(3).normal(0, 1, (3, 8)) * np.array([[1.0], [1.0], [0.001]])
    net = network(2, counts(8), lif("fire", "input", gain=4.0), linear("head", "fire", weight), readout("head"))
    (found,) = findings(net, scales="layer")
    assert found.where == "head (Linear)"
    assert found.got.startswith("1 of 3 channels (2)")
    for scales in ("channel", "auto"):  # which is told as little as that of the others, in the common unit
        done = compiled(net, scales=scales)
        assert done.findings == ()
        head = next(n for n in done.network.nodes if n.name == "head")
        assert np.abs(vars(head)["weight"]).max(1).min() >= 32


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("strict", [False, True])
def test_a_threshold_above_the_reach_of_its_state_is_named(signed: bool, strict: bool) -> None:
    net = network(
        2, counts(2, hi=255), linear("fc", "input", np.eye(2) * 9), circulate("cf", "fc", signed=signed, strict=strict,
        state_range=(-0.5, 0.5)), linear("head", "cf", np.eye(2)), readout("head"),
    )  # fmt: skip
    (found,) = findings(net)
    assert found == Finding(
        "this layer can never fire",
        "cf (CirculateFiring)",
        "its membrane reaches at most 0.499985, its threshold is 1",
        "the threshold is above the state range, whose upper bound is 0.5",
        "use a larger state_range or a smaller threshold",
    )


SENT = (
    "cf (CirculateFiring)",
    "amplitudes 0.03, 0.03, 0.03, 0.03 of negative spikes",
    "one unit of an 8-bit spike value that holds the positive ones, too, is 0.0625",
)


def negatives_of(amplitude: float) -> tuple[Finding, ...]:
    """What is found of four levels of 1, which leave 1/16 for a unit."""
    firing = Circulate((1.0,) * 4, (1.0,) * 4, True, negative=amplitude)
    net = network(
        2, counts(2, lo=-9, hi=9), linear("fc", "input", np.eye(2)), replace(circulate("cf", "fc"), firing=firing),
        linear("head", "cf", np.eye(2)), readout("head"),
    )  # fmt: skip
    return findings(net)


def test_negative_spikes_that_send_nothing_are_named_where_nobody_asked_for_it() -> None:
    assert negatives_of(0.0) == ()
    (found,) = negatives_of(0.03)
    assert found == Finding(
        "negative spikes send nothing: their amplitude becomes 0",
        *SENT,
        "use negative_amplitude=0 if that is meant, else a larger one, or learn it (learn_negative_amplitude=True)",
    )


def test_an_amplitude_that_rounding_moves_by_more_than_a_quarter_is_named() -> None:
    (found,) = negatives_of(0.04)
    assert found == Finding(
        "rounding moves the amplitude of negative spikes by more than 25%",
        "cf (CirculateFiring)",
        "amplitudes 0.04, 0.04, 0.04, 0.04 of negative spikes become 0.0625, 0.0625, 0.0625, 0.0625",
        SENT[2],
        "use a multiple of that unit; else use fewer levels, whose unit is finer",
    )
    assert [len(negatives_of(a)) for a in (0.0499, 0.0501, 0.0833, 0.0834, 0.0937, 0.1, 0.3)] == [1, 0, 0, 1, 1, 0, 0]


def test_a_layer_that_no_input_can_drive_to_its_threshold_is_named() -> None:
    net = network(
        2, counts(2), linear("fc", "input", np.eye(2) * 0.25), lif("fire", "fc"), linear("head", "fire", np.eye(2)),
        readout("head"),
    )  # fmt: skip
    assert findings(net) == ()  # 0.25 at every step, and what is left of it by half, is not seen by intervals of the state
    deaf = neuron("deaf", "fc", coefficients=((0.0, 0.0),))
    (found,) = findings(network(2, *net.nodes[:2], deaf, linear("head", "deaf", np.eye(2)), readout("head")))
    assert found.cause == "neither its state nor the largest synaptic input reaches the threshold"


def test_ordinary_networks_are_quiet() -> None:
    for options in ({}, {"scales": "layer"}, {"scales": "channel"}, {"weight_bits": 4}, {"state_bits": 8}):
        assert compiled(every_kind(), every_kind_sample(), **options).findings == ()


def narrow_accumulator() -> Target:
    target = load_target("generic")
    return replace(target, lowering=replace(target.lowering, accumulator_bits=22, coefficient_bits=6, synapse_bits=18))


def test_a_head_that_is_coarser_than_the_state_is_named() -> None:
    """A target with so narrow a multiplier that a gain of 1/3 is hardly known; no weights before it could take the gain."""
    net = network(
        2, counts(2, hi=255), integrate("fire", "input", gain=1 / 3, state_range=(-64.0, 64.0)),
        linear("head", "fire", np.eye(2)), readout("head"),
    )  # fmt: skip
    sample = np.random.default_rng(0).integers(0, 256, (2, 4, 2)).astype(float)
    done = run_pipeline(Compilation(net, narrow_accumulator(), Options(state_bits=16), sample))
    (found,) = done.findings
    assert found.what == "the synaptic input reaches the state with an error that the state can tell"
    assert found.where == "fire (IF)"
    x = np.arange(256)[:, None]
    fire = done.network.neurons[0]
    got, unit = head_values(fire, x)
    assert unit == 2.0**-9
    worst = np.abs(got - x / 3 / unit).max()
    assert 5 < float(found.got.split()[0]) <= worst + 0.05 < 2.0**6
    assert found.got.endswith("state LSB in channel 0, 1 of 1 channels above 4")
    assert run_pipeline(Compilation(net, load_target("generic"), Options(), sample)).findings == ()


def large(side: int, **fields: Any) -> Network:
    return network(
        1, counts(1, side, side), conv("conv", "input", normal(0, 72, 1, 1, 1)), lif("fire", "conv", **fields),
        average("mean", "fire", side), flatten("flat", "mean"), readout("flat"),
    )  # fmt: skip


def test_more_neurons_than_a_chip_has_are_named_before_anything_is_calibrated() -> None:
    net = large(128)
    empty = np.zeros((1, 1, 1, 128, 128))
    done = run_pipeline(Compilation(net, load_target("loihi2"), Options(), empty), "capacity")
    (found,) = done.findings
    assert done.observed == {}
    assert found.what == "the network has more neurons than a chip of the target 'loihi2'"
    assert found.where == "fire (LIF) (1,179,648)"
    assert found.got == "1,179,648 neurons"
    assert "1,000,000" in found.cause
    assert run_pipeline(Compilation(net, load_target("generic"), Options(), empty), "capacity").findings == ()
    small = run_pipeline(Compilation(large(64), load_target("loihi2"), Options(), np.zeros((1, 1, 1, 64, 64))), "capacity")
    assert small.findings == ()


def test_a_table_of_cores_is_added_up() -> None:
    net, sample = large(64, reset="value", strict=True), np.zeros((1, 1, 1, 64, 64))
    (found,) = run_pipeline(Compilation(net, load_target("loihi1"), Options(), sample), "capacity").findings
    assert "131,072 neurons a chip (neurons * cores_per_chip)" in found.cause


def test_python_warns_of_a_finding_with_its_place_cause_and_remedy() -> None:
    found = Finding("it is gone", "fc (Linear)", "1 of 2", "an outlier", "clip it")
    with pytest.warns(Snn2hwWarning) as caught:
        facts = warned([found], stacklevel=2)
    assert str(caught[0].message) == (
        "it is gone\n  where:    fc (Linear)\n  got:      1 of 2\n  cause:    an outlier\n  do:       clip it"
    )
    assert facts == [{"what": "it is gone", "where": "fc (Linear)", "got": "1 of 2", "cause": "an outlier", "remedy": "clip it"}]


def test_pruned_weights_are_not_lost() -> None:
    layer = linear("fc", "input", [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert not list(lost_weights(layer, np.array([[0.0, 0, 64], [0, 0, 0]]), STEP, np.array([1.0, 1.0]), True, 8))


@pytest.mark.parametrize(("lost", "named"), [(1, "(0)"), (4, "(0, 1, 2, 3)"), (5, "(0, 1, 2, 3, ...)")])
def test_up_to_four_channels_are_named(lost: int, named: str) -> None:
    weight = np.ones((6, 3)) * np.array([[1e-6]] * lost + [[1.0]] * (6 - lost))
    integers = np.floor(weight * 64 + 0.5)
    (found,) = lost_weights(linear("fc", "input", weight), integers, STEP, np.ones(6), True, 8)
    assert found.got == f"{lost} of 6 channels {named}; {3 * lost} of 18 weights became 0"


def test_channels_that_have_scales_of_their_own_are_not_told_to_use_them() -> None:
    layer, integers = linear("fc", "input", [[1e-6], [1.0]]), np.array([[0.0], [64.0]])
    (shared,) = lost_weights(layer, integers, STEP, np.ones(2), True, 8)
    (own,) = lost_weights(layer, integers, 2.0 ** -np.array([6.0, 9.0]), np.ones(2), True, 8)
    assert 'scales="channel"' in shared.remedy
    assert "scales" not in own.remedy
    assert shared.cause == own.cause
    assert own.cause.endswith(" hold no weight below 0.00781, and the largest of channel 0 is 1e-06")  # 2**-7


def test_what_becomes_zero_counts_by_its_size() -> None:
    layer = linear("fc", "input", [[-1.0, 0.5, 0.0], [2.0, -3.0, 1.0]])
    assert zeroed(layer, np.array([[0.0, 0, 0], [1, 0, 1]]), 10.0).tolist() == [15.0, 30.0]


def test_the_loss_of_an_image_is_that_of_its_real_values() -> None:
    """255 of 255 is 1: weights that change the state by 0.3 of its unit are not missed, 0.7 are."""
    for loss, told in ((0.3, 0), (0.7, 1)):
        weight = np.array([[1.0, -0.5], [loss * 2.0**-13, 0.0]])
        net = network(
            2, image(2), linear("fc", "input", weight), lif("fire", "fc"), linear("head", "fire", np.eye(2)), readout("head")
        )
        assert len(findings(net, scales="layer")) == told


def test_the_least_weight_is_named_as_the_float_layer_has_it() -> None:
    """Half of what one integer stands for; what enters, pixels of 1/255, is no unit of a weight."""
    weight = np.array([[40.0, -0.5], [0.05, 0.0]])
    net = network(
        2, image(2), linear("fc", "input", weight), lif("fire", "fc"), linear("head", "fire", np.eye(2)), readout("head")
    )
    done = compiled(net, scales="layer")
    (found,) = done.findings
    (step,) = done.scales["fc"].values / done.scales["input"].values
    assert 0.05 < step / 2 < 0.5
    assert f"8 bits hold no weight below {step / 2:.3g}, and the largest of channel 1 is 0.05" in found.cause


def test_a_threshold_at_the_very_bound_is_not_above_it() -> None:
    at, above = lif("n", "x", state_range=(-1.0, 1.0)), lif("n", "x", state_range=(-1.0, 0.9))
    assert silent(at, 0.5, 1.0).cause == "neither its state nor the largest synaptic input reaches the threshold"
    assert silent(above, 0.5, 1.0).cause == "the threshold is above the state range, whose upper bound is 0.9"
