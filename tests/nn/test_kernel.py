"""Kernels in C give the floats that torch gives, bit for bit, forwards and backwards; without a compiler torch gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snn2hw import nn
from snn2hw.nn import kernel, steps, steps_back
from tests.native.compiling import needs_compiler
from tests.nn.test_surrogate import Cubic
from tests.nn.test_through_time import NEURONS, fused, learned
from tests.random_equations import make_neuron, neuron_source

pytestmark = pytest.mark.torch

SHAPES = [(5, 3, 3, 4), (1, 2, 3), (3, 2, 3, 10, 9), (4, 101, 3), (2, 1, 3, 300)]  # lanes of 256 end within, at, after a channel
SURROGATES = [nn.Rectangle, nn.Triangle, nn.Sigmoid, nn.Atan, nn.FastSigmoid, Cubic]
RESETS, ORDERS = ("subtract", "value", "none"), ("poly_then_input", "input_then_poly")
# Every one is a source of its own; together they have every setting.
FORMS: list[tuple[str, type[nn.Surrogate], dict[str, Any]]] = [
    ("LNM 1", nn.Rectangle, {"reset": "subtract", "order": "poly_then_input", "strict": False, "channels": None}),
    ("LNM 3", nn.Triangle, {"reset": "value", "order": "input_then_poly", "strict": True, "channels": 3}),
    ("LNM 5", Cubic, {"reset": "none", "order": "poly_then_input", "strict": False, "channels": 3}),
    ("PLIF", nn.Atan, {"reset": "subtract", "order": "poly_then_input", "strict": True, "channels": None}),
    ("CF", nn.Rectangle, {"reset": "subtract", "order": "poly_then_input", "strict": False, "channels": 3}),
    ("CF unsigned", nn.Sigmoid, {"reset": "value", "order": "poly_then_input", "strict": False, "channels": None}),
    ("CF by step", nn.Triangle, {"reset": "value", "order": "poly_then_input", "strict": True, "channels": 3}),
    ("CirculateLNM by step", nn.Sigmoid, {"reset": "subtract", "order": "input_then_poly", "strict": False, "channels": None}),
    ("CF learns negative", nn.Triangle, {"reset": "value", "order": "poly_then_input", "strict": False, "channels": None}),
    ("CF staircase", nn.Triangle, {"reset": "subtract", "order": "poly_then_input", "strict": False, "channels": None}),
    ("CirculateLNM", nn.Atan, {"reset": "none", "order": "input_then_poly", "strict": True, "channels": 3}),
]
OWN: dict[str, Callable[[], nn.CustomNeuron]] = {
    "Leaky": lambda: nn.Leaky(0.9, learn_beta=True, learn_threshold=True),
    "CubaLIF": lambda: nn.CubaLIF(learn=True, channels=3),
    "ALIF": lambda: nn.ALIF(learn=True, surrogate=nn.Sigmoid(learnable=True)),
    "Izhikevich": lambda: nn.Izhikevich(learn=True, channels=3, surrogate=nn.Atan(learnable=True)),
    "RefractoryLIF": lambda: nn.RefractoryLIF(learn=True, surrogate=nn.Triangle(learnable=True)),
    "ResonateAndFire": lambda: nn.ResonateAndFire(learn=True),
    "Synaptic": lambda: nn.Synaptic(0.7, 0.9, learn_alpha=True, channels=3, graded_spikes_factor=1.5),
    "ParametricLIFNode": lambda: nn.ParametricLIFNode(3.0, v_reset=None, surrogate=nn.FastSigmoid(0.04, learnable=True)),
    "IzhikevichNode": lambda: nn.IzhikevichNode(tau=3.0, tau_w=3.7, a=0.3, b=0.2),  # divides
    "LSNN": nn.LSNN,
    **{f"drawn {seed}": lambda seed=seed: make_neuron(neuron_source(seed), 3) for seed in (3, 8)},
}


@contextmanager
def in_torch() -> Iterator[None]:
    """Without kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "runs", lambda *given: False)
        yield


@contextmanager
def in_c() -> Iterator[None]:
    """With kernels from the first step on, and without torch."""

    def refused(*given: object) -> None:
        raise AssertionError("torch computed the steps")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "WORTH", 0)
        patch.setattr(steps, "forward", refused)
        patch.setattr(steps_back, "sweep", refused)
        yield


def everything(neuron: Any, x: Tensor) -> list[Tensor]:
    outputs = fused(neuron, x)
    return [*outputs, *of_all(outputs, [x, *neuron.parameters()])]


