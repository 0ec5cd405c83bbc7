"""The rectangle surrogate: an exact step forwards, a window backwards."""

from __future__ import annotations

import math

import pytest
import torch

from snn2hw import nn
from snn2hw.errors import ValueRangeError

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("strict", "at_zero"), [(False, 1.0), (True, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_forward_is_the_step_function(strict: bool, at_zero: float, dtype: torch.dtype) -> None:
    x = torch.tensor([-2.0, -1e-30, 0.0, 1e-30, 2.0], dtype=dtype)
    y = nn.Rectangle()(x, strict)
    assert y.dtype == dtype
    assert y.tolist() == [0.0, 0.0, at_zero, 1.0, 1.0]


@pytest.mark.parametrize("width", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("strict", [False, True])
def test_backward_is_the_window(width: float, strict: bool) -> None:
    half = width / 2
    x = torch.tensor([-2 * half, -half, -0.99 * half, 0.0, 0.99 * half, half, 2 * half], dtype=torch.float64, requires_grad=True)
    (3.0 * nn.Rectangle(width)(x, strict)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 3.0 / width, 3.0 / width, 3.0 / width, 0.0, 0.0]


def test_window_has_unit_area() -> None:
    x = torch.linspace(-3, 3, 600_001, dtype=torch.float64, requires_grad=True)
    nn.Rectangle(2.5)(x).sum().backward()
    assert x.grad is not None
    assert float(x.grad.sum()) * 1e-5 == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_width_must_be_positive_and_finite(width: float) -> None:
    with pytest.raises(ValueRangeError, match="width is not"):
        nn.Rectangle(width)


def test_a_neuron_trains_through_the_surrogate_it_was_given() -> None:
    x = torch.full((1, 1, 1), 1.8, dtype=torch.float64, requires_grad=True)
    narrow, wide = nn.LIF(surrogate=nn.Rectangle(1.0)), nn.LIF(surrogate=nn.Rectangle(2.0))
    (g_narrow,) = torch.autograd.grad(narrow(x).sum(), x)
    (g_wide,) = torch.autograd.grad(wide(x).sum(), x)
    assert (float(g_narrow), float(g_wide)) == (0.0, 0.5)
