"""nn.Recurrent: the equation of its docstring, step by step, and its gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.errors import ShapeError, UsageError  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

NEURONS = {
    "LIF": lambda: nn.LIF(0.7, threshold=0.4),
    "LNM": lambda: nn.LNM(degree=3),
    "QIF": nn.QIF,
    "circulate": lambda: nn.CirculateFiring(3, threshold=0.3, signed=True),
    "by step": lambda: nn.CirculateFiring(2, threshold=0.3, threshold_by_step=(1.0, 0.5)),
    "ALIF": lambda: nn.ALIF(0.8, 0.9, 0.3),
    "CubaLIF": lambda: nn.CubaLIF(0.8, 0.5, 0.4),
}


@pytest.mark.parametrize("which", NEURONS)
def test_without_a_synapse_it_is_the_neuron(which: str) -> None:
    torch.manual_seed(1)
    neuron, x = NEURONS[which](), torch.randn(6, 4, 5) * 0.8
    silent = nn.Linear(5, 5)
    torch.nn.init.zeros_(silent.weight)
    torch.nn.init.zeros_(silent.bias)
    assert torch.equal(nn.Recurrent(neuron, silent)(x), neuron(x))


@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
def test_at_the_ends_of_the_clamp_its_gradient_is_that_of_the_neuron(order: str) -> None:
    """There, where h is exactly a bound, neurons of the family have no gradient."""
    make = {"order": order, "state_range": (-1.0, 1.0), "threshold": 0.5, "surrogate": nn.Atan()}
    silent = nn.Linear(5, 5).double()
    torch.nn.init.zeros_(silent.weight)
    torch.nn.init.zeros_(silent.bias)
    x = torch.tensor([-1.0, -0.75, 0.25, 0.875, 1.0], dtype=torch.float64).expand(4, 2, 5)
    found = []
    for alone in (True, False):
        neuron = nn.PLIF(0.5, **make).double()
        entering = x.clone().requires_grad_()
        y = neuron(entering) if alone else nn.Recurrent(neuron, silent)(entering)
        y[:2].sum().backward()
        found.append((entering.grad, neuron.w.grad))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)
    assert not found[0][0][0, :, [0, -1]].any()
    assert found[0][0][0, :, 2].all()


@pytest.mark.parametrize("which", NEURONS)
def test_what_it_hears_is_what_it_fired_a_step_before(which: str) -> None:
    """The spikes of the whole, fed back by hand: the neuron alone, on x and the synapse of its own spikes, fires the same."""
    torch.manual_seed(2)
    neuron, synapse, x = NEURONS[which](), nn.Linear(5, 5), torch.randn(6, 4, 5) * 0.8
    s = nn.Recurrent(neuron, synapse)(x)
    heard = synapse(torch.cat([torch.zeros_like(s[:1]), s[:-1]]))
    assert (neuron(x + heard) == s).float().mean() > 0.97  # sums in another order tie at a threshold now and then
    assert s.any()


def test_it_learns_through_its_own_spikes() -> None:
    torch.manual_seed(0)
    layer = nn.Recurrent(nn.LIF(0.7, threshold=0.4), nn.Linear(5, 5))
    with nn.observe(layer) as seen:
        y = layer(torch.randn(6, 4, 5))
    (y.square().sum() + sum(o.positive.sum() for o in seen.values())).backward()
    assert layer.synapse.weight.grad.abs().sum() > 0
    assert list(seen) == ["neuron"]


def test_what_it_is_made_of_is_checked() -> None:
    with refused(
        UsageError,
        """
        a recurrent layer is made of a neuron and a synapse
          where:    nn.Recurrent
          got:      Linear, LIF
          expected: a neuron of snn2hw.nn, then nn.Linear or nn.Conv2d
          do:       write nn.Recurrent(nn.LIF(0.9), nn.Linear(64, 64))
        """,
    ):
        nn.Recurrent(nn.Linear(3, 3), nn.LIF(0.5))
    with refused(
        ShapeError,
        """
        the synapse of a recurrent layer makes another shape than the layer has
          where:    nn.Recurrent
          got:      [N, 4]
          expected: [N, 5]
          do:       use nn.Linear(F, F), or nn.Conv2d with padding='same'
        """,
    ):
        nn.Recurrent(nn.LIF(0.5), nn.Linear(5, 4))(torch.zeros(2, 1, 5))
