"""Training of layers that hear themselves: the forward is the integers', the gradients are the float layer's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import UnsupportedError, ValueRangeError, WidthError
from snn2hw.ir.integer import IntFeedback
from snn2hw.quantize import Prepared, prepare
from snn2hw.quantize.recurrent import loops_of
from snn2hw.quantize.synapse import Synapse
from tests.quantize.random_recurrent import PUBLISHED, Again, drawn_recurrent
from tests.quantize.test_prepare import assert_same, differing, learn
from tests.refused import refused
from tests.shared_data import shared_data

pytestmark = pytest.mark.torch

COUNT, SLOW_COUNT = 4, 240


def smooth(width: float = 2.0, **given: Any) -> nn.Surrogate:
    return nn.Sigmoid(width, **given)


NEURONS: dict[str, Callable[[], torch.nn.Module]] = {
    "LIF": lambda: nn.LIF(0.75, threshold=0.4, surrogate=smooth(learnable=True)),
    "input first": lambda: nn.LIF(0.75, order="input_then_poly", reset="value", surrogate=smooth()),
    "LNM by channel": lambda: nn.LNM(degree=3, channels=5, surrogate=smooth()),
    "circulate": lambda: nn.CirculateFiring(
        3,
        threshold=0.5,
        amplitudes=(1.0, 0.5, 0.25),
        learn_threshold=True,
        learn_decay=True,
        surrogate=smooth(),
        state_range=(-16.0, 16.0),
    ),
    "by step": lambda: nn.CirculateFiring(
        2, threshold=0.5, threshold_by_step=(1.0, 0.5, 0.75), learn_threshold=True, surrogate=smooth(learnable=True, steps=10)
    ),
    "RLeaky": lambda: nn.RLeaky(0.875, threshold=0.5, learn_beta=True, learn_threshold=True, surrogate=smooth()),
    "RSynaptic": lambda: nn.RSynaptic(0.75, 0.875, 0.5, learn_recurrent=True, surrogate=smooth(learnable=True)),
    "LSNN": lambda: nn.LSNN(v_th=0.25, beta=0.5, surrogate=smooth()),
    "ALIF": lambda: nn.ALIF(0.75, 0.875, 0.25, learn=True, channels=5, surrogate=smooth()),
}


def around(neuron: torch.nn.Module, enters: str = "with") -> torch.nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Recurrent(neuron, nn.Linear(5, 5), enters=enters), nn.Linear(5, 4))


def images(neuron: torch.nn.Module) -> torch.nn.Sequential:
    torch.manual_seed(0)
    layer = nn.Recurrent(neuron, nn.Conv2d(5, 5, (3, 1), padding=(2, 0), dilation=(2, 1)))
    return nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), layer, nn.Flatten(), nn.Linear(60, 4))


def on_a_grid(model: torch.nn.Module) -> None:
    """Weights and biases that 8 bits hold with one scale for the layer, of recurrent ones a coarser scale than of others."""
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            unit = 1 / 32 if "synapse" in name else 1 / 64
            with torch.no_grad():
                layer.weight.copy_((layer.weight * 2 / unit).round().clamp(-127, 127) * unit)
                layer.weight.view(-1)[0] = 127 * unit  # so that this is the scale
                layer.bias.copy_((layer.bias / unit).round() * unit)


def path(name: str) -> str:
    """Of a parameter, where the prepared model has it."""
    return f"layers.{name.replace('1.synapse', '1/synapse').replace('1.neuron.', '1/neuron.neuron.')}"


def assert_same_gradients(model: torch.nn.Sequential, x: torch.Tensor, of_states: bool) -> None:
    """Of every parameter, also where observers add what they saw to the loss."""
    model = model.double()
    on_a_grid(model)
    prepared = prepare(model, x, options=snn2hw.Options(state_bits=24, scales="layer"))
    assert torch.equal(prepared(x).double(), model(x))  # the same spikes
    for each in (model, prepared):
        with nn.observe(each) as seen:
            loss = torch.nn.functional.cross_entropy(each(x).double().mean(0), torch.arange(x.shape[1]) % 4)
        if of_states:
            loss = loss + sum(o.positive.square().sum() + o.negative.sum() for o in seen.values())
        loss.backward()
    own = dict(prepared.named_parameters())
    for name, parameter in model.named_parameters():
        got, expected = own[path(name)].grad, parameter.grad
        assert got is not None, name
        assert expected is not None, name
        assert bool(expected.any()), name
        torch.testing.assert_close(
            got.double(), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()), msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize("which", NEURONS)
def test_the_gradients_are_those_of_the_float_layer(which: str) -> None:
    x = torch.randint(0, 2, (10, 8, 6), generator=torch.Generator().manual_seed(1)).double()
    assert_same_gradients(around(NEURONS[which](), "after"), x, which in ("LIF", "RSynaptic"))


@pytest.mark.parametrize("which", ["LIF", "RSynaptic"])
def test_states_alone_are_learned_from(which: str) -> None:
    """Of a loss of what observers saw, which does not ask what leaves the layer."""
    model, x = around(NEURONS[which]()).double(), zeros_and_ones(10, 8, 6).double()
    on_a_grid(model)
    prepared = prepare(model, x, options=snn2hw.Options(state_bits=24, scales="layer"))
    for each in (model, prepared):
        with nn.observe(each) as seen:
            each(x)
        sum(o.positive.square().sum() for o in seen.values()).backward()
    got, expected = prepared.layers["1/synapse"].weight.grad, model[1].synapse.weight.grad
    torch.testing.assert_close(got.double(), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("which", ["LIF", "ALIF"])
def test_the_gradients_of_convolutions_are_those_of_the_float_layer(which: str) -> None:
    x = torch.randint(0, 2, (6, 4, 2, 3, 4), generator=torch.Generator().manual_seed(1)).double()
    assert_same_gradients(images(NEURONS[which]()), x, False)


def run(seed: int) -> str:
    """'' or why the model was refused; the forward is the integers', before and after some steps of learning."""
    case = drawn_recurrent(seed)
    try:
        model = prepare(case.model, case.sample, case.target, steps=case.steps, options=case.options)
    except (UnsupportedError, WidthError) as error:
        return error.what
    first = assert_same(model, case, seed)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    try:
        learn(model, case.x, 4, 0.02)
        assert_same(model, case, seed)
    except WidthError as error:
        return error.what
    moved = [n for n, p in model.named_parameters() if not torch.equal(p, before[n])]
    fires = all(v[:-1].any() for n, v in first.spikes.items() if n.endswith(".neuron"))
    assert not fires or any("synapse" in n for n in moved), f"drawn_recurrent({seed}): no recurrent weight was learned"
    return ""


