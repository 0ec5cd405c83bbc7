"""The small networks for circuits: all their layers fire, they are small, and what runs them agrees."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from bench.rtl_networks import CALIBRATION, NETWORKS, compiled, settled  # noqa: E402
from snn2hw.data import digits  # noqa: E402
from snn2hw.layers import IntAdd, IntMatMul  # noqa: E402

pytestmark = pytest.mark.torch

made = cache(compiled)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_fires_and_falls_silent_and_what_runs_it_agrees(name: str) -> None:
    artefact, images = made(name)
    assert sum(prod(n.shape) for n in artefact.network.neurons) < 2000
    trace = snn2hw.simulate(artefact, images[:16], "reference")
    for layer, fired in trace.spikes.items():
        assert 0.01 < float((fired != 0).mean()) < 0.9, layer
    assert len(np.unique(trace.readout, axis=0)) == 16
    verdict = snn2hw.verify(artefact, images[:2], ("torch", "onnxruntime"))
    assert verdict.equal
    assert set(verdict.compared) == {"torch", "onnxruntime"}


def test_they_are_what_they_are_called() -> None:
    nets = {name: made(name)[0].network for name in NETWORKS}
    assert {len(n.program.states) for n in nets["two states"].neurons} == {2}
    assert {len(n.program.states) for n in nets["adaptive threshold"].neurons} == {2}
    assert sum(type(n).__name__ == "IntFeedback" for n in nets["recurrent"].nodes) == 2
    for name, joins in (("residual", 2), ("token mixing", 2), ("spike-driven", 4), ("attention", 2)):
        assert sum(isinstance(n, IntAdd) for n in nets[name].nodes) == joins, name
    assert sum(isinstance(n, IntMatMul) for n in nets["attention"].nodes) == 2


def test_weights_follow_from_the_seed() -> None:
    images = digits.load("train")[0][:CALIBRATION]
    one, same, other = (settled("recurrent", images, seed).state_dict() for seed in (1, 1, 2))
    assert all(np.array_equal(one[k], same[k]) for k in one)
    assert not all(np.array_equal(one[k], other[k]) for k in one)
