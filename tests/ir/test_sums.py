"""Intervals of sums against the largest and smallest sum that some input makes, found by trying."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snn2hw.executors.reference import interpret
from snn2hw.ir.integer import IntConv2d, IntegerNetwork, IntFlatten, IntInput, IntNode, IntReadout, IntSumPool2d
from snn2hw.ir.network import Window
from snn2hw.ir.shapes import output_shape
from snn2hw.ir.sums import largest_partial_sum, node_interval
from snn2hw.num import Format, Interval

FMT = Format(32, 0, True)


def source(lo: int, hi: int) -> IntInput:
    return IntInput("x", (), (1, 2, 2), Format(8, 0, True), Interval(lo, hi), unit=1.0, static=False, counts=True)


def tried(entering: IntInput, node: IntNode) -> Interval:
    """The hull of the node's value over every image whose pixels are at an end of their range."""
    flat = IntFlatten("flat", (node.name,), (int(np.prod(node.shape)),), FMT, node.interval)
    net = IntegerNetwork(1, "generic", (entering, node, flat, IntReadout("out", ("flat",), flat.shape, FMT, node.interval)))
    ends = list(product((entering.interval.lo, entering.interval.hi), repeat=4))
    found = interpret(net, np.array(ends).reshape(1, -1, 1, 2, 2)).readout
    return Interval(int(found.min()), int(found.max()))


PADDINGS = [(0, 0), (0, 1), (1, 0), (1, 1)]
RANGES = [(1, 3), (-3, -1), (0, 2), (-2, 2), (2, 2)]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("lo", "hi"), RANGES)
def test_a_convolution(padding: tuple[int, int], lo: int, hi: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(6):
        weight = rng.integers(-2, 3, (2, 1, 2, 2)).astype(np.int8)
        window = Window((2, 2), padding=padding)
        made = IntConv2d(
            "c", ("x",), (), FMT, Interval(0, 0), weight=weight, bias=np.array([1, -2], np.int32), window=window, groups=1
        )
        made = replace(made, shape=output_shape(made, [(1, 2, 2)]))
        bound = node_interval(made, [source(lo, hi)])
        assert tried(source(lo, hi), replace(made, interval=bound)) in bound
        assert bound.magnitude <= largest_partial_sum(made, Interval(lo, hi))
    if padding == (0, 0):
        assert tried(source(lo, hi), replace(made, interval=bound)) == bound  # nothing hangs over: the interval is the hull


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("lo", "hi"), RANGES)
def test_a_pool(padding: tuple[int, int], lo: int, hi: int) -> None:
    made = IntSumPool2d("p", ("x",), (), FMT, Interval(0, 0), window=Window((2, 2), padding=padding))
    made = replace(made, shape=output_shape(made, [(1, 2, 2)]))
    bound = node_interval(made, [source(lo, hi)])
    assert tried(source(lo, hi), replace(made, interval=bound)) in bound
    assert bound == (Interval(4 * lo, 4 * hi) if padding == (0, 0) else Interval(4 * min(lo, 0), 4 * max(hi, 0)))
