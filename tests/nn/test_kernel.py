"""The C kernel gives the floats of the law in torch, bit for bit, forwards and backwards; without a compiler the law is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snn2hw import nn
from snn2hw.nn import kernel
from tests.native.compiling import needs_compiler
from tests.nn.test_surrogate import Cubic
from tests.nn.test_through_time import NEURONS, fused, gradients, learned

pytestmark = pytest.mark.torch

SHAPES = [(5, 3, 3, 4), (1, 2, 3), (3, 2, 3, 10, 9), (4, 101, 3), (2, 1, 3, 300)]  # lanes of 256 end within, at, after a channel


@contextmanager
def law() -> Iterator[None]:
    """Without the kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "runs", lambda *tensors: False)
        yield


def everything(neuron: nn.Neuron, x: Tensor) -> list[Tensor]:
    outputs = fused(neuron, x)
    return [*outputs, *gradients(outputs, [x, *neuron.parameters()])]


@needs_compiler
@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**31),
    name=st.sampled_from(sorted(NEURONS)),
    surrogate=st.sampled_from([nn.Rectangle, nn.Triangle, nn.Sigmoid, nn.Atan, Cubic]),
    reset=st.sampled_from(["subtract", "value", "none"]),
    order=st.sampled_from(["poly_then_input", "input_then_poly"]),
    strict=st.booleans(),
    channels=st.sampled_from([None, 3]),
    checkpoint=st.sampled_from([None, 2]),
    shape=st.sampled_from(SHAPES),
)
def test_every_float_is_that_of_the_law(
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
    neuron = learned(NEURONS[name], surrogate, False, **arguments)
    x = (torch.randint(-40, 41, shape) / 16 * (1 + 0.1 * torch.randn(shape)).round(decimals=1)).requires_grad_()
    assert kernel.runs(x, neuron.coefficients, neuron.thetas(x))
    got = everything(neuron, x)
    with law():
        expected = everything(neuron, x)
    for a, b in zip(got, expected, strict=True):
        assert torch.equal(a, b)


@needs_compiler
def test_threads_change_no_float(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    neuron, x = learned(NEURONS["CF"], nn.Atan, False), torch.randn(4, 7, 3, 41).requires_grad_()
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
    for a, b in zip(everything(neuron, x), alone, strict=True):
        assert torch.equal(a, b)
    assert sorted(set(parts)) == [(0, 287), (287, 574), (574, 861)]


@needs_compiler
def test_any_memory_layout_enters() -> None:
    neuron = nn.LNM(channels=3)
    image = torch.randn(2, 3, 4, 5)
    shown = nn.repeat(image, 4)
    assert torch.equal(neuron(shown), neuron(shown.contiguous()))
    last = torch.randn(3, 2, 4, 5, 3).movedim(-1, 2)
    assert torch.equal(neuron(last), neuron(last.contiguous()))
    assert neuron(torch.zeros(4, 0, 3, 5)).shape == (4, 0, 3, 5)


@needs_compiler
def test_nan_stays_nan_and_infinity_is_clamped() -> None:
    x = torch.tensor([float("nan"), float("inf"), float("-inf")]).reshape(1, 1, 3)
    for neuron in (nn.LNM(), nn.LNM(order="input_then_poly"), nn.CirculateFiring(2)):
        with nn.observe(neuron) as seen:
            got = neuron(x)
        with law():
            assert torch.equal(got, neuron(x))
        assert not seen[""].finite
        assert seen[""].undefined.tolist() == pytest.approx([1 / 3])


def test_the_law_is_used_where_the_kernel_does_not_apply(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    x, neuron = torch.randn(2, 3, 3), nn.LNM()
    a, thetas = neuron.a, neuron.thetas(x)
    assert not kernel.runs(x.double(), a.double(), thetas.double())
    assert not kernel.runs(x.to("meta"), a, thetas)
    expected = neuron(x)
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    monkeypatch.setenv("SNN2HW_CC", "/no/such/compiler")  # one that fails
    assert not kernel.runs(x, a, thetas)
    assert torch.equal(neuron(x), expected)
    monkeypatch.setattr(kernel, "compiler", lambda: None)  # none at all
    assert not kernel.runs(x, a, thetas)
    assert torch.equal(neuron(x), expected)
