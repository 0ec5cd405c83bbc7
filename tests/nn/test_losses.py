"""The balance loss and the coefficient penalty, against their formulas, closed values and finite differences."""

from __future__ import annotations

import pytest
import torch

from snn2hw import nn
from snn2hw.errors import UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch


def balance(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    with nn.observe(model) as seen:
        model(x)
    return nn.balance_loss(seen)


@pytest.mark.parametrize(
    ("values", "expected"), [([1.0, -1.0], 0.0), ([0.5, 0.5], 1.0), ([0.5, -0.25], 1 / 9), ([0.0, 0.0], 0.0)]
)
def test_balance_of_one_layer_and_step(values: list[float], expected: float) -> None:
    assert float(balance(nn.LIF(), torch.tensor(values).reshape(1, 1, 2))) == pytest.approx(expected, abs=1e-5)


def test_balance_is_the_mean_over_layers_and_steps() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.LIF(), nn.Linear(5, 3), nn.CirculateFiring(2)), torch.randn(4, 6, 5)
    with torch.no_grad(), nn.observe(model) as seen:
        model(x)
    terms = [((p - n) / (p + n + 1e-6)) ** 2 for s in seen.values() for p, n in zip(s.positive, s.negative, strict=True)]
    assert len(terms) == 8
    assert float(nn.balance_loss(seen)) == pytest.approx(float(sum(terms)) / 8, rel=1e-6)


def test_balance_is_differentiable_by_input_and_coefficients() -> None:
    torch.manual_seed(0)
    neuron = nn.LNM(2, threshold=1e6).double()  # never fires: the loss is a function that finite differences can follow
    x = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: balance(neuron, x), x)
    by_a = torch.autograd.grad(balance(neuron, x), neuron.a)[0].flatten()
    for k in range(3):
        moved = []
        for d in (1e-6, -1e-6):
            with torch.no_grad():
                neuron.a[0, k] += d
                moved.append(float(balance(neuron, x)))
                neuron.a[0, k] -= d
        assert float(by_a[k]) == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_balance_alone_can_train() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 8), nn.CirculateFiring(2)), torch.rand(4, 16, 6)
    with torch.no_grad():
        model[0].bias.fill_(1.0)
    values = []
    for _ in range(40):
        loss = balance(model, x)
        with torch.no_grad():
            for p, g in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True):
                p -= 0.05 * g.sign()
        values.append(float(loss.detach()))
    assert values[0] > 0.9
    assert max(values[-5:]) < 0.3


def test_nothing_seen_is_refused() -> None:
    with refused(
        UsageError,
        """
        no layer was observed
          where:    nn.balance_loss
          got:      an empty observation
          expected: what nn.observe saw in a forward of a model with neurons
          do:       call the model inside `with nn.observe(model) as seen:`
        """,
    ):
        nn.balance_loss({})


def test_penalty_is_the_squared_distance_from_the_start() -> None:
    model = nn.Sequential(nn.LNM(2), nn.LIF(), nn.CirculateLNM(1, channels=3, init="plif"))
    assert float(nn.coefficient_penalty(model).detach()) == 0.0
    with torch.no_grad():
        model[0].a += torch.tensor([[0.5, 0.0, -1.0]])
        model[2].a[1, 1] += 2.0
    penalty = nn.coefficient_penalty(model)
    assert float(penalty.detach()) == pytest.approx(0.25 + 1.0 + 4.0)
    (grad,) = torch.autograd.grad(penalty, model[0].a)
    assert grad.tolist() == [[1.0, 0.0, -2.0]]
    assert float(nn.coefficient_penalty(nn.Sequential(nn.LIF()))) == 0.0


def test_the_penalty_over_the_range_is_what_each_term_moves_the_end_of_the_range_by() -> None:
    model = nn.Sequential(nn.LNM(3, state_range=(-4.0, 2.0)), nn.LIF(), nn.CirculateLNM(2, channels=2, init="plif"))
    assert float(nn.range_penalty(model).detach()) == 0.0
    with torch.no_grad():
        model[0].a += torch.tensor([[0.5, 0.25, 0.0, -0.125]])
        model[2].a[1, 2] += 0.5
    penalty = nn.range_penalty(model)
    moved = [0.5 / 4, 0.25, 0.125 * 16]
    assert float(penalty.detach()) == pytest.approx(sum(v**2 for v in moved) + (0.5 * 4) ** 2 / 2)
    (grad,) = torch.autograd.grad(penalty, model[0].a)
    assert grad.tolist() == [pytest.approx([2 * 0.5 / 16, 2 * 0.25, 0.0, -2 * 0.125 * 256])]
    assert float(nn.range_penalty(nn.Sequential(nn.LIF()))) == 0.0


def test_the_penalty_over_the_range_keeps_a_cubic_from_holding_membranes_at_a_bound() -> None:
    """Gradient descent on a loss that asks for larger potentials; without the penalty P leads out of the range."""
    ends = {}
    for weight in (0.0, 1.0):
        neuron = nn.LNM(3)
        optimiser = torch.optim.SGD(neuron.parameters(), lr=1e-3)
        for _ in range(200):
            optimiser.zero_grad()
            a = neuron.coefficients[0]
            (weight * nn.range_penalty(neuron) - 0.2 * (a[0] + 4 * a[1] + 16 * a[2] + 64 * a[3]) / 4).backward()
            optimiser.step()
        a = neuron.coefficients[0].detach()
        ends[weight] = float(a @ torch.tensor([1.0, 4.0, 16.0, 64.0]))
    assert ends[0.0] > 4.0 > ends[1.0]


def test_the_start_travels_with_the_state_dict() -> None:
    trained = nn.LNM(2, init="qif")
    with torch.no_grad():
        trained.a.add_(1.0)
    fresh = nn.LNM(2)
    fresh.load_state_dict(trained.state_dict())
    assert float(nn.coefficient_penalty(fresh).detach()) == pytest.approx(3.0)


def test_a_state_dict_without_the_start_loads_and_keeps_the_constructor_s() -> None:
    neuron = nn.Sequential(nn.LNM(2))
    given = {"0.a": torch.ones(1, 3)}
    neuron.load_state_dict(given)
    assert list(given) == ["0.a"]
    assert float(nn.coefficient_penalty(neuron).detach()) == pytest.approx(1.0 + 0.25 + 1.0)
