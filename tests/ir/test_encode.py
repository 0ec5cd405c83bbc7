"""Real samples become integers by one rule, ties upwards, whatever the range that was declared."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from tests.hand_networks import compiled, image, lif, linear, network, normal, readout


def door(lo: float, hi: float) -> IntegerNetwork:
    """A network whose input is declared to lie between lo and hi."""
    net = network(
        2, image(3, lo=lo, hi=hi), linear("fc", "input", normal(0, 2, 3)), lif("n", "fc"), linear("head", "n", np.eye(2)),
        readout("head"),
    )  # fmt: skip
    return compiled(net).network


def test_a_value_in_the_middle_of_two_integers_goes_up() -> None:
    halves = np.array([[0.5, 1.5, 2.5], [3.5, 126.5, 254.5]])
    assert encode(door(0.0, 255.0), halves)[0].tolist() == [[1, 2, 3], [4, 127, 255]]
    signed = np.array([[-0.5, -1.5, -2.5], [0.5, 1.5, 2.5]])
    assert encode(door(-127.0, 127.0), signed)[0].tolist() == [[0, -1, -2], [1, 2, 3]]


@pytest.mark.parametrize(("lo", "hi"), [(0.0, 255.0), (-127.0, 127.0), (0.0, 31.875), (-0.9921875, 0.9921875), (-3.0, 63.5)])
def test_every_integer_and_what_lies_between(lo: float, hi: float) -> None:
    """Against whole fractions: units of these ranges are powers of two, so that the samples are what they say."""
    net = door(lo, hi)
    unit = Fraction(net.input.unit)
    quarters = [k * unit / 4 for k in range(4 * net.input.interval.lo, 4 * net.input.interval.hi + 1) if lo <= k * unit / 4 <= hi]
    quarters += [Fraction(0)] * (-len(quarters) % 3)
    x = np.array([float(q) for q in quarters]).reshape(-1, 3)
    wanted = [floor(q / unit + Fraction(1, 2)) for q in quarters]
    got = encode(net, x)
    assert got.shape == (2, *x.shape)
    assert got[0].reshape(-1).tolist() == got[1].reshape(-1).tolist() == wanted
