from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import Single
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import load_target
from tests.hand_networks import (
    add,
    attending,
    circulate,
    compiled,
    counts,
    lif,
    linear,
    network,
    neuron,
    normal,
    one_neuron,
    readout,
    sample_of,
)
from tests.refused import refused

TAIL = """
  expected: Intel Loihi: LIF in fixed function, 24-bit states, binary spikes
  do:       change these layers, or choose another target (`snn2hw targets` lists them)"""


def on_loihi1(made: Any) -> Compilation:
    return compiled(one_neuron(made), target="loihi1", state_bits=16)


def test_a_strict_lif_with_reset_to_value_fits_loihi_1() -> None:
    done = on_loihi1(lif("fire", "fc", reset="value", strict=True))
    assert done.network.target == "loihi1"
    assert Legalise().run(done) is done


ONE_SPIKE = "let it fire one spike of one amplitude a step (LIF, LNM)"


def test_everything_that_does_not_fit_is_listed_at_once() -> None:
    net = network(
        2, counts(3, hi=1), linear("fc1", "input", normal(0, 4, 3)), neuron("lnm", "fc1", coefficients=((0.0, 0.5, -0.1),)),
        linear("fc2", "lnm", normal(1, 4, 4)), circulate("cf", "fc2", reset="value", strict=True),
        linear("head", "cf", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    text = (
        """the network does not fit the target 'loihi1'
  got:      lnm (LNM): P(u) has degree 2, so it multiplies its state by itself, which a neuron of the target cannot do
            lnm (LNM): reset='subtract', the target can do value
            lnm (LNM): strict=False, the target compares strict
            cf (CirculateFiring): synapses read 3 bits of it, a spike of the target carries 1; """
        + ONE_SPIKE
        + TAIL
    )
    with refused(UnsupportedError, text):
        compiled(net, target="loihi1")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reset": "subtract"}, "reset='subtract', the target can do value"),
        ({"reset": "none"}, "reset='none', the target can do value"),
        ({"strict": False}, "strict=False, the target compares strict"),
    ],
)
def test_a_lif_that_does_not_fit(changes: dict[str, Any], problem: str) -> None:
    made = lif("fire", "fc", **{"reset": "value", "strict": True, **changes})
    with refused(UnsupportedError, f"the network does not fit the target 'loihi1'\n  got:      fire (LIF): {problem}{TAIL}"):
        on_loihi1(made)


def test_what_multiplies_payloads_is_told_what_the_target_can_do_instead() -> None:
    with pytest.raises(UnsupportedError) as caught:
        compiled(attending(), target="loihi2")
    says = (
        "it multiplies what neurons fire, which the target cannot do; "
        "attention by masks needs no such product: snn2hw.nn.blocks.SpikeDrivenAttention fits loihi2"
    )
    assert caught.value.what == "the network does not fit the target 'loihi2'"
    assert caught.value.got == f"scores: {says}\nmixed: {says}"
    assert f"  got:      scores: {says}\n            mixed: {says}\n" in str(caught.value)
    masks = network(
        2, counts(3, hi=1), linear("q", "input", normal(0, 4, 3)), lif("a", "q"), linear("k", "input", normal(1, 4, 3)),
        lif("b", "k"),
        add("both", "a", "b"), lif("mask", "both", firing=Single(2.0)), linear("head", "mask", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    assert compiled(masks, target="loihi2").network.target == "loihi2"


def test_the_width_of_a_product_is_checked() -> None:
    done = compiled(attending())
    target = replace(done.target, lowering=replace(done.target.lowering, synapse_bits=3))
    with pytest.raises(UnsupportedError) as caught:
        Legalise().run(replace(done, target=target))
    assert "mixed: its sums need 4 bits, the target has 3" in caught.value.got


@pytest.mark.parametrize(
    ("limit", "bits", "problem"),
    [
        ("synapse_bits", 8, "head (Linear): its sums need 9 bits, the target has 8"),
        (
            "payload_bits",
            2,
            f"cf (CirculateFiring): synapses read 3 bits of it, a spike of the target carries 2; {ONE_SPIKE}",
        ),
        ("state_bits", 15, "cf (CirculateFiring): 'u' needs 16 bits, the target has 15"),
        ("accumulator_bits", 29, "cf (CirculateFiring): 'product0' needs 30 bits, the target has 29"),
        ("coefficient_bits", 13, "cf (CirculateFiring): 'product0' multiplies two values wider than 13 bits"),
    ],
)
def test_every_width_is_checked(limit: str, bits: int, problem: str) -> None:
    """Lowered for a wide target, then held against one limit that is narrower: what `lower` keeps to is checked once more."""
    net = one_neuron(circulate("cf", "fc"))
    done = run_pipeline(Compilation(net, load_target("generic"), Options(), sample_of(net)))
    target = replace(done.target, lowering=replace(done.target.lowering, **{limit: bits}))
    with pytest.raises(UnsupportedError) as caught:
        Legalise().run(replace(done, target=target))
    assert caught.value.got == problem


@pytest.mark.parametrize("made", [neuron("lnm", "fc"), circulate("cf", "fc"), lif("fire", "fc", strict=True)])
@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_every_kind_fits_the_programmable_targets(made: Any, target: str) -> None:
    assert compiled(one_neuron(made), target=target).network.target == target


def test_weights_keep_the_width_of_the_target() -> None:
    target = load_target("generic")
    narrow = replace(target, lowering=replace(target.lowering, weight_bits=3))
    net = one_neuron(lif("fire", "fc"), normal(0, 5, 4))
    done = run_pipeline(Compilation(net, narrow, Options(), sample_of(net))).network
    weights = [vars(n)["weight"] for n in done.nodes if "weight" in vars(n)]
    assert {int(np.abs(w).max()) for w in weights} <= {2, 3}


@pytest.mark.parametrize("levels", [2, 3, 15])
def test_spike_values_that_only_the_readout_reads_have_any_width(levels: int) -> None:
    """loihi1's axons carry one bit; what the host reads of a neuron is a number."""
    last = circulate("cf", "fc", (1.0,) * levels, reset="value", strict=True)
    net = network(2, counts(3, hi=1), linear("fc", "input", normal(0, 2, 3)), last, readout("cf"))
    done = compiled(net, target="loihi1")
    assert done.network.neurons[0].format.width > done.target.lowering.payload_bits
    read = network(
        2, counts(3, hi=1), linear("fc", "input", normal(0, 2, 3)), last, linear("head", "cf", np.eye(2)), readout("head")
    )
    with pytest.raises(UnsupportedError) as caught:
        compiled(read, target="loihi1")
    assert (
        f"cf (CirculateFiring): synapses read {1 + levels.bit_length()} bits of it, a spike of the target carries 1"
        in caught.value.got
    )
