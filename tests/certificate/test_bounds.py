"""What can reach each neuron, against every combination of inputs."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from snn2hw.certificate.bounds import Bounds, layer_bounds, spread
from snn2hw.ir.integer import IntNode
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntSumPool2d,
)
from snn2hw.num import Format, Interval

FORMAT = Format(16, 0)
COMMON = {"format": FORMAT, "interval": FORMAT.interval}
ANYTHING = Interval(-3, 5)


def conv(rng: np.random.Generator, channels: int, made: int, window: Window, groups: int = 1) -> IntConv2d:
    weight = rng.integers(-4, 5, (made, channels // groups, *window.kernel)).astype(np.int8)
    bias = rng.integers(-9, 10, made).astype(np.int32)
    return IntConv2d("n", ("x",), (), **COMMON, weight=weight, bias=bias, window=window, groups=groups)


def linear(rng: np.random.Generator, features: int) -> IntLinear:
    weight = rng.integers(-4, 5, (3, features)).astype(np.int8)
    return IntLinear("n", ("x",), (3,), **COMMON, weight=weight, bias=rng.integers(-9, 10, 3).astype(np.int32))


def multiply(transposed: str, size: tuple[int, int]) -> IntMatMul:
    shape = (4 if transposed == "first" else 2, *size)
    return IntMatMul("n", ("x", "y"), shape, **COMMON, heads=2, transposed=transposed, size=size)


# (the node, shapes of what enters it); few enough values that every combination of three per place can be tried
LAYERS: dict[str, Any] = {
    "linear": lambda rng: (linear(rng, 5), [(5,)]),
    "convolution": lambda rng: (conv(rng, 1, 2, Window((2, 2))), [(1, 2, 3)]),
    "padding": lambda rng: (conv(rng, 1, 2, Window((2, 2), padding=(1, 1))), [(1, 2, 2)]),
    "padding and stride": lambda rng: (conv(rng, 1, 2, Window((3, 3), (2, 2), (1, 1))), [(1, 3, 2)]),
    "groups": lambda rng: (conv(rng, 2, 4, Window((1, 2)), groups=2), [(2, 1, 3)]),
    "sum pool": lambda rng: (IntSumPool2d("n", ("x",), (), **COMMON, window=Window((2, 2), (1, 1), (1, 1))), [(1, 2, 3)]),
    "max pool": lambda rng: (IntMaxPool2d("n", ("x",), (), **COMMON, window=Window((2, 2), (1, 1))), [(2, 2, 2)]),
    "flatten": lambda rng: (IntFlatten("n", ("x",), (), **COMMON), [(2, 1, 2)]),
    "product": lambda rng: (multiply("none", (1, 2)), [(2, 1, 2), (4, 1, 2)]),
    "product, first transposed": lambda rng: (multiply("first", (1, 2)), [(2, 2, 1), (2, 1, 2)]),
    "product, second transposed": lambda rng: (multiply("second", (1, 1)), [(2, 1, 2), (2, 2, 1)]),
    "add": lambda rng: (IntAdd("n", ("x", "y"), (), **COMMON, shifts=(0, 2)), [(3,), (3,)]),
}


def everything(node: IntNode, bounds: list[Bounds]) -> Bounds:
    """The bounds by trying: lowest, highest and a value between, in every place independently."""
    places = [
        sorted({int(lo), int(hi), (int(lo) + int(hi)) // 2})
        for b in bounds
        for lo, hi in zip(b.lo.ravel(), b.hi.ravel(), strict=True)
    ]
    flat, inputs = np.array(list(product(*places)), np.int64), []
    for b in bounds:
        inputs.append(flat[:, : b.lo.size].reshape(-1, *b.lo.shape[1:]))
        flat = flat[:, b.lo.size :]
    value = node.value(inputs)
    return Bounds(value.min(0, keepdims=True), value.max(0, keepdims=True))


@pytest.mark.parametrize("which", LAYERS)
def test_bounds_are_those_of_every_combination(which: str) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        node, shapes = LAYERS[which](rng)
        bounds = []
        for shape in shapes:
            ends = np.sort(rng.integers(ANYTHING.lo, ANYTHING.hi + 1, (2, 1, *shape)), axis=0)
            bounds.append(Bounds(ends[0], ends[1]))
        found, expected = layer_bounds(node, bounds), everything(node, bounds)
        np.testing.assert_array_equal(found.lo, expected.lo)
        np.testing.assert_array_equal(found.hi, expected.hi)


def test_padding_is_zero_and_no_input() -> None:
    """An input that is never below 5 meets zeros at the border, so corners sum fewer of them."""
    ones = np.ones((1, 1, 3, 3), np.int8)
    window = Window((3, 3), padding=(1, 1))
    node = IntConv2d("n", ("x",), (), **COMMON, weight=ones, bias=np.zeros(1, np.int32), window=window, groups=1)
    found = layer_bounds(node, [spread((1, 3, 3), [(5, 6)])])
    assert found.lo[0, 0].tolist() == [[20, 30, 20], [30, 45, 30], [20, 30, 20]]
    assert found.by_channel() == [(20, 54)]


def test_the_same_bounds_for_every_place_of_a_channel() -> None:
    both = spread((2, 1, 3), [(-1, 4), (0, 7)])
    assert both.lo.tolist() == [[[[-1, -1, -1]], [[0, 0, 0]]]]
    assert both.hi.tolist() == [[[[4, 4, 4]], [[7, 7, 7]]]]
    assert both.by_channel() == [(-1, 4), (0, 7)]
    shared = spread((4,), [(-1, 4)])
    assert shared.by_channel() == [(-1, 4)] * 4


def test_wide_sums_are_not_narrowed() -> None:
    """int8 weights, int64 sums: products of the extremes pass 2**31."""
    weight = np.full((1, 70_000), -128, np.int8)
    node = IntLinear("n", ("x",), (1,), **COMMON, weight=weight, bias=np.array([-7], np.int32))
    found = layer_bounds(node, [spread((70_000,), [(-255, 255)])])
    assert found.by_channel() == [(-128 * 255 * 70_000 - 7, 128 * 255 * 70_000 - 7)]
