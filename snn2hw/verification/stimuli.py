"""Conformance stimuli: payloads that reach the corners, and a few real samples. Deterministic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints

RANDOM = 4
REAL = 8


def conformance_payloads(net: IntegerNetwork, sample: npt.ArrayLike) -> Ints:
    """[T, N, ...]: the first real samples, all-lowest, all-highest, alternating corners over time, and uniform noise."""
    real = np.asarray(sample)
    real = real[:REAL] if net.input.static else real[:, :REAL]
    return np.concatenate([encode(net, real), corner_payloads(net)], axis=1)


def corner_payloads(net: IntegerNetwork, seed: int = 0) -> Ints:
    """[T, N, ...]: all-lowest, all-highest, alternating corners, uniform noise; every value within the declared range."""
    lo, hi = net.input.interval.lo, net.input.interval.hi
    shape = (net.steps, 1, *net.input.shape)
    alternating = np.full(shape, lo)
    alternating[::2] = hi
    noise = np.random.default_rng(seed).integers(lo, hi, (net.steps, RANDOM, *net.input.shape), endpoint=True)
    return np.concatenate([np.full(shape, lo), np.full(shape, hi), alternating, noise], axis=1).astype(np.int64)
