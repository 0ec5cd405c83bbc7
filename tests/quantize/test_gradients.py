"""Gradients of a prepared model against those of its float model, on integers that are fine enough to be it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.layers import IntLinear, Linear
from snn2hw.num import Format, Interval
from snn2hw.quantize import prepare
from snn2hw.quantize.synapse import Synapse

pytestmark = pytest.mark.torch
STEPS = 3


def exact(out: int, features: int, seed: int, scale: float = 1.0) -> Any:
    """A Linear without bias whose weights are multiples of 1/64 of the scale: 8 bits hold them."""
    layer = nn.Linear(features, out, bias=False)
    raw = torch.randint(-64, 65, (out, features), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        layer.weight.copy_(raw / 64 * scale)
    return layer


def assert_same_gradients(real: torch.nn.Sequential, x: torch.Tensor, still: bool, **options: Any) -> None:
    """Of every weight, where the float model sees what the prepared one is given."""
    shows: dict[str, Any] = {"steps": STEPS, "input_range": (0.0, 255.0)} if still else {}
    prepared = prepare(real, x, options=snn2hw.Options(state_bits=24, **options), **shows)
    shown = nn.repeat(x, STEPS) if still else x
    toward = torch.linspace(-1.0, 2.0, STEPS * len(shown[0]) * 2).reshape(STEPS, -1, 2)
    a, b = real(shown), prepared(shown)
    torch.testing.assert_close(b, a.detach(), rtol=1e-3, atol=1e-3)  # the same spikes
    for logits in (a, b):
        (logits * toward).sum().backward()
    named = dict(prepared.named_parameters())
    for name, parameter in real.named_parameters():
        if name.endswith("weight"):
            got, expected = named[f"layers.{name}"].grad, parameter.grad
            assert got is not None
            assert expected is not None
            assert bool(expected.any())
            torch.testing.assert_close(got.float(), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def smooth(**given: Any) -> dict[str, Any]:
    return {"surrogate": nn.Sigmoid(2.0), **given}


def inputs(still: bool) -> torch.Tensor:
    """Whole numbers, of one image or of steps that differ."""
    shape = (8, 6) if still else (STEPS, 8, 6)
    return torch.randint(0, 3, shape, generator=torch.Generator().manual_seed(3)).float()


@pytest.mark.parametrize("still", [True, False], ids=["one image at every step", "steps that differ"])
def test_a_layer_that_sees_an_image_at_every_step_learns_from_all_of_them(still: bool) -> None:
    real = nn.Sequential(exact(4, 6, 0), nn.LIF(0.5, **smooth()), exact(2, 4, 1))
    assert_same_gradients(real, inputs(still), still)


def test_spike_values_below_one_are_learned_from_in_their_own_units() -> None:
    fires = nn.CirculateFiring(levels=3, amplitudes=(1.0, 0.5, 0.25), **smooth())
    assert_same_gradients(nn.Sequential(exact(4, 6, 0), fires, exact(2, 4, 1)), inputs(False), False)


def test_channels_of_very_different_weights_learn_each_in_its_own_units() -> None:
    first = exact(4, 6, 0)
    with torch.no_grad():
        first.weight.mul_(torch.tensor([[1.0], [2.0**-3], [2.0**-5], [2.0]]))
    real = nn.Sequential(first, nn.LIF(0.5, **smooth()), exact(2, 4, 1))
    assert_same_gradients(real, inputs(False), False, scales="channel")


def test_a_weight_at_its_limit_can_move_and_one_beyond_cannot() -> None:
    """127.4 is 127, as it would be without a limit; 127.6 would be 128 and is held back."""
    given = np.array([[127.0, 127.4, 127.6, -127.0, -127.4, -127.6, 500.0, 3.0]])
    made = np.clip(np.floor(given + 0.5), -127, 127).astype(np.int8)
    real = Linear("fc", ("x",), (1,), weight=given, bias=np.zeros(1))
    bias, fmt = np.zeros(1, np.int32), Format(32, 0, True)
    integer = IntLinear("fc", ("x",), (1,), fmt, Interval(0, 0), weight=made, bias=bias)
    synapse = Synapse(real, integer, np.ones(1), np.ones(1), 127, 1)
    synapse(torch.ones(1, 1, 8)).sum().backward()
    grad = synapse.weight.grad
    assert grad is not None
    assert [bool(g) for g in grad[0]] == [True, True, False, True, True, False, False, True]
