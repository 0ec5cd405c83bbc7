"""Sums of the C on the way to their end: payloads moved up so that none is negative, all in 32 bits."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.synapse_plan import INT32_MAX, Synapse, biases, synapse
from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.built import build
from snn2hw.backends.fast.crossover import SIZE, STEPS, probe
from snn2hw.backends.fast.executor import Fast
from snn2hw.ir.integer import IntInput
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


def test_a_layer_whose_sums_hardly_ever_cost_less_by_events_has_no_lists_but_for_who_asks_for_them() -> None:
    for inputs, listed in ((16, False), (64, True)):
        asked, plain = (to_c(probe(inputs, inputs), False, forced) for forced in (True, False))
        assert "events_1" in asked.text
        assert ("events_1" in plain.text) == ("event_weight_1" in plain.arrays) == listed


@pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")
def test_where_all_is_active_sums_are_dense() -> None:
    """By the lists, which lie in the scratch and stay 0 where nothing is listed."""
    net = probe(512, 512, 1)
    built, conv = build(net, False), net.nodes[1]
    assert isinstance(conv, IntConv2d)
    s = synapse(conv, Value(net.input, STEPS, "uint8_t", -1), Value(conv, STEPS, "int32_t", 0))
    for active, percent, listed in ((1.0, 100, False), (0.99, 100, True), (1.0, 101, True), (0.0, 0, False)):
        x = np.random.default_rng(0).random((1, STEPS, SIZE, SIZE, 512)) < active
        with built.memory(built.source.arena) as arena:
            arena[...] = 0
        built.runner(x.astype(np.uint8), np.empty((1, 512 * SIZE * SIZE), np.int64), [], percent)(0, 1)
        counts = arena[built.source.arena - s.scratch + s.list_offsets[2] :][: 4 * STEPS * SIZE * SIZE].view(np.int32)
        assert counts.any() == listed, (active, percent)
