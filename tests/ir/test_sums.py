"""Intervals of sums against the largest and smallest sum that some input makes, found by trying."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNode, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntMatMul,
    IntMaxPool2d,
    IntSumPool2d,
)
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
        made = replace(made, shape=made.output_shape([(1, 2, 2)]))
        bound = made.interval_from([source(lo, hi)])
        assert tried(source(lo, hi), replace(made, interval=bound)) in bound
        assert bound.magnitude <= made.largest_partial_sum(Interval(lo, hi))
    if padding == (0, 0):
        assert tried(source(lo, hi), replace(made, interval=bound)) == bound  # nothing hangs over: the interval is the hull


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("lo", "hi"), RANGES)
def test_a_pool(padding: tuple[int, int], lo: int, hi: int) -> None:
    made = IntSumPool2d("p", ("x",), (), FMT, Interval(0, 0), window=Window((2, 2), padding=padding))
    made = replace(made, shape=made.output_shape([(1, 2, 2)]))
    bound = made.interval_from([source(lo, hi)])
    assert tried(source(lo, hi), replace(made, interval=bound)) in bound
    assert bound == (Interval(4 * lo, 4 * hi) if padding == (0, 0) else Interval(4 * min(lo, 0), 4 * max(hi, 0)))


@pytest.mark.parametrize("kernel", [(1, 2), (2, 1), (1, 1), (2, 2)])
def test_a_pool_of_any_sides(kernel: tuple[int, int]) -> None:
    made = IntSumPool2d("p", ("x",), (), FMT, Interval(0, 0), window=Window(kernel))
    made = replace(made, shape=made.output_shape([(1, 2, 2)]))
    bound = made.interval_from([source(-1, 3)])
    assert (
        bound
        == tried(source(-1, 3), replace(made, interval=bound))
        == Interval(-kernel[0] * kernel[1], 3 * kernel[0] * kernel[1])
    )


@pytest.mark.parametrize("shifts", [(0, 0), (0, 3), (2, 0), (5, 4)])
@pytest.mark.parametrize(("a", "b"), [((-3, 5), (2, 7)), ((-8, -1), (-2, 3)), ((0, 0), (4, 4))])
def test_a_join(a: tuple[int, int], b: tuple[int, int], shifts: tuple[int, int]) -> None:
    ends = [x * 2 ** shifts[0] + y * 2 ** shifts[1] for x in a for y in b]
    made = IntAdd("s", ("x", "y"), (1, 2, 2), FMT, Interval(0, 0), shifts=shifts)
    assert made.interval_from([source(*a), source(*b)]) == Interval(min(ends), max(ends))


@pytest.mark.parametrize(("lo", "hi"), [(1, 3), (-3, -1), (0, 2), (-2, 2)])
def test_what_comes_back_is_zero_at_the_first_step(lo: int, hi: int) -> None:
    entering = source(lo, hi)
    back = IntFeedback("b", ("n",), entering.shape, FMT, Interval(0, 0))
    assert back.interval_from([entering]) == Interval(min(lo, 0), max(hi, 0))
    assert IntMaxPool2d("m", ("x",), (), FMT, Interval(0, 0), window=Window((2, 2))).interval_from([entering]) == Interval(lo, hi)


def test_the_sum_over_the_steps() -> None:
    flat = IntFlatten("flat", ("x",), (4,), FMT, Interval(-3, 5))
    out = IntReadout("out", ("flat",), (4,), FMT, Interval(-3, 5))
    assert IntegerNetwork(7, "generic", (source(-3, 5), flat, out)).sum_interval == Interval(-21, 35)


@pytest.mark.parametrize(
    ("transposed", "shapes", "terms"), [("first", ((4, 1, 3), (4, 1, 5)), 2), ("none", ((6, 1, 5), (10, 1, 3)), 5)]
)
def test_a_product_sums_over_what_its_sides_share(transposed: str, shapes: tuple[Any, Any], terms: int) -> None:
    made = IntMatMul("m", ("a", "b"), (), FMT, Interval(0, 0), heads=2, transposed=transposed, size=(1, shapes[1][2]))
    sides = [replace(source(lo, hi), shape=shape) for (lo, hi), shape in zip(((-1, 3), (-2, 1)), shapes, strict=True)]
    assert made.interval_from(sides) == Interval(-6 * terms, 3 * terms)
