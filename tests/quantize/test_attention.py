"""Attention is trained as the integers that it is, and its gradients are those of the float model."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.quantize import prepare
from tests.attention_models import MODELS, SIZE, randomised
from tests.quantize.test_prepare import differing, learn

STEPS = 3


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Biases are drawn where a model is made; whether a layer learns must not depend on the tests before."""
    torch.manual_seed(0)


def images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("which", ["spikformer", "values and keys first"])
def test_what_is_trained_is_its_integer_network(which: str) -> None:
    model, x = prepare(randomised(MODELS[which](), 1).float(), images(), steps=STEPS), nn.repeat(images(), STEPS)
    for steps in (2, 1):
        expected = snn2hw.simulate(snn2hw.compile(model), images())
        assert not differing(expected, model.trace(x))
        assert all(s.any() for s in expected.spikes.values())
        learn(model, x, steps, 0.01)
    assert all(p.grad is not None and bool(p.grad.any()) for n, p in model.named_parameters() if n.endswith("weight"))


def test_autocast_changes_no_bit() -> None:
    model, x = prepare(randomised(MODELS["spikformer"](), 1).float(), images(), steps=STEPS), nn.repeat(images(), STEPS)
    expected = model.trace(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert not differing(expected, model.trace(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("tf32", [False, True])
def test_a_gpu_gives_the_same_bits(tf32: bool) -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        for which in MODELS:
            model = prepare(randomised(MODELS[which](), 1).float(), images(), steps=STEPS)
            x = nn.repeat(images(), STEPS)
            assert not differing(model.trace(x), model.cuda().trace(x.cuda())), which
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


class Exact(torch.nn.Module):
    """Attention whose integers are the float model's: weights of few bits, no bias, a power of two, no state at a bound."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Conv2d(2, 4, 1, bias=False) for _ in range(3))
        neurons = (nn.LIF(0.5, state_range=(-64, 64), surrogate=nn.Sigmoid(2.0)) for _ in range(4))
        self.fire = torch.nn.ModuleList(neurons)
        self.head = nn.Linear(64, 4, bias=False)
        with torch.no_grad():
            for layer in (self.q, self.k, self.v, self.head):
                layer.weight.copy_(torch.randint(-3, 5, layer.weight.shape) / 4)

    def forward(self, x: Any) -> Any:
        q, k, v = (fire(layer(x)).flatten(3) for fire, layer in zip(self.fire, (self.q, self.k, self.v), strict=False))
        return self.head(self.fire[3]((q.mT @ k * 0.25 @ v.mT).mT).flatten(2))


def test_the_backward_is_that_of_the_real_network() -> None:
    torch.manual_seed(4)
    real, x = Exact(), torch.randint(0, 3, (STEPS, 16, 2, SIZE, SIZE), generator=torch.Generator().manual_seed(2)).float()
    prepared = prepare(real, x, options=snn2hw.Options(state_bits=24))
    for m in (real, prepared):
        m(x).mean(0).logsumexp(1).sum().backward()
    assert bool(real(x).any())
    torch.testing.assert_close(prepared(x), real(x), rtol=0, atol=1e-6)
    named = dict(prepared.named_parameters())
    for name in ("q", "k", "v", "head"):
        expected, got = getattr(real, name).weight.grad, named[f"layers.{name}.weight"].grad
        assert bool(expected.any())
        assert got is not None
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
