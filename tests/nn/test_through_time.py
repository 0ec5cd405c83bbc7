"""The fused forward and backward: equal to the readable step-by-step one, to finite differences, and lean in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.checkpoint import checkpoint as around

from snn2hw import nn
from snn2hw.nn import through_time
from tests.nn.stepwise import stepwise

pytestmark = pytest.mark.torch

SHAPE = (5, 3, 3, 4)
SURROGATES = (nn.Rectangle, nn.Triangle, nn.Sigmoid, nn.Atan)
NEURONS: dict[str, Callable[..., nn.Neuron]] = {
    **{f"LNM {d}": lambda d=d, **k: nn.LNM(d, **k) for d in range(1, 6)},
    "PLIF": nn.PLIF,
    "CF": lambda **k: nn.CirculateFiring(3, thresholds=(1, 0.5, 0.75), amplitudes=(1, -0.5, 2), learn_threshold=True, **k),
    "CF unsigned": lambda **k: nn.CirculateFiring(2, signed=False, learn_decay=True, learn_threshold=True, **k),
    "CF by step": lambda **k: nn.CirculateFiring(
        3, thresholds=(1, 0.5, 0.75), amplitudes=(1, -0.5, 2), learn_threshold=True, threshold_by_step=(1, 0.5, 1.25, 0.5), **k
    ),
    "CirculateLNM by step": lambda **k: nn.CirculateLNM(
        2, 2, signed=False, learn_threshold=True, threshold_by_step=(2, 1, 0.75, 0.5, 1.5, 1, 3), **k
    ),
    "CirculateLNM": lambda **k: nn.CirculateLNM(3, 2, learn_threshold=True, **k),
    "CF negative": lambda **k: nn.CirculateFiring(2, amplitudes=(1, -0.5), negative_amplitude=0.25, learn_threshold=True, **k),
    "CF learns negative": lambda **k: nn.CirculateFiring(
        2, thresholds=(1, 0.5), negative_amplitude=0.5, learn_negative_amplitude=True, learn_threshold=True, **k
    ),
    "CF learns negative alone": lambda **k: nn.CirculateFiring(2, negative_amplitude=0.5, learn_negative_amplitude=True, **k),
    "CF staircase": lambda **k: nn.CirculateFiring(3, threshold=0.7, staircase=True, learn_threshold=True, **k),
    "CF staircase unsigned": lambda **k: nn.CirculateFiring(3, signed=False, staircase=True, threshold_by_step=(1, 0.5, 2), **k),
    "LNM bounded": lambda **k: nn.LNM(3, bounded=True, **k),
}


def learned(make: Callable[..., nn.Neuron], surrogate: type[nn.Surrogate], per_step: bool, **arguments: object) -> nn.Neuron:
    """A neuron with everything learned that can be, moved from where it starts."""
    steps = SHAPE[0] if per_step else None
    neuron = make(surrogate=surrogate(0.8, learnable=True, steps=steps), **arguments)
    with torch.no_grad():
        for p in neuron.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return neuron


def stimulus(dtype: torch.dtype) -> Tensor:
    """Multiples of 1/4: thresholds and bounds of the state range are met exactly."""
    return (torch.randint(-10, 11, SHAPE) / 4).to(dtype).requires_grad_()


def gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of a sum in which every output weighs differently."""
    weights = [torch.cos(torch.arange(o.numel(), dtype=o.dtype)).reshape(o.shape) for o in outputs]
    loss = torch.stack([(o * w).sum() for o, w in zip(outputs, weights, strict=True)]).sum()
    return torch.autograd.grad(loss, list(inputs))


