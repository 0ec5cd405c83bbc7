"""Neurons that a user writes out in a forward, in a loop over T or step by step: every spike, and then every integer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import snn2hw
from snn2hw import nn
from snn2hw.conversion.written import Written
from snn2hw.errors import UnsupportedError
from tests.refused import refused

pytestmark = pytest.mark.torch
T, N, F, H, C = 9, 6, 16, 12, 5


class Heaviside(torch.autograd.Function):
    """A surrogate of the user's own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).float()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.out = torch.nn.Linear(F, H), torch.nn.Linear(H, C)
        self.rec = torch.nn.Linear(H, H, bias=False)
        self.w, self.threshold = torch.nn.Parameter(torch.tensor(2.0)), torch.nn.Parameter(torch.rand(H) + 0.5)


class Subtracts(Net):
    """The loop of most tutorials: float constants, a sum of outputs."""

    def forward(self, x: Tensor) -> Tensor:
        mem, out = torch.zeros(x.shape[1], H), 0
        for t in range(x.shape[0]):
            mem = 0.9 * mem + self.fc(x[t])
            spk = (mem > 1.0).float()
            mem = mem - spk * 1.0
            out = out + self.out(spk)
        return out


class Learned(Net):
    """A static image for 20 steps, a learned decay, a threshold for each neuron, a surrogate of the user's own."""

    def forward(self, x: Tensor) -> Tensor:
        mem, outs = torch.zeros(x.shape[0], H), []
        for _ in range(20):
            mem = torch.sigmoid(self.w) * mem + self.fc(x)
            spk = Heaviside.apply(mem - self.threshold)
            mem = mem * (1 - spk)
            outs.append(self.out(spk))
        return torch.stack(outs).mean(0)


class TwoStates(Net):
    """A current and a membrane, a recurrent synapse, a leaky readout of which the last step counts."""

    def forward(self, x: Tensor) -> Tensor:
        i, v = torch.zeros(x.shape[1], H), torch.zeros(x.shape[1], H)
        z, y, ys = torch.zeros_like(i), torch.zeros(x.shape[1], C), []
        for step in x:
            i = 0.7 * i + (self.fc(step) + self.rec(z))
            v = 0.9 * v * (1 - z) + i
            z = (v >= 1).float()
            y = 0.95 * y + self.out(z)
            ys.append(y)
        return torch.stack(ys)[-1]