def of_all(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """As `gradients`, with 0 for what a neuron that was drawn declares and does not use."""
    weights = [torch.cos(torch.arange(o.numel(), dtype=o.dtype)).reshape(o.shape) for o in outputs]
    loss = torch.stack([(o * w).sum() for o, w in zip(outputs, weights, strict=True)]).sum()
    return torch.autograd.grad(loss, list(inputs), allow_unused=True, materialize_grads=True)


def compare(neuron: Any, x: Tensor) -> None:
    with in_c():
        got = everything(neuron, x)
    with in_torch():
        expected = everything(neuron, x)
    for a, b in zip(got, expected, strict=True):
        assert torch.equal(a, b)


def stimulus(shape: tuple[int, ...]) -> Tensor:
    return (torch.randint(-40, 41, shape) / 16 * (1 + 0.1 * torch.randn(shape)).round(decimals=1)).requires_grad_()


@needs_compiler
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
def test_every_float_is_that_of_torch(form: tuple[str, type[nn.Surrogate], dict[str, Any]]) -> None:
    name, surrogate, arguments = form
    for seed, shape in enumerate(SHAPES):
        torch.manual_seed(seed)
        checkpoint = 2 if seed % 2 else None
        compare(learned(NEURONS[name], surrogate, False, checkpoint=checkpoint, **arguments), stimulus(shape))


@needs_compiler
@pytest.mark.parametrize("name", OWN)
def test_every_float_of_a_neuron_that_a_user_wrote_is_that_of_torch(name: str) -> None:
    for seed, shape in enumerate(SHAPES):
        torch.manual_seed(seed)
        compare(OWN[name](), stimulus(shape))


@pytest.mark.slow
@needs_compiler
@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(sorted(NEURONS)),
    surrogate=st.sampled_from(SURROGATES),
    reset=st.sampled_from(RESETS),
    order=st.sampled_from(ORDERS),
    strict=st.booleans(),
    channels=st.sampled_from([None, 3]),
    checkpoint=st.sampled_from([None, 2]),
    shape=st.sampled_from(SHAPES),
)
def test_every_float_of_any_member_of_the_family_is_that_of_torch(
    seed: int,
    name: str,
    surrogate: type[nn.Surrogate],
    reset: str,
    order: str,
    strict: bool,
    channels: int | None,
    checkpoint: int | None,
    shape: tuple[int, ...],
) -> None:
    torch.manual_seed(seed)
    arguments = {"reset": reset, "order": order, "strict": strict, "channels": channels, "checkpoint": checkpoint}
    compare(learned(NEURONS[name], surrogate, False, **arguments), stimulus(shape))


@pytest.mark.slow
@needs_compiler
def test_every_float_of_many_neurons_that_users_might_write_is_that_of_torch() -> None:
    for seed in range(100, 200):
        torch.manual_seed(seed)
        compare(make_neuron(neuron_source(seed), 3), stimulus((4, 2, 3, 200)))


@needs_compiler
def test_threads_change_no_float(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    neuron, x = learned(NEURONS["PLIF"], nn.Atan, False, strict=True), torch.randn(4, 7, 3, 41).requires_grad_()
    with in_c():
        alone = everything(neuron, x)
    monkeypatch.setattr(kernel, "SHARE", 100)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    parts: list[tuple[int, int]] = []
    plain = kernel.in_parts

    def watched(part: Callable[[int, int], None], size: int, work: int) -> None:
        def seen(begin: int, end: int) -> None:
            parts.append((begin, end))
            part(begin, end)

        plain(seen, size, work)

    monkeypatch.setattr(kernel, "in_parts", watched)
    with in_c():
        for a, b in zip(everything(neuron, x), alone, strict=True):
            assert torch.equal(a, b)
    assert sorted(set(parts)) == [(0, 287), (287, 574), (574, 861)]


@needs_compiler
def test_any_memory_layout_enters() -> None:
    neuron = nn.LNM(channels=3)
    image = torch.randn(2, 3, 4, 5)
    with in_c():
        shown = nn.repeat(image, 4)
        assert torch.equal(neuron(shown), neuron(shown.contiguous()))
        last = torch.randn(3, 2, 4, 5, 3).movedim(-1, 2)
        assert torch.equal(neuron(last), neuron(last.contiguous()))
        assert neuron(torch.zeros(4, 0, 3, 5)).shape == (4, 0, 3, 5)


@needs_compiler
def test_nan_stays_nan_and_infinity_is_clamped() -> None:
    x = torch.tensor([float("nan"), float("inf"), float("-inf")]).reshape(1, 1, 3)
    for neuron in (nn.LNM(), nn.LNM(order="input_then_poly"), nn.CirculateFiring(2), nn.CubaLIF()):
        with in_c(), nn.observe(neuron) as seen:
            got = neuron(x)
        with in_torch():
            assert torch.equal(got, neuron(x))
        assert not seen[""].finite
        assert seen[""].undefined.tolist() == pytest.approx([1 / 3])


@needs_compiler
def test_a_kernel_is_compiled_once_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers that differ in numbers only work for the same kernel."""
    monkeypatch.setattr(kernel, "_work", {})
    compiled: list[str] = []
    plain = kernel._loaded

    def loaded(key: str, text: str) -> Any:
        compiled.append(key)
        return plain(key, text)

    monkeypatch.setattr(kernel, "_loaded", loaded)
    x = torch.randn(2, 4, 3, 8)
    calls = kernel.WORTH // (x.numel() + kernel.CALL * len(x)) + 1
    for n in range(calls - 1):
        nn.LNM(1, threshold=1.0 + n / calls, state_range=(-4.0 - n, 4.0))(x)
    assert compiled == []
    nn.LIF()(x)
    assert len(compiled) == 1


def test_torch_computes_where_a_kernel_does_not_apply(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x, neuron = torch.randn(2, 3, 3), nn.LNM()
    a = neuron.a.detach().unbind(1)
    assert not kernel.runs(x.double(), [n.double() for n in a])
    assert not kernel.runs(x.to("meta"), a)
    expected = neuron(x)
    monkeypatch.setattr(kernel, "WORTH", 0)
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    monkeypatch.setenv("SNN2HW_CC", "/no/such/compiler")  # one that fails
    assert torch.equal(neuron(x), expected)
    monkeypatch.setattr(kernel, "compiler", lambda: None)  # none at all
    assert not kernel.runs(x, a)
    assert torch.equal(neuron(x), expected)
