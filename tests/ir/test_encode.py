"""Real samples become integers by one rule, ties upwards, whatever the range that was declared."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from tests.hand_networks import compiled, counts, image, lif, linear, network, normal, readout


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


def counted(steps: int = 2, most: int = 3) -> IntegerNetwork:
    """A network of events, [steps, N, 3]."""
    net = network(
        steps, counts(3, hi=most), linear("fc", "input", normal(0, 2, 3)), lif("n", "fc"), linear("head", "n", np.eye(2)),
        readout("head"),
    )  # fmt: skip
    return compiled(net).network


@pytest.mark.parametrize(
    ("still", "shape", "expected"),
    [
        (True, (4, 2), "[N, ...] with one sample [3]"),
        (True, (3,), "[N, ...] with one sample [3]"),
        (True, (2, 4, 3), "[N, ...] with one sample [3]"),
        (True, (0, 3), "[N, ...] with one sample [3]"),
        (False, (2, 4, 2), "[T, N, ...] with one sample [3] and T = 2"),
        (False, (2, 3), "[T, N, ...] with one sample [3] and T = 2"),
        (False, (2, 4, 1, 3), "[T, N, ...] with one sample [3] and T = 2"),
        (False, (2, 0, 3), "[T, N, ...] with one sample [3] and T = 2"),
    ],
)
def test_samples_of_another_shape(still: bool, shape: tuple[int, ...], expected: str) -> None:
    with pytest.raises(ShapeError) as caught:
        encode(door(0.0, 1.0) if still else counted(), np.zeros(shape))
    empty = 0 in shape
    assert caught.value.what == ("there are no samples" if empty else "the samples have another shape than the network's input")
    assert (caught.value.where, caught.value.got, caught.value.expected) == ("input 'input'", str(list(shape)), expected)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_another_number_of_steps(steps: int) -> None:
    with pytest.raises(ShapeError) as caught:
        encode(counted(), np.zeros((steps, 2, 3)))  # N is 2, as T should be
    error = caught.value
    got = f"T = {steps}: [{steps}, 2, 3], read as [T, N, ...]"
    assert (error.what, error.got, error.expected) == ("wrong number of steps", got, "T = 2")
    with pytest.raises(ShapeError) as caught:
        encode(counted(), np.zeros((steps, 7, 3)))
    assert caught.value.got == f"T = {steps}"
    assert encode(counted(steps), np.zeros((steps, 5, 3))).shape == (steps, 5, 3)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_samples(n: int) -> None:
    assert encode(door(0.0, 1.0), np.zeros((n, 3))).shape == (2, n, 3)
    assert encode(counted(), np.zeros((2, n, 3))).shape == (2, n, 3)


@pytest.mark.parametrize("value", [-1.0, -0.01, 1.01, 2.0, 1e300, -1e300])
def test_one_value_outside_the_range(value: float) -> None:
    """1/255 is a unit: 1.001 is still the last of them."""
    x = np.full((4, 3), 0.5)
    x[2, 1] = value
    with pytest.raises(ValueRangeError) as caught:
        encode(door(0.0, 1.0), x)
    assert caught.value.what == "the input is outside its declared range"
    assert caught.value.got == f"{min(value, 0.5):g} to {max(value, 0.5):g}"
    assert caught.value.expected == "0 to 1"
    assert (encode(door(0.0, 1.0), np.array([[0.0, 1.0, 1.001]]))[0] == [[0, 255, 255]]).all()


@pytest.mark.parametrize(("value", "what"), [(np.nan, "the samples hold NaN or Inf"), (0.5, "event counts are whole numbers")])
def test_one_value_that_is_no_count(value: float, what: str) -> None:
    x = np.ones((2, 4, 3))
    x[1, 2, 0] = value
    with pytest.raises(ValueRangeError) as caught:
        encode(counted(), x)
    assert caught.value.what == what
    assert caught.value.got.startswith("1 ")


@pytest.mark.parametrize("values", [["a", "b", "c"], [1j, 0j, 2j]])
def test_what_is_no_number(values: list[object]) -> None:
    with pytest.raises(ValueRangeError) as caught:
        encode(door(0.0, 1.0), np.array([values]))
    assert caught.value.what == "this is no array of numbers"