def test_random_recurrent_models_are_their_integer_networks() -> None:
    refused_ = [why for seed in range(COUNT) if (why := run(seed))]
    assert not refused_


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_many_random_recurrent_models_are_their_integer_networks(chunk: int) -> None:
    refused_ = [why for seed in range(COUNT + chunk, COUNT + SLOW_COUNT, 8) if (why := run(seed))]
    assert len(refused_) <= 1, refused_


def zeros_and_ones(*shape: int) -> torch.Tensor:
    return torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(1)).float()


def assert_compiled_is_trained(model: Prepared, x: torch.Tensor) -> None:
    trace = snn2hw.simulate(snn2hw.compile(model), x, executor="reference")
    assert not differing(trace, model.trace(x))


@pytest.mark.slow
@pytest.mark.parametrize("which", PUBLISHED)
def test_every_neuron_of_the_library_learns_on_integers_in_a_recurrent_layer(which: str) -> None:
    x = zeros_and_ones(8, 6, 6)
    model = prepare(around(PUBLISHED[which]()), x)
    for steps in (0, 3):
        learn(model, x, steps, 0.02)
        assert_compiled_is_trained(model, x)


def test_a_layer_that_is_the_whole_model_and_one_that_is_called_twice() -> None:
    x = zeros_and_ones(6, 4, 5)
    layer = around(nn.RLeaky(0.875, threshold=0.5, learn_beta=True))[1]
    assert_compiled_is_trained(prepare(layer, x), x)
    model = prepare(Again(layer, nn.Linear(5, 5)), x)
    learn(model, x, 2, 0.05)
    assert_compiled_is_trained(model, x)
    shared = [m for n, m in model.layers.items() if n.endswith("neuron")]
    assert len(shared) == 2
    assert shared[0].neuron is shared[1].neuron