class OneStep(Net):
    """One step of the forward, with its state as an argument; the loop is the caller's."""

    def forward(self, x: Tensor, mem: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if mem is None:
            mem = torch.zeros(x.shape[0], H)
        mem = 0.9 * mem + self.fc(x)
        spk = torch.where(mem > 1, 1.0, 0.0)
        mem = torch.where(spk > 0, torch.zeros_like(mem), mem)
        return self.out(spk), mem


class RecurrentLast(Net):
    """What the recurrent synapse makes is added last: its place in the sum decides how floats round."""

    def forward(self, x: Tensor) -> Tensor:
        v = torch.zeros(x.shape[1], H)
        z, out = torch.zeros_like(v), []
        for t in range(len(x)):
            v = 0.9 * v * (1 - z) + self.fc(x[t]) + self.rec(z)
            z = torch.heaviside(v - 1, torch.tensor(0.0))
            out.append(self.out(z))
        return torch.stack(out)


X = torch.from_numpy(np.random.default_rng(1).random((T, N, F), np.float32))
MODELS = {"subtracts": (Subtracts, X), "learned": (Learned, X[0]), "two states": (TwoStates, X)} | {
    "one step": (OneStep, X),
    "recurrent last": (RecurrentLast, X),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_spike_and_every_integer(name: str) -> None:
    make, x = MODELS[name]
    model = make().eval()
    made = snn2hw.convert(model, x)
    found = made.conversion
    assert found.comparison.equal == found.comparison.total > 0
    assert str(found).count("is written out at test_written.py:") == sum(isinstance(m, Written) for m in made.modules()) > 0
    steps = found.steps if found.static else None
    entering = x.expand(found.steps, *x.shape) if found.static else x
    if name != "one step":
        torch.testing.assert_close(made(entering), model(x), rtol=1e-5, atol=1e-5)
    artefact = snn2hw.compile(made, x.numpy(), steps)
    assert snn2hw.verify(artefact, x.numpy(), executors=("reference", "fast", "onnxruntime", "torch")).equal


@pytest.mark.parametrize("name", ["subtracts", "learned", "two states"])
def test_compile_follows_such_a_model_by_itself(name: str) -> None:
    make, x = MODELS[name]
    artefact = snn2hw.compile(make(), x.numpy())
    told = artefact.manifest["converted"]
    assert (told["framework"], told["equal"]) == ("torch", told["spikes"])
    assert artefact.network.steps == (20 if name == "learned" else T)


def test_the_converted_model_trains_the_users_own_parameters() -> None:
    model = Learned()
    made = snn2hw.convert(model, X[0])
    made(X[0].expand(20, N, F)).sum().backward()
    for parameter in (model.w, model.threshold, model.fc.weight, model.out.weight):
        assert parameter.grad is not None
        assert bool(parameter.grad.abs().sum() > 0)


def test_the_membrane_is_the_state_and_not_its_decayed_value() -> None:
    """Its range follows from what was seen of the membrane itself."""
    neuron = next(m for m in snn2hw.convert(TwoStates(), X).modules() if isinstance(m, Written))
    assert {name: s.initial for name, s in neuron.states.items()} == dict.fromkeys(neuron.states, 0.0)
    assert all(-s.range[0] == s.range[1] < 64 for s in neuron.states.values())


class TwoInputs(Net):
    def forward(self, x: Tensor) -> Tensor:
        mem, out = torch.zeros(x.shape[1], H), []
        for t in range(x.shape[0]):
            mem = 0.9 * mem * self.rec(self.fc(x[t])) + self.fc(x[t])
            out.append(self.out((mem > 1.0).float()))
        return torch.stack(out)


class FarBack(Net):
    def forward(self, x: Tensor) -> Tensor:
        spikes = [torch.zeros(x.shape[1], H)] * 2
        for t in range(x.shape[0]):
            spikes.append((self.fc(x[t]) + spikes[-2] > 1.0).float())
        return torch.stack([self.out(s) for s in spikes[2:]])


class Begun(Net):
    def forward(self, x: Tensor) -> Tensor:
        mem, out = torch.linspace(0, 1, H).expand(x.shape[1], H), []
        for t in range(x.shape[0]):
            mem = 0.9 * mem + self.fc(x[t])
            spk = (mem > 1.0).float()
            mem = mem - spk
            out.append(self.out(spk))
        return torch.stack(out)


REFUSED: dict[str, tuple[Callable[[], torch.nn.Module], str]] = {
    "two inputs": (
        TwoInputs,
        """a neuron that is written out in the forward has not one input and one output
  where:    LINE
  got:      2 values that enter it, 1 that leave it
  expected: one value that enters, as fc(x), and one that leaves, as its spikes
  do:       add what enters before, give other layers its spikes alone, or write it as a nn.CustomNeuron""",
    ),
    "two steps back": (
        FarBack,
        """a value of another step enters a layer
  where:    LINE
  got:      a value 2 steps old
  expected: a value of this step, or of the step before
  do:       keep it in a state of a neuron of your own (nn.CustomNeuron)""",
    ),
    "another beginning for each neuron": (
        Begun,
        """a state that is written out in the forward does not begin with one number
  where:    LINE
  got:      several values
  expected: the same number for all neurons, as torch.zeros
  do:       begin it with zeros before the loop""",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_named(name: str) -> None:
    make, text = REFUSED[name]
    with refused(UnsupportedError, text):
        snn2hw.convert(make(), X)


def test_a_model_with_neurons_of_ours_in_an_untraceable_forward_is_followed() -> None:
    class Odd(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.neuron = nn.Linear(F, H), nn.LIF(0.5)

        def forward(self, x: Tensor) -> Tensor:
            return self.neuron(self.fc(torch.stack([x[t] for t in range(x.shape[0])])))

    model = Odd()
    made = snn2hw.convert(model, X)
    assert made.conversion.comparison.equal == T * N * H
    assert made.neuron is model.neuron
    assert model.neuron.state_range == (-4.0, 4.0)