def fused(neuron: nn.Neuron, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with nn.observe(neuron) as seen:
        payload = neuron(x)
    return payload, seen[""].positive, seen[""].negative


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(sorted(NEURONS)),
    surrogate=st.sampled_from(SURROGATES),
    per_step=st.booleans(),
    reset=st.sampled_from(["subtract", "value", "none"]),
    order=st.sampled_from(["poly_then_input", "input_then_poly"]),
    strict=st.booleans(),
    channels=st.sampled_from([None, 3]),
    state_range=st.sampled_from([(-4.0, 4.0), (0.0, 2.0), (-1.0, 1.5)]),
    checkpoint=st.sampled_from([None, 1, 2, 5, 9]),
)
def test_values_and_gradients_are_those_of_the_steps_one_by_one(
    seed: int,
    name: str,
    surrogate: type[nn.Surrogate],
    per_step: bool,
    reset: str,
    order: str,
    strict: bool,
    channels: int | None,
    state_range: tuple[float, float],
    checkpoint: int | None,
) -> None:
    torch.manual_seed(seed)
    arguments = {"reset": reset, "reset_value": 0.25 if state_range[1] > 1 else 0.0, "order": order, "strict": strict}
    neuron = learned(
        NEURONS[name],
        surrogate,
        per_step,
        **arguments,
        channels=channels,
        state_range=state_range,
        checkpoint=checkpoint,
    ).double()
    x = stimulus(torch.float64)
    inputs = [x, *neuron.parameters()]
    expected, got = stepwise(neuron, x), fused(neuron, x)
    assert torch.equal(got[0], expected[0])
    for a, b in zip(gradients(got, inputs), gradients(expected, inputs), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
@pytest.mark.parametrize("name", NEURONS)
def test_floats_of_32_bits_are_the_same_forwards(name: str, order: str) -> None:
    torch.manual_seed(1)
    neuron = learned(NEURONS[name], nn.Atan, False, order=order, channels=3)
    x = torch.randn(SHAPE) * 2
    assert torch.equal(neuron(x), stepwise(neuron, x)[0])


@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("degree", range(1, 6))
def test_gradcheck_of_the_polynomial_that_never_fires(degree: int, channels: int | None, order: str) -> None:
    torch.manual_seed(0)
    neuron = nn.LNM(degree, threshold=1e9, state_range=(-1e8, 1e8), order=order)  # type: ignore[arg-type]
    a = (0.2 * torch.randn(channels or 1, degree + 1, dtype=torch.float64)).requires_grad_()
    x = torch.rand(3, 2, 3, 2, dtype=torch.float64, requires_grad=True)

    def masses(x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        widths = torch.ones(len(x), dtype=x.dtype)
        apply: Callable[..., tuple[Tensor, ...]] = through_time.ThroughTime.apply
        _, positive, negative, _ = apply(x, a, neuron.thetas(x), None, widths, neuron.surrogate, neuron.settings, None, True)
        return positive, negative

    assert torch.autograd.gradcheck(masses, (x, a))


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
def test_gradients_are_finite_differences_of_the_soft_proxy(surrogate: type[nn.Surrogate], signed: bool, order: str) -> None:
    """One step and one level: there the proxy is at the very membranes of the hard step."""
    torch.manual_seed(0)
    neuron = nn.CirculateLNM(2, 1, signed=signed, learn_threshold=True, order=order, surrogate=surrogate(1.3, learnable=True))  # type: ignore[arg-type]
    neuron.double()
    with torch.no_grad():
        neuron.a.add_(0.2 * torch.randn_like(neuron.a))
    x = (torch.randn(1, 2, 2, 3, dtype=torch.float64) + 0.8).requires_grad_()
    inputs = [x, *neuron.parameters()]
    found = gradients(fused(neuron, x)[:1], inputs)
    weights = torch.cos(torch.arange(x.numel(), dtype=x.dtype)).reshape(x.shape)
    for tensor, got in zip(inputs, found, strict=True):
        flat, differences = tensor.data.view(-1), []
        for n in range(flat.numel()):
            moved = []
            for d in (1e-6, -2e-6):
                flat[n] += d
                moved.append(float((stepwise(neuron, x, soft=True)[0].detach() * weights).sum()))
            flat[n] += 1e-6
            differences.append((moved[0] - moved[1]) / 2e-6)
        torch.testing.assert_close(got.flatten(), torch.tensor(differences, dtype=x.dtype), rtol=0, atol=1e-7)
        assert float(got.abs().max()) > 1e-3 or tensor is not x


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(sorted(NEURONS)),
    reset=st.sampled_from(["subtract", "value", "none"]),
    order=st.sampled_from(["poly_then_input", "input_then_poly"]),
    channels=st.sampled_from([None, 3]),
)
def test_membranes_of_an_integer_program_are_taken_as_they_are(
    seed: int, name: str, reset: str, order: str, channels: int | None
) -> None:
    torch.manual_seed(seed)
    neuron = learned(NEURONS[name], nn.Triangle, True, reset=reset, order=order, channels=channels).double()
    x, like = stimulus(torch.float64), torch.zeros((), dtype=torch.float64)
    a, thetas, negative = neuron.coefficients, neuron.thetas(like), neuron.negative_factor(like)
    widths = neuron.surrogate.widths(len(x), like)
    made = through_time.run(x, a, thetas, neuron.settings, negative)
    h = ((made.h + 0.1 * torch.randn(SHAPE)) * 8).round() / 8  # what rounding, and another polynomial, might make of it
    h = h.clamp(neuron.settings.lo, neuron.settings.hi)
    z = None if made.z is None else (made.z * 8).round() / 8
    outputs = stepwise(neuron, x, h=h, z=z)
    grads = [torch.cos(torch.arange(o.numel(), dtype=o.dtype)).reshape(o.shape) for o in outputs]
    expected = torch.autograd.grad(outputs, [x, *neuron.parameters()], grads)
    with torch.no_grad():
        got = through_time.backward(h, z, a, thetas, widths, neuron.surrogate, neuron.settings, *grads, negative=negative)
    torch.testing.assert_close(got.x, expected[0], rtol=1e-10, atol=1e-10)
    numbers = zip((a, thetas, negative, widths), got[1:], strict=True)
    given = [(of, g) for of, g in numbers if of is not None and of.requires_grad]
    shared = torch.autograd.grad([of for of, _ in given], list(neuron.parameters()), [g for _, g in given])
    for mine, theirs in zip(shared, expected[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


ONE = (False, True, False, False)  # the thresholds


def test_only_what_is_needed_is_summed() -> None:
    neuron, x = nn.LNM(), torch.randn(SHAPE)
    a, thetas, widths = neuron.a, neuron.thetas(x), torch.ones(SHAPE[0])
    h = through_time.run(x, a, thetas, neuron.settings).h
    every = through_time.backward(h, None, a, thetas, widths, neuron.surrogate, neuron.settings, x)
    some = through_time.backward(h, None, a, thetas, widths, neuron.surrogate, neuron.settings, x, needs=ONE)
    assert (some.a, some.widths) == (None, None)
    assert torch.equal(some.x, every.x)
    assert some.thetas is not None
    assert every.thetas is not None
    assert torch.equal(some.thetas, every.thetas)
    nothing = through_time.backward(h, None, a, thetas, widths, neuron.surrogate, neuron.settings, None)
    assert not any(bool(g.any()) for g in nothing if g is not None)


def test_settings_are_those_of_the_neuron() -> None:
    neuron = nn.CirculateFiring(2, amplitudes=(1.0, 0.5), reset="value", reset_value=0.25, strict=True, state_range=(-1, 3))
    expected = through_time.Settings("poly_then_input", -1.0, 3.0, "value", 0.25, True, True, (1.0, 0.5))
    assert neuron.settings == expected
    assert replace(expected, order="input_then_poly").input_first


def remembered(neuron: nn.Neuron, steps: int) -> float:
    """Bytes kept for the backward pass, in steps of the layer; every storage once."""
    kept: dict[int, int] = {}

    def pack(t: Tensor) -> Tensor:
        kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    x = torch.randn(steps, 8, 16, 32, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        neuron(x)
    return sum(kept.values()) / (8 * 16 * 32 * 4)


@pytest.mark.parametrize("levels", [1, 8])
def test_memory_is_one_membrane_for_each_step(levels: int) -> None:
    for steps in (4, 32):
        assert remembered(nn.CirculateLNM(3, levels), steps) == pytest.approx(steps, rel=0.01)
        assert remembered(nn.CirculateLNM(3, levels, order="input_then_poly"), steps) == pytest.approx(2 * steps, rel=0.01)


@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
def test_a_checkpoint_remembers_the_input_and_a_state_now_and_then(order: str) -> None:
    assert remembered(nn.LNM(order=order, checkpoint=8), 32) == pytest.approx(32 + 4, rel=0.01)  # type: ignore[arg-type]


def test_torch_s_own_checkpoint_goes_around_neurons() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.LNM(), nn.Linear(5, 4), nn.CirculateFiring(2, learn_threshold=True))
    x = torch.randn(4, 3, 6)
    plain = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    again = torch.autograd.grad(around(model, x, use_reentrant=False).sum(), list(model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


def test_nothing_is_remembered_where_no_gradient_is_recorded() -> None:
    with torch.no_grad():
        assert remembered(nn.LNM(), 4) == 0


def test_the_negative_mass_is_that_of_relu_bit_for_bit() -> None:
    """A balance trains on it: weights must not depend on how the mean is taken."""
    for v in (torch.randn(3, 64, 33), torch.zeros(2, 3), -torch.zeros(2, 3), torch.rand(2, 3), torch.full((2, 3), float("nan"))):
        positive, negative = through_time.masses(v)
        for found, by_relu in ((positive, v.relu().flatten(1).mean(1)), (negative, (-v).relu().flatten(1).mean(1))):
            torch.testing.assert_close(found, by_relu, rtol=0, atol=0, equal_nan=True)
            assert not bool(found.signbit().any()) or bool(found.isnan().all())