def test_what_is_frozen_stays_so_and_a_state_is_loaded_again() -> None:
    plain, x = around(nn.PLIF(0.5, threshold=0.4)), zeros_and_ones(6, 4, 6)
    plain[1].synapse.weight.requires_grad = False
    model = prepare(plain, x)
    frozen = [n for n, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["layers.1/synapse.weight"]
    learn(model, x, 3, 0.05)
    again = prepare(plain, x)
    assert differing(again.trace(x), model.trace(x))
    again.load_state_dict(model.state_dict())
    assert not differing(again.trace(x), model.trace(x))


class Loud(nn.CustomNeuron):
    states = {"v": nn.State(range=(-4.0, 4.0))}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.loud = torch.nn.Parameter(torch.tensor(1.0))

    def step(self, x: torch.Tensor, v: torch.Tensor) -> Any:
        v = 0.5 * v + x
        s = nn.fire(v, 0.25)
        return self.loud * s, {"v": v - 0.5 * s}


def test_the_edge_holds_what_a_neuron_learned_to_fire() -> None:
    x = zeros_and_ones(6, 4, 6)
    model = prepare(around(Loud()), x)
    with torch.no_grad():
        next(p for n, p in model.named_parameters() if n.endswith("loud")).fill_(3.0)
    (edge,) = snn2hw.compile(model).network.feedbacks
    assert (edge.interval.lo, edge.interval.hi) == (0, 3)
    assert_compiled_is_trained(model, x)


@pytest.mark.parametrize(("neuron", "most"), [(nn.LIF, 1), (Loud, 127)])
def test_a_recurrent_synapse_knows_the_largest_sum_that_it_may_ever_have(neuron: Callable[[], Any], most: int) -> None:
    synapse = prepare(around(neuron()), zeros_and_ones(6, 4, 6)).layers["1/synapse"]
    assert isinstance(synapse, Synapse)
    assert synapse.bound == 5 * 127 * most + synapse.bias_limit


@pytest.mark.parametrize("neuron", [nn.LIF, Loud])
def test_what_learning_drove_out_of_its_bounds_is_named(neuron: Callable[[], torch.nn.Module]) -> None:
    x = zeros_and_ones(6, 4, 6)
    model = prepare(around(neuron()), x, "loihi2")
    own = dict(model.named_parameters())
    with torch.no_grad():
        own["layers.1/synapse.bias"].fill_(1e9)
    with pytest.raises(WidthError, match="learning has driven a synaptic sum out of what the neuron program holds") as error:
        model(x)
    assert "where:    1.neuron" in str(error.value)
    with torch.no_grad():
        own["layers.1/synapse.weight"][0, 0] = float("nan")
    for ask in (lambda: model(x), model.integers):
        with pytest.raises(ValueRangeError, match="a parameter of the prepared model is NaN or infinite"):
            ask()


def test_an_edge_that_is_no_recurrent_layer_is_refused() -> None:
    plain = nn.Sequential(*around(nn.LIF())[:2], nn.Linear(5, 5), nn.LIF(), nn.Linear(5, 2))
    nodes = snn2hw.compile(plain, zeros_and_ones(6, 4, 6)).network.nodes
    assert list(loops_of(nodes)) == ["1.neuron"]
    farther = [replace(n, inputs=("3",)) if isinstance(n, IntFeedback) else n for n in nodes]
    with refused(
        UnsupportedError,
        """
        a recurrent edge of this form is not trained on integers
          where:    1 (Recurrent), a step back
          got:      what '3' fired reaches 1.synapse
          expected: a layer that hears itself: neuron -> synapse -> sum -> neuron, each read by nothing else
          do:       write it as nn.Recurrent(neuron, synapse), or train it in floats and compile it
        """,
    ):
        loops_of(farther)
    alone = [replace(n, inputs=("1.synapse", "1.synapse")) if n.name == "1.join" else n for n in nodes]
    with pytest.raises(UnsupportedError):
        loops_of(alone)
    read_twice = [replace(n, inputs=("1.join",)) if n.name == "2" else n for n in nodes]
    with pytest.raises(UnsupportedError):
        loops_of(read_twice)


def losses(
    model: torch.nn.Module, x: torch.Tensor, labels: torch.Tensor, epochs: int, rate: float, first: int = 0
) -> list[float]:
    """Of every epoch, by the mean of the logits from a step on."""
    optimiser, found = torch.optim.Adam(model.parameters(), lr=rate), []
    for _ in range(epochs):
        loss = torch.nn.functional.cross_entropy(model(x)[first:].mean(0), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    return found


def layers(entering: int, hidden: int, classes: int, made: Callable[..., torch.nn.Module], neuron: torch.nn.Module) -> Any:
    """Linear layers about a layer of neurons, that hears itself or does not; weights twice what torch begins with."""
    torch.manual_seed(0)
    back = nn.Linear(hidden, hidden)
    model = nn.Sequential(nn.Linear(entering, hidden), made(neuron, back), nn.Linear(hidden, classes))
    with torch.no_grad():
        for layer in (model[0], back):
            layer.weight.mul_(2.0)
    return model


def test_it_learns_to_remember_what_only_its_own_spikes_can_tell() -> None:
    """Which of four lines fired at the first of six steps; a membrane that halves at every step has forgotten it."""
    labels = torch.arange(16) % 4
    x = torch.zeros(6, 16, 4)
    x[0, torch.arange(16), labels] = 1.0
    found = []
    for made in (nn.Recurrent, lambda neuron, back: neuron):
        neuron = nn.LIF(0.5, threshold=0.5, surrogate=nn.Triangle(2.0))
        model = prepare(layers(4, 32, 4, made, neuron), x, options=snn2hw.Options(weight_bits=6))
        found.append(losses(model, x, labels, 30, 0.03, first=4)[-1])
        assert_compiled_is_trained(model, x)
    assert found[0] < 0.4
    assert found[1] > 1.2


@pytest.mark.slow
def test_spoken_digits_are_learned_on_integers() -> None:
    """Part of FSDD, through a layer of neurons that adapt: the loss falls, and what is compiled is what was trained."""
    data = np.load(shared_data("real/fsdd.npz"))
    x = torch.as_tensor(data["x_train"][::20]).float().permute(1, 0, 2) / 255  # [T, N, mel]
    labels = torch.as_tensor(data["y_train"][::20])
    model = layers(32, 48, 10, nn.Recurrent, nn.LSNN(v_th=0.2, beta=0.3, surrogate=nn.Triangle(0.5)))
    with torch.no_grad():
        model[0].weight.mul_(5.0)  # of what enters its membranes take a tenth
        model[2].weight.mul_(3.0)
    prepared = prepare(model, x, options=snn2hw.Options(weight_bits=6))
    found = losses(prepared, x, labels, 30, 0.03)
    assert found[-1] < 0.8 * found[0]
    assert float((prepared(x).mean(0).argmax(1) == labels).float().mean()) > 0.35
    assert_compiled_is_trained(prepared, x[:, :50])
