"""Conformance stimuli: spike values that reach the corners, and a few real samples. Deterministic."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from snn2hw.formats.sample import stored_or_array
from snn2hw.ir.encode import check_shape, encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints

RANDOM = 4
REAL = 8
MOST_VALUES = 1 << 23  # of a trace that is written; a large network has fewer vectors


def conformance_payloads(net: IntegerNetwork, sample: npt.ArrayLike | None) -> Ints:
    """[T, N, ...]: the first real samples where there are any, all-lowest, all-highest, alternating corners over time, and
    uniform noise; for a large network one real sample and one of noise."""
    corners = corner_payloads(net)
    if sample is None:
        return corners[:, -1:] if _large(net) else corners
    real = stored_or_array(sample)
    check_shape(net, real)
    real = real[:REAL] if net.input.static else real[:, :REAL]
    if _large(net):
        real, corners = (real[:1] if net.input.static else real[:, :1]), corners[:, -1:]
    return np.concatenate([encode(net, real), corners], axis=1)


def _large(net: IntegerNetwork) -> bool:
    each = net.steps * sum(prod(n.shape) * (1 + len(n.program.states)) for n in net.neurons)
    return each * (REAL + RANDOM + 3) > MOST_VALUES


def corner_payloads(net: IntegerNetwork, seed: int = 0) -> Ints:
    """[T, N, ...]: all-lowest, all-highest, alternating corners, uniform noise; every value within the declared range."""
    lo, hi = net.input.interval.lo, net.input.interval.hi
    shape = (net.steps, 1, *net.input.shape)
    alternating = np.full(shape, lo)
    alternating[::2] = hi
    noise = np.random.default_rng(seed).integers(lo, hi, (net.steps, RANDOM, *net.input.shape), endpoint=True)
    return np.concatenate([np.full(shape, lo), np.full(shape, hi), alternating, noise], axis=1).astype(np.int64)
