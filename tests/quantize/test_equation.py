"""Training on integers of neurons that users write: what is trained is its integer network, and it learns by the equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.checker.check import check_claims
from snn2hw.errors import ValueRangeError, WidthError
from snn2hw.quantize import Prepared, prepare
from tests.checker.tampering import written
from tests.quantize.test_prepare import differing, learn
from tests.random_equations import make_neuron, neuron_source
from tests.refused import message

pytestmark = pytest.mark.torch

STEPS = 5


def images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, 1, 5, 5, generator=torch.Generator().manual_seed(3))


def around(neuron: torch.nn.Module, scale: float = 2.0) -> torch.nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), neuron, nn.Flatten(), nn.Linear(100, 4)).eval()
    with torch.no_grad():
        model[0].weight *= scale
    return model


def prepared(neuron: torch.nn.Module, target: str = "generic", state_bits: int = 16) -> Prepared:
    return prepare(around(neuron), images(), target, steps=STEPS, options=snn2hw.Options(state_bits=state_bits))


def assert_trained_is_compiled(seed: int) -> None:
    model = prepared(make_neuron(neuron_source(seed), 4), ("generic", "loihi2")[seed % 2], (12, 16)[seed % 2])
    x = nn.repeat(images(), STEPS)
    for steps in (0, 2):
        learn(model, x, steps, 0.02)
        artefact = snn2hw.compile(model)
        assert not differing(snn2hw.simulate(artefact, images(), executor="reference"), model.trace(x)), neuron_source(seed)
    assert snn2hw.verify(artefact, images(), executors=("reference", "onnxruntime", "torch")).equal


def test_what_is_trained_is_its_integer_network() -> None:
    for seed in range(4):
        assert_trained_is_compiled(seed)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(4))
def test_what_is_trained_is_its_integer_network_for_many_neurons(chunk: int) -> None:
    for seed in range(1000 + 50 * chunk, 1050 + 50 * chunk):
        assert_trained_is_compiled(seed)


LIBRARY: dict[str, Callable[[], torch.nn.Module]] = {
    "Leaky": lambda: nn.Leaky(0.5),
    "ALIF": nn.ALIF,
    "CubaLIF": nn.CubaLIF,
    "ResonateAndFire": nn.ResonateAndFire,
}


@pytest.mark.parametrize("name", LIBRARY)
def test_the_gradients_are_those_of_the_float_model(name: str) -> None:
    """With wide states and weights that integers hold, integers are the float model up to roundings of 2**-16."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(5, 4, bias=False), LIBRARY[name](), nn.Linear(4, 3, bias=False)).double()
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.copy_((layer.weight * 100).round().clamp(-127, 127) / 32)
            layer.weight.view(-1)[0] = 127 / 32  # so that the scale is 1 / 32
    x = torch.randint(0, 2, (8, 6, 5)).double()
    integer = prepare(model, x, options=snn2hw.Options(state_bits=24, scales="layer"))
    assert torch.equal(integer(x).double(), model(x))
    for each in (model, integer):
        torch.nn.functional.cross_entropy(each(x).double().mean(0), torch.arange(6) % 3).backward()
    expected = {n: p.grad for n, p in model[1].named_parameters() if p.grad is not None}
    got = {n: p.grad for n, p in integer.named_parameters()}
    for n, grad in expected.items():
        (own,) = (g for name_, g in got.items() if name_.endswith(f"neuron.{n}"))
        torch.testing.assert_close(own, grad, rtol=1e-3, atol=1e-6)
    weights = [g for n, g in got.items() if n.endswith("weight") and "neuron" not in n]
    for own, layer in zip(weights, (model[0], model[2]), strict=True):
        torch.testing.assert_close(own.double(), layer.weight.grad, rtol=1e-3, atol=1e-6)


class Loud(nn.CustomNeuron):
    states = {"v": nn.State(range=(-2.0, 2.0))}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.loud, self.decay = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.tensor(0.5))

    def step(self, x: torch.Tensor, v: torch.Tensor) -> Any:
        v = self.decay * v + x
        s = nn.fire(v, 1.0)
        return self.loud * s, {"v": v - s}


def parameter(model: Prepared, name: str) -> torch.nn.Parameter:
    return next(p for n, p in model.named_parameters() if n.endswith(name))


def test_a_parameter_that_moves_moves_the_program() -> None:
    model, x = prepared(Loud()), nn.repeat(images(), STEPS)
    before = model.trace(x)
    with torch.no_grad():
        parameter(model, "decay").fill_(0.9)
    after = model.trace(x)
    assert differing(before, after)
    assert not differing(snn2hw.simulate(snn2hw.compile(model), images()), after)


def test_what_was_learned_is_the_equation_that_is_certified() -> None:
    model = prepared(Loud(), state_bits=10)
    with torch.no_grad():
        parameter(model, "decay").fill_(0.7)
    network = snn2hw.compile(model).network
    (meaning,) = (n.equation for n in network.neurons if n.equation is not None)
    now = dict(zip(meaning.equation.parameters, meaning.parameters, strict=True))
    assert now["decay"] == (parameter(model, "decay").item(),) != (0.5,)
    made = written(network)
    assert not check_claims(made.model, made.certificate).failures


def test_spike_values_that_leave_their_format_are_named() -> None:
    model = prepared(Loud())
    with torch.no_grad():
        parameter(model, "loud").fill_(0.75)
    assert message(model, nn.repeat(images(), STEPS), WidthError) == (
        "learning has driven a number in the neuron's output out of its format\n"
        "  where:    1 (Loud)\n"
        "  got:      2 fractional bits\n"
        "  expected: 0 fractional bits, for which the layers behind it were prepared\n"
        "  do:       keep the amplitudes of spikes fixed, or train the float model on and prepare that"
    )


def test_a_parameter_that_is_no_number_is_named() -> None:
    model = prepared(Loud())
    with torch.no_grad():
        parameter(model, "decay").fill_(float("nan"))
    for use in (lambda: model(nn.repeat(images(), STEPS)), model.integers):
        with pytest.raises(ValueRangeError):
            use()


def test_sums_beyond_what_was_proved_are_named() -> None:
    model = prepared(Loud(), "loihi2")
    with torch.no_grad():
        parameter(model, "0.weight").mul_(0.0).add_(100.0)
        parameter(model, "0.bias").fill_(100.0)
    with pytest.raises(WidthError, match="learning has driven a synaptic sum out of what the neuron program holds"):
        model(nn.repeat(images(), STEPS))


def test_who_looks_is_told() -> None:
    model, x = prepared(Loud()), nn.repeat(images(), STEPS)
    with nn.observe(model) as seen:
        model(x)
    (found,) = seen.values()
    rate = np.mean(np.stack([v != 0 for v in model.trace(x).spikes.values()][:1]))
    assert found.rate.mean().item() == pytest.approx(float(rate))
