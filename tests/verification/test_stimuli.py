"""Conformance stimuli: corners, noise and real samples, the same every time, never outside what the input declares."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Input
from snn2hw.verification.stimuli import RANDOM, REAL, conformance_payloads, corner_payloads
from tests.verification.hand_networks import Array, compiled, counts, image, linear, network, readout

WEIGHT = [[1.0, -0.5], [0.5, 0.25]]


def net_of(source: Input, sample: Array, steps: int = 3) -> IntegerNetwork:
    return compiled(network(steps, source, linear("fc", "input", WEIGHT), readout("fc")), sample)


def signed() -> Input:
    return Input("input", (), (2,), lo=-1.0, hi=1.0, static=False, counts=False)


SOURCES = {
    "image": (image(2), (5, 2), 0, 255),
    "counts": (counts(2), (3, 5, 2), 0, 3),
    "signed": (signed(), (3, 5, 2), -127, 127),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_corners(kind: str) -> None:
    source, shape, lo, hi = SOURCES[kind]
    net = net_of(source, np.zeros(shape))
    x = corner_payloads(net)
    assert x.dtype == np.int64
    assert x.shape == (3, 3 + RANDOM, 2)
    assert (x[:, 0] == lo).all()
    assert (x[:, 1] == hi).all()
    assert x[:, 2].tolist() == [[hi, hi], [lo, lo], [hi, hi]]
    noise = x[:, 3:]
    assert lo <= noise.min() < noise.max() <= hi
    assert len({noise[:, n].tobytes() for n in range(RANDOM)}) == RANDOM


def test_noise_reaches_both_bounds() -> None:
    net = net_of(counts(2), np.zeros((3, 5, 2)))
    noise = np.concatenate([corner_payloads(net, seed)[:, 3:] for seed in range(20)])
    assert set(noise.ravel().tolist()) == {0, 1, 2, 3}


def test_the_same_every_time_and_another_with_another_seed() -> None:
    net = net_of(image(2), np.zeros((5, 2)))
    np.testing.assert_array_equal(corner_payloads(net), corner_payloads(net, 0))
    assert (corner_payloads(net, 0)[:, 3:] != corner_payloads(net, 1)[:, 3:]).any()
    np.testing.assert_array_equal(corner_payloads(net, 0)[:, :3], corner_payloads(net, 1)[:, :3])


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("samples", [1, REAL, REAL + 3])
def test_the_first_real_samples_come_first(kind: str, samples: int) -> None:
    source, shape, _, _ = SOURCES[kind]
    rng = np.random.default_rng(2)
    size = (samples, 2) if source.static else (shape[0], samples, 2)
    sample = rng.integers(0, 4, size).astype(np.float64) if source.counts else rng.uniform(source.lo, source.hi, size)
    net = net_of(source, sample)
    x = conformance_payloads(net, sample)
    kept = min(samples, REAL)
    assert x.shape == (3, kept + 3 + RANDOM, 2)
    np.testing.assert_array_equal(x[:, :kept], encode(net, sample)[:, :kept])
    np.testing.assert_array_equal(x[:, kept:], corner_payloads(net))


def test_one_step_has_one_corner() -> None:
    net = net_of(image(2), np.zeros((5, 2)), steps=1)
    assert corner_payloads(net)[0, :3].tolist() == [[0, 0], [255, 255], [255, 255]]
