"""The gradients of neurons that users write: those of torch's own autograd through the steps, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.nn import steps_back
from tests.nn.stepwise import own_stepwise, stepwise
from tests.nn.test_kernel import OWN, of_all
from tests.nn.test_through_time import NEURONS, fused, learned
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch

DRAWN: dict[str, Callable[[], nn.CustomNeuron]] = {
    f"drawn {seed}": lambda seed=seed: make_neuron(neuron_source(seed), 3) for seed in range(20, 50)
}


@contextmanager
def as_on_other_devices() -> Iterator[None]:
    """All steps at once, as where there is no CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_back._Back, "step_by_step", steps_back._Back.at_once)
        yield


def close(neuron: Any, x: Tensor, plain: Callable[[Any, Tensor], tuple[Tensor, ...]]) -> None:
    inputs, expected = [x, *neuron.parameters()], plain(neuron, x)
    of_expected = of_all(expected, inputs)
    for way in (nullcontext, as_on_other_devices):
        with way():
            got = fused(neuron, x)
            assert torch.equal(got[0], expected[0])
            for a, b in zip([*got[1:], *of_all(got, inputs)], [*expected[1:], *of_expected], strict=True):
                torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [*OWN, *DRAWN])
def test_gradients_are_those_of_the_steps_one_by_one(name: str) -> None:
    torch.manual_seed(1)
    neuron = {**OWN, **DRAWN}[name]().double()
    x = (torch.randn(6, 2, 3, 4, dtype=torch.float64) + 0.3).requires_grad_()
    close(neuron, x, own_stepwise)


@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
@pytest.mark.parametrize("name", NEURONS)
def test_the_built_in_family_s_gradients_are_those_of_the_steps_one_by_one(name: str, order: str) -> None:
    torch.manual_seed(1)
    neuron = learned(NEURONS[name], nn.Atan, True, order=order, channels=3).double()
    x = (torch.randint(-10, 11, (5, 3, 3, 4)) / 4).double().requires_grad_()
    close(neuron, x, stepwise)


class Clamped(nn.CustomNeuron):
    """A user's clamp has torch's gradient at its ends, a comparison that a condition asks for has none."""

    states = {"v": nn.State((-1.0, 1.0))}  # noqa: RUF012

    def step(self, x: Tensor, v: Tensor) -> Any:
        v = torch.clamp(0.5 * v + x, 0.0, 0.75)
        s = nn.fire(v, 0.5)
        low = (s > 0) & (v < 0.6)
        return s, {"v": torch.maximum(torch.where(low, v * v, v), 0.25 * v) - 0.5 * (s > 0)}


def test_at_ends_and_ties_the_gradient_is_torch_s() -> None:
    x = torch.tensor([-0.25, 0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64).repeat(4, 1, 1).requires_grad_()
    close(Clamped(), x, own_stepwise)


@pytest.mark.parametrize("name", ["CubaLIF", "ALIF", "Izhikevich", "ResonateAndFire"])
def test_memory_is_one_value_for_each_state_and_step(name: str) -> None:
    kept: dict[int, int] = {}

    def pack(t: Tensor) -> Tensor:
        kept[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
        return t

    neuron, x = OWN[name](), torch.randn(16, 8, 3, 128, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        neuron(x)
    assert sum(kept.values()) / (x.numel() * 4) == pytest.approx(len(neuron.states), rel=0.01)
    kept.clear()
    with torch.no_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        neuron(x)
    assert not kept
