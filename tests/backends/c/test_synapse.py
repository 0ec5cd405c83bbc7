"""Sums of the C on the way to their end: payloads moved up so that none is negative, all in 32 bits."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.c.events import by_events
from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.synapse_plan import INT32_MAX, Synapse, biases, synapse
from snn2hw.ir.integer import IntInput
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.num import Format, Interval


def dense(features: int, bias: int, weights: tuple[int, int], held: Interval) -> Synapse:
    """A Linear of two outputs, one of each weight, behind payloads of a range."""
    weight = np.array(weights, np.int8)[:, None].repeat(features, 1)
    source = IntInput("x", (), (features,), Format(8, 0, True), held, unit=1.0, static=False, counts=True)
    made = IntLinear("fc", ("x",), (2,), Format(32, 0, True), Interval(0, 0), weight=weight, bias=np.full(2, bias, np.int32))
    assert made.sum_interval(held).magnitude <= INT32_MAX  # what is asked for can be had in 32 bits
    return synapse(made, Value(source, 1, "int8_t", -1), Value(made, 1, "int32_t", 0))


def farthest(s: Synapse) -> int:
    """The largest magnitude of a sum on its way: of payloads moved up by `zero`, in any order, from 0 or from the bias."""
    lo, hi = s.source.node.interval.lo + s.zero, s.source.node.interval.hi + s.zero
    w = s.node.weight.astype(np.int64)
    positive, negative = np.maximum(w, 0).sum(1), np.minimum(w, 0).sum(1)
    highest, lowest = positive * hi - negative * -lo, positive * lo + negative * hi
    start = biases(s, s.zero).reshape(-1)[:2]
    ends = [*highest, *lowest, *(start + highest), *(start + lowest), *start]
    return int(max(abs(int(e)) for e in ends))


RANGES = [(-127, 127), (-127, 1), (-1, 127), (-64, 63), (0, 127), (-127, 0)]


@pytest.mark.parametrize(("lo", "hi"), RANGES)
@pytest.mark.parametrize("bias", [0, 2**27, -(2**27)])
def test_what_is_summed_as_8_bits_keeps_to_32_bits(lo: int, hi: int, bias: int) -> None:
    """Layers from small ones to the largest whose own sums 32 bits hold."""
    largest = (INT32_MAX - abs(bias)) // (127 * max(-lo, hi))
    for weights in ((127, -127), (127, 127), (-127, -127)):
        found = {n: dense(n, bias, weights, Interval(lo, hi)) for n in (100, largest // 4, largest // 2, largest)}
        assert all(not s.fits or farthest(s) <= INT32_MAX for s in found.values())
        assert found[100].fits


@pytest.mark.parametrize(
    ("entering", "leaving", "kernel", "share"),
    [(64, 64, 3, 100), (16, 16, 3, 0), (32, 32, 3, 0), (512, 512, 3, 149), (64, 256, 1, 94), (1024, 256, 1, 146)],
)
def test_the_share_of_the_crossover_grows_with_what_an_event_adds(entering: int, leaving: int, kernel: int, share: int) -> None:
    held, window = Interval(0, 1), Window((kernel, kernel), padding=(kernel // 2, kernel // 2))
    source = IntInput("x", (), (entering, 4, 4), Format(1, 0), held, unit=1.0, static=False, counts=True)
    weight, bias = np.ones((leaving, entering, kernel, kernel), np.int8), np.zeros(leaving, np.int32)
    made = IntConv2d("c", ("x",), (leaving, 4, 4), Format(32, 0, True), Interval(0, 0), weight, bias, window, 1)
    found = synapse(made, Value(source, 4, "uint8_t", -1), Value(made, 4, "int32_t", 0))
    assert found.share == share
    assert f"* percent * {share})" in by_events(0, found, "", "")
