"""Every neuron's forward equals a plain scalar loop over the equation; settings, gradients and messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2hw import nn
from snn2hw.errors import ShapeError, Snn2hwError, UsageError, ValueRangeError

pytestmark = pytest.mark.torch

Reals = npt.NDArray[np.float64]
RESETS = ("subtract", "value", "none")
ORDERS = ("poly_then_input", "input_then_poly")
CONSTRUCTORS: dict[str, Callable[..., nn.Neuron]] = {
    **{f"LNM degree {d}": lambda d=d, **k: nn.LNM(d, **k) for d in range(1, 6)},
    "CF signed": lambda **k: nn.CirculateFiring(4, signed=True, **k),
    "CF unsigned": lambda **k: nn.CirculateFiring(3, signed=False, **k),
    "CF one level": lambda **k: nn.CirculateFiring(1, **k),
    "CF schedules": lambda **k: nn.CirculateFiring(3, thresholds=(0.75, 1.5, 0.5), amplitudes=(1.0, -2.0, 0.5), **k),
    "CF by step": lambda **k: nn.CirculateFiring(2, threshold_by_step=(1.5, 0.5, 1.0, 0.75), **k),
    "LNM by step": lambda **k: nn.CirculateLNM(2, 1, signed=False, threshold_by_step=(2.0, 1.0, 0.5, 0.5, 1, 2, 3, 4), **k),
    "CF own negative": lambda **k: nn.CirculateFiring(3, amplitudes=(1, 0.5, 2), negative_amplitude=0.25, **k),
    "CF silent negative": lambda **k: nn.CirculateFiring(2, negative_amplitude=0, threshold_by_step=(1.5, 0.5), **k),
    "CF learned negative": lambda **k: nn.CirculateFiring(2, negative_amplitude=0.5, learn_negative_amplitude=True, **k),
    "CF staircase": lambda **k: nn.CirculateFiring(4, staircase=True, **k),
    "LNM bounded": lambda **k: nn.LNM(3, bounded=True, **k),
    "LIF": lambda **k: nn.LIF(0.75, **k),
    "IF": nn.IF,
    "PLIF": lambda **k: nn.PLIF(0.9, **k),
}


def plain(neuron: nn.Neuron, x: Reals) -> tuple[Reals, int]:
    """(payloads, number of spikes) of x [T, N, C, L], one scalar at a time, written from the equation alone."""
    rows, (lo, hi), fires = neuron.coefficients.detach().numpy(), neuron.state_range, 0
    y = np.zeros_like(x)
    for n, c, i in np.ndindex(x.shape[1:]):
        a, u = rows[c if len(rows) > 1 else 0], 0.0
        for t in range(len(x)):
            argument = min(max(u + x[t, n, c, i], lo), hi) if neuron.order == "input_then_poly" else u
            p = 0.0
            for coefficient in a[::-1]:
                p = p * argument + coefficient
            h = min(max(p if neuron.order == "input_then_poly" else p + x[t, n, c, i], lo), hi)
            r, fired = h, False
            factor = (neuron.firing.by_step or (1.0,))[: t + 1][-1]
            for threshold, amplitude in zip(neuron.thresholds, neuron.amplitudes, strict=True):
                theta = threshold * factor
                up = r > theta if neuron.strict else r >= theta
                down = neuron.signed and (r < -theta if neuron.strict else r <= -theta)
                s = int(up) - int(down)
                y[t, n, c, i] += amplitude * (neuron.negative_amplitude if s < 0 else 1) * s
                r -= theta * s
                fired |= up or down
            fires += fired
            u = {"subtract": r, "none": h, "value": neuron.reset_value if fired else h}[neuron.reset]
    return y, fires


def stimulus(rng: np.random.Generator, shape: tuple[int, ...] = (6, 2, 3, 5)) -> Reals:
    """Multiples of 1/4, so that thresholds are met exactly, some of them far beyond the state range."""
    x: Reals = rng.integers(-12, 13, shape) / 4.0
    x[rng.random(shape) < 0.05] *= 100
    return x


def randomise(neuron: nn.Neuron, rng: np.random.Generator) -> nn.Neuron:
    """Float64, with learned values as training might leave them."""
    neuron.double()
    with torch.no_grad():
        for p in neuron.parameters():
            p.add_(torch.from_numpy(rng.normal(0, 0.2, tuple(p.shape))))
    return neuron


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_equals_the_equation(name: str, reset: str, strict: bool, order: str, channels: int | None) -> None:
    rng = np.random.default_rng(1)
    neuron = CONSTRUCTORS[name](reset=reset, reset_value=-0.25, strict=strict, order=order, channels=channels)
    randomise(neuron, rng)
    x = stimulus(rng)
    expected, fires = plain(neuron, x)
    assert fires > 0
    np.testing.assert_array_equal(neuron(torch.from_numpy(x)).detach().numpy(), expected)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(sorted(CONSTRUCTORS)),
    reset=st.sampled_from(RESETS),
    order=st.sampled_from(ORDERS),
    strict=st.booleans(),
    threshold=st.sampled_from([0.25, 0.7, 1.0, 3.0]),
    state_range=st.sampled_from([(-4.0, 4.0), (-1.0, 2.5), (0.0, 2.0), (-8.0, 8.0)]),
)
def test_equals_the_equation_for_any_settings(
    seed: int, name: str, reset: str, order: str, strict: bool, threshold: float, state_range: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    neuron = CONSTRUCTORS[name](threshold=threshold, reset=reset, order=order, strict=strict, state_range=state_range)
    randomise(neuron, rng)
    x = rng.normal(0, 1.5, (5, 2, 2, 3))
    np.testing.assert_array_equal(neuron(torch.from_numpy(x)).detach().numpy(), plain(neuron, x)[0])


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_float32_stays_float32_and_keeps_shape(name: str) -> None:
    for shape in [(4, 2, 3), (4, 2, 3, 5), (4, 2, 3, 5, 6)]:
        y = CONSTRUCTORS[name](channels=3)(torch.randn(shape))
        assert (y.shape, y.dtype) == (shape, torch.float32)


def test_strict_and_inclusive_differ_at_the_threshold() -> None:
    x = torch.full((1, 1, 1), 1.0)
    assert (float(nn.LIF()(x)), float(nn.LIF(strict=True)(x))) == (1.0, 0.0)
    assert (float(nn.CirculateFiring()(-x)), float(nn.CirculateFiring(strict=True)(-x))) == (-1.0, 0.0)


def test_circulate_fires_until_below_threshold_or_out_of_levels() -> None:
    x = torch.tensor([3.5, -2.5, 0.5, 9.0]).reshape(1, 1, 4)
    assert nn.CirculateFiring(4)(x).flatten().tolist() == [3.0, -2.0, 0.0, 4.0]
    assert nn.CirculateFiring(2)(x).flatten().tolist() == [2.0, -2.0, 0.0, 2.0]
    assert nn.CirculateFiring(4, signed=False)(x).flatten().tolist() == [3.0, 0.0, 0.0, 4.0]


def test_reset_value_counts_spikes_that_cancel_as_firing() -> None:
    neuron = nn.CirculateFiring(2, thresholds=(1.0, 1.0), amplitudes=(1.0, -1.0), reset="value", decay=1.0)
    x = torch.tensor([2.0, 0.0]).reshape(2, 1, 1)
    assert neuron(x).flatten().tolist() == [0.0, 0.0]


def test_state_starts_at_zero_in_every_call() -> None:
    neuron, x = nn.IF(), torch.full((3, 1, 1), 0.4)
    assert neuron(x).flatten().tolist() == neuron(x).flatten().tolist() == [0.0, 0.0, 1.0]


def test_lnm_starts_as_lif() -> None:
    x = torch.from_numpy(stimulus(np.random.default_rng(0)))
    for degree in range(1, 6):
        assert torch.equal(nn.LNM(degree).double()(x), nn.LIF(0.5).double()(x))


@pytest.mark.parametrize(
    ("neuron", "coefficients"),
    [
        (nn.LNM(3), [[0.0, 0.5, 0.0, 0.0]]),
        (nn.LNM(2, channels=2), [[0.0, 0.5, 0.0]] * 2),
        (nn.CirculateFiring(decay=0.25), [[0.0, 0.25]]),
        (nn.LIF(0.25, channels=2), [[0.0, 0.25]] * 2),
        (nn.IF(), [[0.0, 1.0]]),
        (nn.PLIF(0.75), [[0.0, 0.75]]),
    ],
)
def test_what_the_converter_reads(neuron: nn.Neuron, coefficients: list[list[float]]) -> None:
    np.testing.assert_allclose(neuron.coefficients.detach().numpy(), coefficients, rtol=1e-6)
    circulates = isinstance(neuron, nn.CirculateFiring)
    assert neuron.kind == type(neuron).__name__
    assert (neuron.circulates, neuron.signed) == (circulates, circulates)
    assert neuron.thresholds == neuron.amplitudes == (1.0,) * (4 if circulates else 1)
    assert (neuron.gain, neuron.order, neuron.state_range) == (1.0, "poly_then_input", (-4.0, 4.0))
    assert (neuron.reset, neuron.reset_value, neuron.strict) == ("subtract", 0.0, False)


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_state_dict_restores_the_neuron(name: str) -> None:
    rng = np.random.default_rng(2)
    trained, fresh = randomise(CONSTRUCTORS[name](channels=3), rng), CONSTRUCTORS[name](channels=3).double()
    fresh.load_state_dict(trained.state_dict())
    x = torch.from_numpy(stimulus(rng))
    assert torch.equal(trained(x), fresh(x))


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("make", [nn.LNM, nn.PLIF])
def test_gradient_reaches_learned_values(make: Callable[..., nn.Neuron], order: str, reset: str, channels: int | None) -> None:
    torch.manual_seed(0)
    neuron = make(order=order, reset=reset, channels=channels)
    x = torch.randn(5, 8, 3, 6).requires_grad_()
    (neuron(x) * torch.rand(5, 8, 3, 6)).sum().backward()
    (learned,) = neuron.parameters()
    for tensor in (learned, x):
        assert tensor.grad is not None
        assert bool(tensor.grad.isfinite().all())
    assert bool((learned.grad != 0).all())  # type: ignore[union-attr]
    assert bool((x.grad != 0).any())  # type: ignore[union-attr]


def test_gradient_passes_the_clamp_inside_the_range_only() -> None:
    x = torch.tensor([0.9, 5.0]).reshape(1, 1, 2).requires_grad_()
    nn.LIF(surrogate=nn.Rectangle(20.0))(x).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == pytest.approx([0.05, 0.0])


def test_fixed_decay_is_no_parameter_and_plif_stays_in_range() -> None:
    assert not list(nn.LIF().parameters())
    assert not list(nn.CirculateFiring().parameters())
    neuron = nn.PLIF()
    with torch.no_grad():
        neuron.w.fill_(5.0)
    assert 0.0 < float(neuron.coefficients.detach()[0, 1]) < 1.0


REFUSED: list[tuple[Callable[..., Any], dict[str, Any], type[Snn2hwError], str]] = [
    (nn.LNM, {"degree": 0}, ValueRangeError, "degree is out of range"),
    (nn.LNM, {"degree": 6}, ValueRangeError, "degree is out of range"),
    (nn.LNM, {"degree": 2.0}, UsageError, "degree is not a whole number"),
    (nn.LNM, {"init": "random"}, UsageError, "unknown init"),
    (nn.LNM, {"channels": 0}, ValueRangeError, "channels is out of range"),
    (nn.LNM, {"threshold": 0.0}, ValueRangeError, "threshold is not positive"),
    (nn.LIF, {"threshold": math.inf}, ValueRangeError, "threshold is not finite"),
    (nn.LIF, {"threshold": "1"}, UsageError, "threshold is not a number"),
    (nn.LIF, {"reset": "hard"}, UsageError, "unknown reset"),
    (nn.IF, {"order": "input"}, UsageError, "unknown order"),
    (nn.IF, {"state_range": (1.0, 4.0)}, ValueRangeError, "state_range does not hold the initial state"),
    (nn.IF, {"state_range": (0.0, 0.0)}, ValueRangeError, "state_range does not hold the initial state"),
    (nn.IF, {"state_range": (-math.inf, 4.0)}, ValueRangeError, "state_range is not finite"),
    (nn.IF, {"state_range": 4.0}, UsageError, "state_range is not a pair"),
    (nn.LIF, {"reset_value": 5.0}, ValueRangeError, "reset_value is out of range"),
    (nn.LIF, {"reset_value": math.nan}, ValueRangeError, "reset_value is not finite"),
    (nn.LIF, {"decay": 1.5}, ValueRangeError, "decay is out of range"),
    (nn.LIF, {"decay": -0.1}, ValueRangeError, "decay is out of range"),
    (nn.PLIF, {"decay": 1.0}, ValueRangeError, "decay is out of range"),
    (nn.LIF, {"surrogate": torch.nn.ReLU()}, UsageError, "surrogate is not a surrogate gradient"),
    (nn.CirculateFiring, {"levels": 0}, ValueRangeError, "levels is out of range"),
    (nn.CirculateFiring, {"levels": 17}, ValueRangeError, "levels is out of range"),
    (nn.CirculateFiring, {"levels": True}, UsageError, "levels is not a whole number"),
    (nn.CirculateFiring, {"thresholds": (1.0,)}, UsageError, "thresholds does not have one entry per level"),
    (nn.CirculateFiring, {"levels": 2, "thresholds": (1.0, -1.0)}, ValueRangeError, r"thresholds\[1\] is not positive"),
    (nn.CirculateFiring, {"levels": 2, "amplitudes": (1.0, math.nan)}, ValueRangeError, r"amplitudes\[1\] is not finite"),
    (nn.CirculateFiring, {"threshold_by_step": ()}, UsageError, "threshold_by_step does not have one entry per step"),
    (nn.CirculateLNM, {"threshold_by_step": 1.5}, UsageError, "threshold_by_step does not have one entry per step"),
    (nn.CirculateLNM, {"threshold_by_step": "ab"}, UsageError, "threshold_by_step does not have one entry per step"),
    (nn.CirculateFiring, {"threshold_by_step": (1.0, "2")}, UsageError, r"threshold_by_step\[1\] is not a number"),
    (nn.CirculateFiring, {"threshold_by_step": (1.0, 0.0)}, ValueRangeError, r"threshold_by_step\[1\] is not positive"),
    (nn.CirculateLNM, {"threshold_by_step": (math.inf,)}, ValueRangeError, r"threshold_by_step\[0\] is not finite"),
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
    with pytest.raises(UsageError) as caught:
        nn.LNM(reset="hard")  # type: ignore[arg-type]
    assert str(caught.value).splitlines() == [
        "unknown reset",
        "  where:    LNM",
        "  got:      'hard'",
        "  expected: one of 'subtract', 'value', 'none'",
        "  do:       pass reset as one of these",
    ]


@pytest.mark.parametrize(("factors", "got"), [([], "[]"), ([1.0] * 4097, "4097 entries")])
def test_the_message_of_a_schedule_without_a_step_or_of_too_many(factors: list[float], got: str) -> None:
    assert nn.CirculateFiring(threshold_by_step=[1.0] * 4096).firing.shape == (4096, 4)
    with pytest.raises(UsageError) as caught:
        nn.CirculateFiring(threshold_by_step=factors)
    assert str(caught.value).splitlines() == [
        "threshold_by_step does not have one entry per step",
        "  where:    CirculateFiring",
        f"  got:      {got}",
        "  expected: one number at least, 4096 at most; the last one stays",
        "  do:       pass threshold_by_step as a tuple of factors, the first of them for the first step",
    ]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="step axis T"):
        nn.LIF()(torch.zeros(4, 3))
    with pytest.raises(ShapeError, match="at least one step"):
        nn.LIF()(torch.zeros(0, 4, 3))
    with pytest.raises(ShapeError, match="channels are not those of its input") as caught:
        nn.LNM(channels=3)(torch.zeros(4, 2, 5))
    assert caught.value.got == "shape [4, 2, 5]"
    assert caught.value.do == "construct it with channels=5, or with channels=None for one polynomial per layer"
