"""How far the window of a pool may hang over the edge."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.errors import ShapeError
from snn2hw.ir.network import Network
from snn2hw.ir.real import run_real
from snn2hw.ir.shapes import Window
from snn2hw.layers import MaxPool2d
from tests.hand_networks import flatten, image, linear, network, readout
from tests.refused import refused


def pooled(padding: int, dilation: int, kernel: int = 3) -> Network:
    window = Window((kernel, kernel), (1, 1), (padding, padding), (dilation, dilation))
    pool = MaxPool2d("pool", ("input",), (), window=window, source="pool (MaxPool2d)")
    side = 7 + 2 * padding - dilation * (kernel - 1)
    return network(1, image(1, 7, 7), pool, flatten("flat", "pool"), linear("head", "flat", np.eye(side * side)), readout("head"))


@pytest.mark.parametrize(("dilation", "kernel"), [(1, 2), (1, 3), (2, 2), (2, 3), (3, 3)])
def test_a_window_sees_at_least_one_value(dilation: int, kernel: int) -> None:
    """With as much padding as is taken every window holds a value, and with one more the window in the corner holds none."""
    most = dilation * (kernel - 1)
    x = np.random.default_rng(0).random((2, 1, 7, 7))
    largest = run_real(pooled(most, dilation, kernel), x)
    assert np.isin(largest, x).all()
    assert (largest[:, 0] == x[:, 0, 0, 0]).all()  # the corner's window holds the corner alone
    with refused(
        ShapeError,
        f"""
        a pooling window would see padding only
          where:    pool (MaxPool2d)
          got:      padding {most + 1}
          expected: at most {most}
          do:       check the layer before it, or the shape of the sample
        """,
    ):
        pooled(most + 1, dilation, kernel)
