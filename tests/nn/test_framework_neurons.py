"""The neurons of other frameworks, where none of them is installed: the equation's floats are those of the step, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.errors import UsageError, ValueRangeError  # noqa: E402
from tests.conversion.frameworks.compared import IMAGE, LINEAR, by_equation, by_step, stimulus, widened  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

NEURONS: dict[str, Callable[[], Any]] = {
    "Leaky": lambda: nn.Leaky(0.9, reset_mechanism="zero", reset_delay=False, graded_spikes_factor=1.5),
    "Synaptic": lambda: nn.Synaptic(0.7, 0.9),
    "Alpha": lambda: nn.Alpha(0.9, 0.8),
    "Lapicque": lambda: nn.Lapicque(5.1, 0.3),
    "RLeaky": lambda: nn.RLeaky(0.9, 0.3),
    "RSynaptic": lambda: nn.RSynaptic(0.7, 0.9, 0.3),
    "IFNode": lambda: nn.IFNode(v_reset=None),
    "LIFNode": lambda: nn.LIFNode(3.0, v_threshold=0.4, v_reset=-0.1),
    "LIFNode factored": lambda: nn.LIFNode(3.7, False, factored=True),
    "ParametricLIFNode": lambda: nn.ParametricLIFNode(3.0, v_threshold=0.4),
    "ParametricLIFNode factored": lambda: nn.ParametricLIFNode(3.0, False, factored=True),
    "QIFNode": lambda: nn.QIFNode(3.0),
    "IzhikevichNode": lambda: nn.IzhikevichNode(tau=3.0, tau_w=3.7, a=0.3, b=0.2),
    "NonSpikingNode": lambda: nn.NonSpikingNode(3.0),
    "NorseLIF": nn.NorseLIF,
    "LIFRefrac": lambda: nn.LIFRefrac(2.0),
    "LSNN": nn.LSNN,
    "IAF": nn.IAF,
    "LIFBox": lambda: nn.LIFBox(reset="subtract", v_th=0.2),
    "LI": nn.LI,
    "LIBox": nn.LIBox,
}


@pytest.mark.parametrize("name", NEURONS)
def test_the_equation_has_the_floats_of_the_step(name: str) -> None:
    for shape in (LINEAR, IMAGE):
        layer, x = NEURONS[name](), stimulus(shape) * 2
        widened(layer)
        with torch.no_grad():
            spikes, states = by_step(layer, x)
            again, same = by_equation(layer, x)
            assert torch.equal(spikes, again)
            assert torch.equal(spikes, layer(x))
        assert all(torch.equal(states[n], same[n]) for n in states)
        assert spikes.any()


def test_a_division_by_a_number_is_one_and_its_gradient_is_that_of_torch() -> None:
    """Not a product with the reciprocal, which rounds twice."""

    class Divides(nn.CustomNeuron):
        states: ClassVar = {"v": nn.State((-100.0, 100.0))}

        def __init__(self) -> None:
            super().__init__()
            self.tau = torch.nn.Parameter(torch.tensor([3.0, 7.0, 49.0]))

        def step(self, x: Any, v: Any) -> Any:  # type: ignore[override]
            v = v / nn.per_channel(self.tau) + x / 3.0
            return v, {"v": v}

    layer, x = Divides(), stimulus((3,)).requires_grad_()
    states: dict[str, Any] = {"v": torch.zeros(2, 3)}
    seen = []
    for entering in x:
        value, states = layer.one_step(entering, states, torch.tensor(1.0))
        seen.append(value)
    assert torch.equal(layer(x), torch.stack(seen))
    first = (x[0] / 3.0).detach()
    assert not torch.equal(first, x[0].detach() * (1.0 / 3.0))
    own = torch.autograd.grad(layer(x).sum(), (x, layer.tau))
    other = torch.autograd.grad(torch.stack(seen).sum(), (x, layer.tau))
    for a, b in zip(own, other, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("neuron", [lambda: nn.RLeaky(0.9), nn.NorseLIF, lambda: nn.LIF(0.9, threshold=0.4)])
def test_what_a_layer_hears_enters_behind_its_input(neuron: Callable[[], Any]) -> None:
    """In real numbers it is the same; floats round another way."""
    torch.manual_seed(0)
    x = stimulus(LINEAR)
    synapse = nn.Linear(5, 5)
    after, with_ = nn.Recurrent(neuron(), synapse, enters="after"), nn.Recurrent(neuron(), synapse)
    with torch.no_grad():
        assert (after(x) == with_(x)).float().mean() > 0.95


def test_floats_are_added_in_the_order_that_is_stated() -> None:
    """1 + 2**24 is 2**24 in float32."""
    synapse = nn.Linear(1, 1)
    with torch.no_grad():
        synapse.weight.zero_()
        synapse.bias.fill_(-(2.0**24))
    x = torch.full((1, 1, 1), 2.0**24)
    assert nn.Recurrent(_Adds(), synapse, enters="after")(x).item() == 0.0
    assert nn.Recurrent(_Adds(), synapse)(x).item() == 1.0


class _Adds(nn.CustomNeuron):
    """1 + x."""

    states: ClassVar = {"v": nn.State((-1e9, 1e9))}

    def step(self, x: Any, v: Any) -> Any:  # type: ignore[override]
        v = 1.0 + x
        return v, {"v": v}


def test_who_looks_at_it_sees_its_first_state_whatever_the_order() -> None:
    torch.manual_seed(0)
    x, synapse = stimulus(LINEAR), nn.Linear(5, 5)
    for neuron in (nn.NorseLIF(), nn.LIF(0.9, threshold=0.4)):
        masses = []
        for enters in ("with", "after"):
            layer = nn.Recurrent(neuron, synapse, enters=enters)
            with nn.observe(layer) as seen, torch.no_grad():
                layer(x)
            masses.append(torch.stack([seen["neuron"].positive, seen["neuron"].negative]))
        torch.testing.assert_close(*masses, rtol=0.05, atol=0.05)
        assert masses[0].sum() > 0


def test_what_does_not_fit_is_refused() -> None:
    with refused(
        UsageError,
        """
        unknown enters
          where:    nn.Recurrent
          got:      'before'
          expected: one of 'with', 'after'
          do:       pass enters as one of these
        """,
    ):
        nn.Recurrent(nn.LIF(0.9), nn.Linear(3, 3), enters="before")
    with pytest.raises(ValueRangeError, match="beta is out of range"):
        nn.Alpha(0.5, 0.8)
    with pytest.raises(UsageError, match="reset_mechanism"):
        nn.Synaptic(0.5, 0.5, reset_mechanism="hard")
    with pytest.raises(ValueRangeError, match="init_tau is out of range"):
        nn.ParametricLIFNode(1.0)
