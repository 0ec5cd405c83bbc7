"""How many weights read each value, by the geometry of a layer and by trying one value after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.ir.integer import Int8s, Int32s
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntConv2d, IntLinear, IntSynapse
from snn2hw.num import Format, Interval

WINDOWS = [
    (Window((3, 3), padding=(1, 1)), 1),
    (Window((3, 2), (2, 1), padding=(0, 1)), 1),
    (Window((2, 3), (2, 3), padding=(1, 0), dilation=(2, 1)), 2),
    (Window((1, 1), (2, 2)), 4),
    (Window((7, 6)), 1),
]


def weights(seed: int, *shape: int) -> tuple[Int8s, Int32s]:
    """Half of them 0."""
    rng = np.random.default_rng(seed)
    some = rng.integers(-3, 4, shape) * rng.integers(0, 2, shape)
    return some.astype(np.int8), rng.integers(-9, 9, shape[0]).astype(np.int32)


def made(kind: Any, shape: Shape, seed: int, *size: int, **fields: Any) -> IntSynapse:
    weight, bias = weights(seed, *size)
    node: IntSynapse = kind("n", ("x",), shape, Format(32, 0), Interval(0, 0), weight=weight, bias=bias, **fields)
    return node


@pytest.mark.parametrize("case", range(len(WINDOWS)))
def test_of_a_convolution(case: int) -> None:
    window, groups = WINDOWS[case]
    entering = (4, 7, 6)
    node = made(IntConv2d, (8, *window.output(entering[1:])), case, 8, 4 // groups, *window.kernel, window=window, groups=groups)
    for one in (node, replace(node, weight=np.ones_like(node.weight))):
        assert one.fan_out(entering).tolist() == IntSynapse.fan_out(one, entering).tolist()


def test_of_a_linear_layer() -> None:
    node = made(IntLinear, (5,), 1, 5, 70)
    assert node.fan_out((70,)).tolist() == IntSynapse.fan_out(node, (70,)).tolist()
    assert node.fan_out((70,)).sum() == np.count_nonzero(node.weight)
