"""What was observed is what a loop over the membranes counts; nothing is kept when nobody looks; divergence is named."""

from __future__ import annotations

from time import process_time

import pytest
import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.errors import ValueRangeError
from snn2hw.nn import through_time
from snn2hw.nn.observe import _averaged, _counted, _shares
from tests.refused import refused

pytestmark = pytest.mark.torch


class Twice(torch.nn.Module):
    """One neuron, called two times."""

    def __init__(self) -> None:
        super().__init__()
        self.fire = nn.LIF()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fire(x + self.fire(x))
        return y


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.CirculateLNM(3, 2, channels=5, state_range=(-1.0, 1.5)), nn.Linear(5, 4), nn.LNM())


def test_every_figure_is_what_the_membranes_say() -> None:
    model = network()
    x = torch.randn(4, 7, 6) * 3
    with torch.no_grad(), nn.observe(model) as seen:
        model(x)
    assert list(seen) == ["1", "3"]
    for path, entering in (("1", model[0](x)), ("3", model[2](model[1](model[0](x))))):
        neuron = model.get_submodule(path)
        assert isinstance(neuron, nn.Neuron)
        payload, h, _ = through_time.run(entering.detach(), neuron.coefficients, neuron.thetas(x), neuron.settings)
        lo, hi = neuron.state_range
        for t in range(4):
            found, flat = {k: float(v[t]) for k, v in vars(seen[path]).items()}, h[t].flatten().double()
            expected = {
                "positive": float(flat.clamp(min=0).mean()),
                "negative": float((-flat).clamp(min=0).mean()),
                "rate": float((payload[t] != 0).double().mean()),
                "saturated": sum(v in (lo, hi) for v in flat.tolist()) / len(flat),
                "undefined": 0.0,
            }
            assert found == pytest.approx(expected, rel=1e-5)
        assert seen[path].finite
    assert float(seen["1"].saturated.max()) > 0
    assert float(seen["1"].rate.min()) > 0


def test_observing_changes_no_value_and_no_gradient() -> None:
    model, x = network(), torch.randn(4, 7, 6)
    plain = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    with nn.observe(model):
        observed = torch.autograd.grad(model(x).sum(), list(model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(plain, observed, strict=True))


def test_nothing_is_left_behind_even_after_an_error() -> None:
    model = network()
    with pytest.raises(ValueError, match="stop"), nn.observe(model) as seen:
        raise ValueError("stop")
    model(torch.randn(2, 3, 6))
    assert seen == {}
    assert not model._forward_pre_hooks
    assert not any(m.observed for m in model.modules() if isinstance(m, nn.Neuron))


def test_every_forward_begins_anew_and_two_may_look() -> None:
    model = network()
    with nn.observe(model) as outer, nn.observe(model[3]) as inner:
        model(torch.randn(2, 3, 6))
        model(torch.randn(5, 3, 6))
        assert (list(outer), list(inner)) == (["1", "3"], [""])
        assert outer["3"].rate.shape == inner[""].rate.shape == (5,)


def test_a_neuron_that_is_called_twice_is_seen_twice() -> None:
    model, x = Twice(), torch.rand(3, 4, 5, requires_grad=True)
    for _ in range(2):
        with nn.observe(model) as seen:
            model(x)
        assert list(seen) == ["fire", "fire#2"]
        assert bool((seen["fire#2"].positive[1:] > seen["fire"].positive[1:]).all())
    nn.balance_loss(seen).backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


@pytest.mark.parametrize("state_range", [(0.0, 4.0), (-4.0, 0.0)])
def test_a_bound_at_0_is_no_saturation(state_range: tuple[float, float]) -> None:
    neuron = nn.LNM(state_range=state_range)
    with nn.observe(neuron) as seen:
        neuron(torch.zeros(2, 3, 4))
    assert seen[""].saturated.tolist() == [0.0, 0.0]
    nn.check_alive(seen)


@pytest.mark.parametrize("state_range", [(-1.0, 1.5), (0.0, 1.5), (-1.0, 0.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_counted_in_memory_is_what_a_device_averages(state_range: tuple[float, float], dtype: torch.dtype) -> None:
    h = torch.randn(3, 5, 7, 11, generator=torch.Generator().manual_seed(0)).to(dtype).clamp(*state_range)
    h[1, 2], h[2] = float("nan"), 0.5
    payload = torch.where(h > 0.25, 0.5, 0.0).transpose(1, 2)  # whatever its strides are
    counted = _counted(payload.numpy(), h.numpy(), *state_range)
    averaged = _averaged(payload, h, *state_range)
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(counted, averaged, strict=True))
    assert averaged[2].tolist() == [0.0, pytest.approx(0.2), 0.0]
    assert 0 < float(averaged[1][0]) < 1
    looked = _shares(payload.bfloat16(), h.bfloat16(), state_range)
    assert all(torch.equal(a, b) for a, b in zip(looked, _averaged(payload.bfloat16(), h.bfloat16(), *state_range), strict=True))


def test_looking_in_memory_takes_a_fraction_of_the_time() -> None:
    """`fit` looks in every eighth batch, and may cost a tenth of a plain loop in all."""
    h = torch.randn(4, 96, 32, 8, 8).clamp(-4, 4)
    payload, least = (h > 1).float(), dict[str, float]()
    for _ in range(5):
        for name, way in (("counted", _counted), ("averaged", _averaged)):
            begun = process_time()
            way(*((payload.numpy(), h.numpy()) if way is _counted else (payload, h)), -4.0, 4.0)  # type: ignore[operator]
            least[name] = min(least.get(name, 1e9), process_time() - begun)
    assert least["counted"] < least["averaged"] / 2


def test_a_polynomial_that_diverges_is_named_with_its_remedies() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.LNM(), nn.LNM(2, reset="none"))
    with torch.no_grad():
        model[2].a.copy_(torch.tensor([[0.5, 2.0, 2.0]]))
    with nn.observe(model) as seen:
        model(torch.zeros(5, 3, 4))
    with refused(
        ValueRangeError,
        """
        the membranes of a layer have left their range: its polynomial diverges
          where:    2, step 2
          got:      0.0% NaN, 100.0% at a bound of the state range, together more than half
          expected: at most half of them
          do:       add nn.range_penalty(model) to the loss, lower the learning rate, or widen state_range
        """,
    ):
        nn.check_alive(seen)


@pytest.mark.parametrize(("lost", "stops"), [(4, False), (5, True)])
def test_more_than_half_must_be_lost(lost: int, stops: bool) -> None:
    x = torch.zeros(1, 1, 8)
    x[..., : lost - 2], x[..., lost - 2 : lost] = 1e9, float("nan")
    neuron = nn.LNM()
    with nn.observe(neuron) as seen:
        neuron(x)
    assert not seen[""].finite
    if stops:
        with pytest.raises(
            ValueRangeError, match=r"25\.0% NaN, 37\.5% at a bound of the state range, together more than half"
        ) as caught:
            nn.check_alive(seen)
        assert caught.value.where == "the model itself, step 0"
    else:
        nn.check_alive(seen)
