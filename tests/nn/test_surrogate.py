"""Surrogates: an exact step forwards, the derivative of a soft step backwards, by x and by a width that can be learned."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.errors import ShapeError, Snn2hwError, UsageError, ValueRangeError
from tests.refused import refused

pytestmark = pytest.mark.torch

KINDS = (nn.Rectangle, nn.Triangle, nn.Sigmoid, nn.Atan)
FAR = 1e4  # the arc tangent's tail is 1/(pi^2 x)


class Cubic(nn.Surrogate):
    """A surrogate of a user: S(q) = 1/2 + q - 16 q**3/27 up to where it is flat, given by all three functions."""

    def soft(self, x: Tensor, width: Tensor) -> Tensor:
        q = (x / width).clamp(-0.75, 0.75)
        return 0.5 + q - 16 * q**3 / 27

    def slope(self, x: Tensor, width: Tensor) -> Tensor:
        q = x / width
        return ((1 - 16 * q**2 / 9) / width).clamp_min(0)

    def width_slope(self, x: Tensor, width: Tensor) -> Tensor:
        return -(x / width) * self.slope(x, width)


def points(count: int = 401) -> Tensor:
    """Away from the corners of rectangle and triangle for the widths used here."""
    return torch.linspace(-3.0017, 3.0023, count, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("strict", "at_zero"), [(False, 1.0), (True, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_forward_is_the_step_function(kind: type[nn.Surrogate], strict: bool, at_zero: float, dtype: torch.dtype) -> None:
    x = torch.tensor([-2.0, -1e-30, 0.0, 1e-30, 2.0], dtype=dtype)
    y = kind(learnable=True)(x, strict)
    assert y.dtype == dtype
    assert y.tolist() == [0.0, 0.0, at_zero, 1.0, 1.0]


@pytest.mark.parametrize("width", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("strict", [False, True])
def test_backward_of_the_rectangle_is_the_window(width: float, strict: bool) -> None:
    half = width / 2
    x = torch.tensor([-2 * half, -half, -0.99 * half, 0.0, 0.99 * half, half, 2 * half], dtype=torch.float64, requires_grad=True)
    (3.0 * nn.Rectangle(width)(x, strict)).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 3.0 / width, 3.0 / width, 3.0 / width, 0.0, 0.0]


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("kind", [*KINDS, Cubic])
def test_slopes_are_finite_differences_of_the_soft_step(kind: type[nn.Surrogate], width: float) -> None:
    surrogate, x, w, d = kind(), points(), torch.tensor(width, dtype=torch.float64), 1e-6
    by_x = (surrogate.soft(x + d, w) - surrogate.soft(x - d, w)) / (2 * d)
    by_w = (surrogate.soft(x, w + d) - surrogate.soft(x, w - d)) / (2 * d)
    torch.testing.assert_close(surrogate.slope(x, w), by_x, rtol=0, atol=1e-8)
    torch.testing.assert_close(surrogate.width_slope(x, w), by_w, rtol=0, atol=1e-8)
    assert float(by_w.abs().max()) > 0.05


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("kind", [*KINDS, Cubic])
def test_the_soft_step_rises_from_0_to_1_with_slope_1_over_width(kind: type[nn.Surrogate], width: float) -> None:
    surrogate, w = kind(), torch.tensor(width, dtype=torch.float64)
    y = surrogate.soft(torch.cat([torch.tensor([-FAR]), points(), torch.tensor([FAR])]).double(), w)
    assert bool((y.diff() >= 0).all())
    assert (float(y[0]), float(y[-1])) == pytest.approx((0.0, 1.0), abs=1e-4)
    zero = torch.zeros(1, dtype=torch.float64)
    assert float(surrogate.soft(zero, w)) == pytest.approx(0.5, abs=1e-15)
    assert float(surrogate.slope(zero, w)) == pytest.approx(1 / width, rel=1e-15)


@pytest.mark.parametrize("kind", [*KINDS, Cubic])
def test_the_learned_width_has_the_gradient_of_the_soft_step(kind: type[nn.Surrogate]) -> None:
    surrogate, x = kind(0.7, learnable=True).double(), points()
    weights = torch.cos(x) + torch.sin(x)  # the gradient is odd in x
    (surrogate(x) * weights).sum().backward()
    learned = surrogate.log_width
    assert learned is not None
    assert learned.grad is not None
    soft = torch.autograd.functional.jacobian(lambda p: (surrogate.soft(x, p.exp()) * weights).sum(), learned.detach())
    assert float(learned.grad) == pytest.approx(float(soft), rel=1e-9)
    assert abs(float(soft)) > 0.01


@pytest.mark.parametrize("width", [0.037, 1.0, 3.0, 12.5])
def test_a_learned_width_starts_at_the_given_one_and_stays_positive(width: float) -> None:
    surrogate = nn.Atan(width, learnable=True)
    assert surrogate.width == pytest.approx(width, rel=1e-6)
    assert [tuple(p.shape) for p in surrogate.parameters()] == [()]
    assert surrogate.log_width is not None
    for _ in range(3):
        (grad,) = torch.autograd.grad(surrogate.widths(1, torch.zeros(1)).sum(), surrogate.log_width)
        surrogate.log_width.data -= grad
    assert 0.0 < float(surrogate.width) < width  # type: ignore[arg-type]


def test_a_fixed_width_is_exact_and_no_parameter() -> None:
    surrogate = nn.Triangle(0.1)
    assert surrogate.width == 0.1
    assert list(surrogate.state_dict()) == []
    assert surrogate.widths(3, torch.zeros(1, dtype=torch.float64)).tolist() == [0.1] * 3
    assert nn.Triangle(0.1, steps=2).width == (0.1, 0.1)


def test_a_width_for_each_step_learns_from_its_own_step() -> None:
    neuron = nn.LIF(surrogate=nn.Triangle(2.0, learnable=True, steps=3))
    x = torch.rand(3, 4, 5)
    neuron(x)[1].sum().backward()
    (learned,) = neuron.parameters()
    assert learned.grad is not None
    first, second, third = learned.grad.tolist()
    assert second != 0.0  # the payload of step 1 comes from its own comparison
    assert first != 0.0  # and from what step 0 left
    assert third == 0.0
    assert "steps=3" in repr(neuron.surrogate)
    assert isinstance(neuron.surrogate.width, tuple)
    assert neuron.surrogate.width == pytest.approx((2.0,) * 3)


def test_another_number_of_steps_is_refused() -> None:
    with refused(
        ShapeError,
        """
        the surrogate has one width for each step, and the input another number of steps
          where:    Sigmoid(width=1, steps=4)
          got:      T = 3
          expected: T = 4
          do:       construct it with steps=3, or with steps=None for one width
        """,
    ):
        nn.LIF(surrogate=nn.Sigmoid(steps=4))(torch.zeros(3, 1, 2))


def test_layers_have_a_width_of_their_own_unless_they_are_given_one_object() -> None:
    apart = nn.Sequential(nn.LIF(surrogate=nn.Atan(learnable=True)), nn.LIF(surrogate=nn.Atan(learnable=True)))
    shared = nn.Atan(learnable=True)
    together = nn.Sequential(nn.LIF(surrogate=shared), nn.LIF(surrogate=shared))
    assert (len(list(apart.parameters())), len(list(together.parameters()))) == (2, 1)
    x = torch.rand(2, 3, 4) * 2
    (of_both,) = torch.autograd.grad(together(x).sum(), list(together.parameters()))
    of_each = torch.autograd.grad(apart(x).sum(), list(apart.parameters()))
    assert float(of_both) == pytest.approx(float(sum(of_each)), rel=1e-5)
    assert float(of_both) != 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"width": 0.0}, ValueRangeError, "width is not positive"),
        ({"width": -1.0}, ValueRangeError, "width is not positive"),
        ({"width": math.nan}, ValueRangeError, "width is not finite"),
        ({"width": math.inf}, ValueRangeError, "width is not finite"),
        ({"width": "1"}, UsageError, "width is not a number"),
        ({"steps": 0}, ValueRangeError, "steps is out of range"),
        ({"steps": 2.0}, UsageError, "steps is not a whole number"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_arguments_are_refused(
    kind: type[nn.Surrogate], arguments: dict[str, float], error: type[Snn2hwError], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        kind(**arguments)  # type: ignore[arg-type]
    assert caught.value.where == kind.__name__


@pytest.mark.parametrize("kind", [*KINDS, Cubic])
def test_a_neuron_trains_through_the_surrogate_it_was_given(kind: type[nn.Surrogate]) -> None:
    x = torch.full((1, 1, 1), 1.3, dtype=torch.float64, requires_grad=True)
    for width in (0.5, 2.0):
        surrogate = kind(width)
        (got,) = torch.autograd.grad(nn.LIF(surrogate=surrogate)(x).sum(), x)
        assert float(got) == pytest.approx(float(surrogate.slope(x.detach() - 1, torch.tensor(width))), rel=1e-12)


def test_a_learned_width_keeps_to_its_box() -> None:
    """Beyond an end the end counts, and only a gradient that leads back passes."""
    surrogate, x = nn.Triangle(1.0, learnable=True), torch.tensor([0.4, -0.7])
    assert surrogate.within == (0.5, 1.5)
    assert surrogate.log_width is not None
    for raw, width in ((0.7, 0.7), (4.0, 1.5), (0.1, 0.5)):
        surrogate.log_width.data.fill_(math.log(raw))
        assert surrogate.width == pytest.approx(width)
        assert surrogate.widths(1, x).tolist() == pytest.approx([width])
        for way in (1.0, -1.0):
            (slope,) = torch.autograd.grad(way * surrogate.widths(1, x).sum(), surrogate.log_width)
            inwards = 0.5 < raw < 1.5 or (raw > 1.5) == (way > 0)
            assert float(slope) == pytest.approx(way * width if inwards else 0.0)
    assert nn.Rectangle(2.0, learnable=True, within=(0.25, 2.0)).within == (0.25, 2.0)


def test_a_box_that_cannot_be() -> None:
    with refused(
        UsageError,
        """
        a width that is not learned stays where it is
          where:    Atan
          got:      learnable=False, within=(0.5, 2)
          expected: learnable=True, or no within
          do:       leave within out, or pass learnable=True
        """,
    ):
        nn.Atan(1.0, within=(0.5, 2.0))
    with refused(
        ValueRangeError,
        """
        width is out of range
          where:    Atan
          got:      1.0
          expected: width in [2, 3]
          do:       choose a width in [2, 3]
        """,
    ):
        nn.Atan(1.0, learnable=True, within=(2.0, 3.0))
    with refused(
        UsageError,
        """
        within is no pair
          where:    Atan
          got:      0.5
          expected: (least, largest)
          do:       pass both ends of the width
        """,
    ):
        nn.Atan(1.0, learnable=True, within=0.5)  # type: ignore[arg-type]
