"""What layers can reach: products with weights of both signs, of values as wide as sums get."""

from __future__ import annotations

import numpy as np
from onnx import helper

from snn2hw.checker.layers import layer_bounds


def test_products_are_exact_far_beyond_the_digits_of_a_float32() -> None:
    random = np.random.default_rng(0)
    lo = random.integers(-(2**31), 2**31, (3, 500))
    hi = lo + random.integers(0, 2**31, lo.shape)
    weight = random.integers(-127, 128, (500, 7))
    low, high = layer_bounds(helper.make_node("MatMul", ["x", "w"], ["y"]), [(lo, hi), (weight, weight)])
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    assert np.array_equal(low, lo @ up + hi @ down)
    assert np.array_equal(high, hi @ up + lo @ down)
    assert low.dtype == high.dtype == np.int64
    assert (high > 2**40).any()
