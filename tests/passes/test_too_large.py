"""What is more than a target's table has is said before anything is calibrated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.ir.network import Network
from snn2hw.ir.shapes import Window
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.findings import Finding
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import Fact, Target, load_target
from tests.hand_networks import conv, counts, flatten, lif, linear, network, normal, readout


def dense(reads: int, neurons: int) -> tuple[Network, Any]:
    nodes = [counts(reads), linear("fc", "input", normal(0, neurons, reads)), lif("fire", "fc", reset="value", strict=True)]
    return network(1, *nodes, linear("head", "fire", normal(1, 2, neurons)), readout("head")), np.zeros((1, 1, reads))


def having(name: str, **limits: int) -> Target:
    target = load_target(name)
    assert target.cores is not None
    facts = {k: Fact(v, "F", "a test") for k, v in limits.items()}
    return replace(target, cores=replace(target.cores, facts={**target.cores.facts, **facts}))


def found(target: Target, reads: int, neurons: int) -> tuple[Finding, ...]:
    net, sample = dense(reads, neurons)
    done = run_pipeline(Compilation(net, target, Options(), sample), "capacity")
    assert done.observed == {}
    return done.findings


@pytest.mark.parametrize("reads", [4096, 4097])
def test_axons_into_one_neuron(reads: int) -> None:
    """One more than a core of Loihi has, and as many."""
    findings = found(load_target("loihi1"), reads, 3)
    if reads == 4096:
        assert findings == ()
        return
    (one,) = findings
    assert one.what == "a neuron reads more values than a core of the target 'loihi1' has input axons"
    assert (one.where, one.got) == ("fc (Linear)", "4,097 values")
    assert one.cause.startswith("loihi1.toml states 4,096 input axons a core (nengo-loihi block.py")
    assert (
        one.remedy == "let it read fewer: pool before it, or split the layer in two; `snn2hw estimate` says all that does not fit"
    )


@pytest.mark.parametrize("most", [5 * 7 + 2 * 7, 5 * 7 + 2 * 7 - 1])
def test_synapses_of_a_chip(most: int) -> None:
    findings = found(having("loihi2", synapses_per_chip=most), 5, 7)
    if most == 49:
        assert findings == ()
        return
    (one,) = findings
    assert one.what == "the network has more synapses than a chip of the target 'loihi2'"
    assert (one.where, one.got) == ("fc (Linear) (35), head (Linear) (14)", "49 synapses")
    assert one.cause == "loihi2.toml states 48 a chip (a test)"
    assert "spread the network over several chips" in one.remedy


@pytest.mark.parametrize(("shared", "synapses"), [(True, 2 * 9 + 2 * 16), (False, 2 * 9 * 16 + 2 * 16)])
def test_a_kernel_that_is_kept_once_is_counted_once(shared: bool, synapses: int) -> None:
    window = Window((3, 3), padding=(1, 1))
    nodes = [counts(1, 4, 4), conv("c", "input", normal(0, 2, 1, 3, 3), window=window), lif("fire", "c"), flatten("flat", "fire")]
    net = network(1, *nodes, linear("head", "flat", normal(1, 1, 32)), readout("head"))
    for most in (synapses, synapses - 1):
        target = having("loihi2", synapses_per_chip=most, shared_convolution_weights=shared)
        done = run_pipeline(Compilation(net, target, Options(), np.zeros((1, 1, 1, 4, 4))), "capacity")
        assert len(done.findings) == (most < synapses)
        assert all(f.got == f"{synapses} synapses" + ", padding among them" * (not shared) for f in done.findings)


def test_a_target_without_cores_says_nothing() -> None:
    assert found(load_target("generic"), 5000, 3) == ()
