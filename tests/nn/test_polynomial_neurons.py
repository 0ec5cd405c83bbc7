"""Where learned polynomials start, QIF, and the learned parts of circulate firing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from snn2hw import nn
from snn2hw.errors import Snn2hwError, UsageError, ValueRangeError
from tests.refused import refused

pytestmark = pytest.mark.torch


def evaluate(neuron: nn.Neuron, u: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """P(u) of the first row, in float64."""
    return np.polyval(neuron.coefficients.detach().double().numpy()[0][::-1], u)


@pytest.mark.parametrize("make", [nn.LNM, nn.CirculateLNM])
def test_starts_are_those_of_the_named_neurons(make: Callable[..., nn.Neuron]) -> None:
    assert make(3).coefficients.tolist() == make(3, init="lif").coefficients.tolist() == [[0.0, 0.5, 0.0, 0.0]]
    assert make(2, init="plif").coefficients.tolist() == [[0.0, 0.5, 0.0]]
    assert make(1, init="plif", channels=4).coefficients.tolist() == [[0.0, d] for d in (0.125, 0.375, 0.625, 0.875)]
    qif = make(4, init="qif", channels=2).coefficients
    k = 1 / 4.5  # rest 0, critical 0.5, lo = -4
    np.testing.assert_allclose(qif.detach().numpy(), [[0.0, 1 - 0.5 * k, k, 0.0, 0.0]] * 2, rtol=1e-6)


@given(
    theta=st.floats(0.1, 3.0), lo=st.floats(-8.0, 0.0), hi=st.floats(0.2, 8.0), make=st.sampled_from([nn.LNM, nn.CirculateLNM])
)
def test_qif_has_its_two_fixed_points_and_stays_in_the_state_range(
    theta: float, lo: float, hi: float, make: Callable[..., nn.Neuron]
) -> None:
    assume(theta < 0.95 * hi)
    neuron = make(2, init="qif", threshold=theta, state_range=(lo, hi))
    near = 1e-5 * (1 + hi - lo)
    np.testing.assert_allclose(evaluate(neuron, np.array([0.0, theta / 2])), [0.0, theta / 2], atol=near)
    below, between, above = (np.linspace(*ends, 101) for ends in ((lo, 0.0), (0.0, theta / 2), (theta / 2, theta)))
    assert (evaluate(neuron, below) >= lo - near).all()
    assert (evaluate(neuron, below) <= near).all()
    assert (evaluate(neuron, between) <= between + near).all()  # back to rest
    assert (evaluate(neuron, above) >= above - near).all()  # away to the threshold
    assert (evaluate(neuron, above) <= hi + near).all()
    assert evaluate(neuron, np.array(0.75 * theta)) > 0.75 * theta


def test_qif_spikes_by_itself_from_above_the_critical_point_only() -> None:
    x = torch.zeros(30, 1, 2)
    x[0, 0] = torch.tensor([0.45, 0.55])
    assert nn.QIF()(x).sum(0).flatten().tolist() == [0.0, 1.0]
    neuron = nn.QIF(rest=-0.25, critical=0.75, curvature=0.125)
    np.testing.assert_allclose(neuron.coefficients.numpy(), [[-0.125 * 0.1875, 1 - 0.125 * 0.5, 0.125]], rtol=1e-6)
    assert not list(neuron.parameters())
    assert list(neuron.state_dict()) == ["a"]
    learned = nn.LNM(2)
    learned.load_state_dict({"a": neuron.a})
    assert torch.equal(learned(x + 0.3), neuron(x + 0.3))


def test_circulate_lnm_is_the_polynomial_of_one_and_the_firing_of_the_other() -> None:
    x = torch.randn(5, 4, 3) * 3
    assert torch.equal(nn.CirculateLNM(3, 4)(x), nn.CirculateFiring(4)(x))
    assert torch.equal(nn.CirculateLNM(2, 1, signed=False)(x), nn.LNM(2)(x))
    assert nn.CirculateLNM(2, 3).kind == "CirculateLNM"


def test_a_learned_threshold_starts_exactly_as_given_moves_and_stays_positive() -> None:
    given = (0.7, 0.3, 1.1)
    fixed, neuron = (nn.CirculateFiring(3, thresholds=given, learn_threshold=learn) for learn in (False, True))
    assert (fixed.thresholds, neuron.thresholds) == (given, pytest.approx(given, rel=1e-6))
    x = torch.randn(4, 8, 3) * 2
    assert torch.equal(fixed(x), neuron(x))
    assert [name for name, _ in neuron.named_parameters()] == ["log_scale"]
    with torch.no_grad():
        neuron.log_scale.fill_(-2.0)  # type: ignore[union-attr]
    assert neuron.thresholds == pytest.approx([t * np.exp(-2.0) for t in given], rel=1e-6)
    assert neuron.thresholds == tuple(neuron.thetas(torch.zeros(1))[0].tolist())  # what the forward compares with
    assert "thresholds=(0.0947" in repr(neuron)
    for _ in range(5):
        neuron.log_scale.data -= torch.autograd.grad(neuron.thetas(x).sum(), neuron.log_scale)[0]  # type: ignore[union-attr]
    assert min(neuron.thresholds) > 0


def test_thresholds_by_step_are_the_given_ones_times_a_factor() -> None:
    neuron = nn.CirculateFiring(2, thresholds=(0.7, 0.3), threshold_by_step=[1, 0.5, 2], learn_threshold=True)
    x = torch.zeros(())
    assert torch.equal(neuron.thetas(x), torch.tensor([[0.7, 0.3], [0.35, 0.15], [1.4, 0.6]]))
    assert neuron.thresholds == pytest.approx((0.7, 0.3), rel=1e-6)
    assert "threshold_by_step=(1.0, 0.5, 2.0), reset" in repr(neuron)
    assert "by_step" not in repr(nn.CirculateFiring())
    (of_scale,) = torch.autograd.grad(neuron.thetas(x).sum(), [neuron.log_scale])  # type: ignore[list-item]
    assert float(of_scale) == pytest.approx(3.5)
    plain, same = nn.CirculateFiring(3), nn.CirculateFiring(3, threshold_by_step=(1.0,) * 3)
    y = torch.randn(5, 4, 3) * 3
    assert torch.equal(plain(y), same(y))
    assert torch.equal(neuron(y[:2]), neuron(y)[:2])  # fewer steps than factors, and more


def test_a_learned_decay_is_that_of_plif() -> None:
    x = torch.randn(4, 8, 3) * 2
    fixed, learned = nn.CirculateFiring(decay=0.75), nn.CirculateFiring(decay=0.75, learn_decay=True, channels=3)
    assert torch.equal(fixed(x), learned(x))
    assert [(name, tuple(p.shape)) for name, p in learned.named_parameters()] == [("w", (3,))]
    assert (list(learned.state_dict()), list(fixed.state_dict())) == (["w"], ["decay"])
    with torch.no_grad():
        learned.w.fill_(9.0)  # type: ignore[union-attr]
    assert 0.99 < float(learned.coefficients.detach()[0, 1]) < 1.0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_floats_are_computed_in_32_bits_and_returned_as_they_came(dtype: torch.dtype) -> None:
    neuron = nn.CirculateFiring(4, decay=0.9)
    x = (torch.randn(6, 4, 3) * 2).to(dtype).requires_grad_()
    y = neuron(x)
    assert y.dtype == dtype
    assert torch.equal(y.float(), neuron(x.float()))
    y.float().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype
    assert bool(x.grad.any())
    many = torch.randn(6, 40, 30).to(dtype)
    assert torch.equal(nn.LNM().to(dtype)(many).float(), nn.LNM()(many.float()))  # its coefficients are exact in either


def test_under_autocast_the_membranes_keep_32_bits() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.LNM(), nn.Linear(16, 4))
    x = torch.rand(5, 3, 8)
    with torch.autocast("cpu", torch.bfloat16), nn.observe(model) as seen:
        current = model[0](x)
        out = model(x)
        assert (current.dtype, out.dtype) == (torch.bfloat16, torch.bfloat16)
        assert seen["1"].positive.dtype == torch.float32
        assert torch.equal(model[1](current).float(), model[1](current.float()))
    out.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 and bool(p.grad.any()) for p in model.parameters())


def test_the_wider_of_coefficients_and_input_is_computed_in() -> None:
    x = torch.randn(4, 3, 2, dtype=torch.float64)
    assert nn.LNM()(x).dtype == torch.float64
    assert nn.LNM().double()(x.float()).dtype == torch.float32
    assert nn.LNM()(torch.ones(2, 3, 2, dtype=torch.int64)).tolist() == nn.LNM()(torch.ones(2, 3, 2)).tolist()


REFUSED: list[tuple[Callable[..., Any], dict[str, Any], type[Snn2hwError], str]] = [
    (nn.LNM, {"degree": 1, "init": "qif"}, UsageError, "a polynomial of this degree cannot start as QIF"),
    (nn.LNM, {"degree": 2, "init": "qif", "threshold": 4.0}, ValueRangeError, "has its threshold inside the state range"),
    (nn.LNM, {"checkpoint": 0}, ValueRangeError, "checkpoint is out of range"),
    (nn.CirculateLNM, {"degree": 6}, ValueRangeError, "degree is out of range"),
    (nn.CirculateLNM, {"levels": 17}, ValueRangeError, "levels is out of range"),
    (nn.CirculateFiring, {"decay": 1.0, "learn_decay": True}, ValueRangeError, "decay is out of range"),
    (nn.QIF, {"critical": 4.0}, ValueRangeError, "critical is out of range"),
    (nn.QIF, {"rest": -5.0}, ValueRangeError, "rest is out of range"),
    (nn.QIF, {"rest": 0.5}, ValueRangeError, "rest is the critical point"),
    (nn.QIF, {"curvature": 0.0}, ValueRangeError, "curvature is not positive"),
    (nn.QIF, {"curvature": 0.25}, ValueRangeError, "curvature is out of range"),
]


@pytest.mark.parametrize(("make", "arguments", "error", "text"), REFUSED)
def test_wrong_arguments_are_refused(
    make: Callable[..., Any], arguments: dict[str, Any], error: type[Snn2hwError], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        make(**arguments)
    assert caught.value.where == make.__name__
    assert all((caught.value.got, caught.value.expected, caught.value.do))


def test_message_in_full() -> None:
    with refused(
        ValueRangeError,
        """
        a neuron that starts as QIF has its threshold inside the state range
          where:    CirculateLNM
          got:      threshold=4, state_range=(-4.0, 4.0)
          expected: a threshold below 4
          do:       choose a lower threshold, or a wider state_range
        """,
    ):
        nn.CirculateLNM(init="qif", threshold=4.0)
