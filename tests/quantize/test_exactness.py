"""Where a prepared model could leave its integers: large sums, ends of boxes, other defaults of torch, NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.ir.program import Op
from snn2hw.quantize import Prepared, neuron, prepare
from tests.refused import refused

FINE = snn2hw.Options(state_bits=24)


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def assert_same(model: Prepared, x: torch.Tensor) -> None:
    expected, got = snn2hw.simulate(snn2hw.compile(model), x).arrays(), model.trace(nn.repeat(x, model.steps)).arrays()
    assert {k: int((v != got[k]).sum()) for k, v in expected.items() if not np.array_equal(v, got[k])} == {}


def scaled(layer: Any, factor: float) -> Any:
    with torch.no_grad():
        layer.weight.mul_(factor)
        layer.bias.zero_()
    return layer


class Joined(torch.nn.Module):
    def __init__(self, a: torch.nn.Module, b: torch.nn.Module) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Any) -> Any:
        return self.a(x) + self.b(x)


def test_sums_of_pools_beyond_float32() -> None:
    conv = nn.Conv2d(1, 4, 7, padding=3)
    with torch.no_grad():
        conv.weight.copy_(torch.rand(4, 1, 7, 7) * 0.3 + 0.7)
        conv.bias.zero_()
    lif = nn.LIF(0.5, state_range=(-128.0, 127.0), threshold=30.0)
    x = torch.rand(16, 1, 16, 16) * 0.3 + 0.7
    assert_same(prepare(nn.Sequential(conv, nn.AvgPool2d(16), lif, nn.Flatten(), nn.Linear(4, 2)), x, steps=3, options=FINE), x)


def test_additions_beyond_float32() -> None:
    joined = Joined(scaled(nn.Linear(16, 4), 100.0), scaled(nn.Linear(16, 4), 0.05))
    model = nn.Sequential(joined, nn.LIF(0.5, state_range=(-1024.0, 1023.0), threshold=100.0), nn.Linear(4, 2))
    x = torch.rand(2000, 16)
    assert_same(prepare(model, x[:64], steps=3, options=FINE), x)


def test_a_readout_beyond_float32() -> None:
    head = nn.Linear(2000, 2)
    with torch.no_grad():
        head.weight.copy_(torch.rand(2, 2000) * 0.5 + 0.5)
    x = torch.rand(8, 2000) * 0.5 + 0.5
    assert_same(prepare(head, x, steps=3), x)


@pytest.mark.parametrize("compiled", [False, True], ids=["tensors", "C"])
def test_other_default_dtypes_change_no_bit(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuron, "WORTH", 0 if compiled else 1 << 62)
    x = torch.rand(16, 16)
    model = prepare(nn.Sequential(nn.Linear(16, 8), nn.LNM(2), nn.Linear(8, 4)), x, steps=3)
    torch.set_default_dtype(torch.float64)
    try:
        assert_same(model, x)
    finally:
        torch.set_default_dtype(torch.float32)


def far(model: Prepared, name: str, value: float) -> Any:
    """Coefficients driven far out of their boxes."""
    with torch.no_grad():
        model._neuron(name).neuron.a += value
    return model._neuron(name).now()


@pytest.mark.parametrize("away", [-3.0, 3.0])
def test_beyond_its_box_a_constant_stays_and_only_comes_back(away: float) -> None:
    x = torch.rand(32, 16)
    model = prepare(nn.Sequential(scaled(nn.Linear(16, 32), 4.0), nn.LNM(3), nn.Linear(32, 4)), x, "loihi2", steps=4)
    boxes = {name: m.box for name, m in model._neuron("1").layer.constants.moving.items()}
    now = far(model, "1", away)
    ends = {name: box.hi if away > 0 else box.lo for name, box in boxes.items()}
    assert {name: int(v) for name, v in now.raw.items() if name in ("a1", "a3")} == {name: ends[name] for name in ("a1", "a3")}
    assert float((now.a - model._neuron("1").neuron.a).detach().abs().max()) > 1  # what runs is not what was asked for
    assert_same(model, x)
    meaning = model.integers().neurons[0].meaning
    assert meaning is not None
    np.testing.assert_array_equal(meaning.coefficients, now.a.detach().numpy())
    (gradient,) = torch.autograd.grad(now.a.sum() * away, model._neuron("1").neuron.a, retain_graph=True)
    (outwards,) = torch.autograd.grad(-now.a.sum() * away, model._neuron("1").neuron.a)
    assert bool(gradient.any())  # a step against it leads back
    assert not bool(outwards.any())


def test_what_runs_is_what_the_backward_differentiates() -> None:
    """P of the constants, evaluated, is the polynomial that is given to the backward pass, within the roundings of one step."""
    x = torch.rand(32, 16)
    model = prepare(nn.Sequential(nn.Linear(16, 8), nn.LNM(3), nn.Linear(8, 4)), x, steps=4)
    with torch.no_grad():
        model._neuron("1").neuron.a += torch.tensor([[0.05, -0.1, 0.004, 0.002]])
    node = model.integers().neurons[0]
    assert node.meaning is not None
    assert node.program.roles is not None
    a, unit = np.array(node.meaning.coefficients[0]), 2.0 ** -node.program.states["u"].format.frac
    from snn2hw.ir.evaluate import evaluate
    from snn2hw.ir.program import Op, values_of

    u = np.linspace(-32768, 32767, 4001).astype(np.int64)

    def sources(i: Any) -> Any:
        return np.array(values_of(i)) if i.op is Op.PARAM else u if i.op is Op.STATE else np.zeros_like(u)

    values = evaluate(node.program, sources)
    found = values[node.program.roles.polynomial.value] * unit
    np.testing.assert_allclose(found, np.polynomial.polynomial.polyval(u * unit, a), atol=6 * unit)


@pytest.mark.parametrize("where", ["weight", "coefficient"])
def test_nan_is_an_error(where: str) -> None:
    x = torch.rand(8, 3)
    model = prepare(nn.Sequential(nn.Linear(3, 4), nn.LNM(2), nn.Linear(4, 2)), x, steps=2)
    with torch.no_grad():
        (model.layers["0"].weight if where == "weight" else model._neuron("1").neuron.a)[0, 0] = float("nan")
    for ask in (lambda: model(nn.repeat(x, 2)), model.integers):
        with pytest.raises(ValueRangeError) as error:
            ask()
        assert str(error.value).splitlines()[0] == "a parameter of the prepared model is NaN or infinite"


def test_large_biases_are_kept_and_learned() -> None:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.fill_(0.01)
        layer.bias.fill_(30.0)
    x = torch.rand(8, 3)
    model = prepare(nn.Sequential(layer, nn.LIF(state_range=(-200.0, 200.0)), nn.Linear(2, 2)), x, steps=2)
    made = model.template.done.network.nodes[1]
    np.testing.assert_array_equal(model.layers["0"].integers()[1], made.bias)  # type: ignore[attr-defined]
    model.layers["0"]._raw()[1].sum().backward()
    assert bool((model.layers["0"].bias.grad != 0).all())  # type: ignore[union-attr]


def test_the_precision_that_a_user_set_is_left_alone() -> None:
    before = torch.backends.cudnn.enabled
    x = torch.rand(4, 1, 6, 6)
    model = prepare(nn.Sequential(nn.Conv2d(1, 2, 3), nn.LIF(), nn.Flatten(), nn.Linear(32, 2)), x, steps=2)
    model(nn.repeat(x, 2))
    assert torch.backends.cudnn.enabled is before


def test_what_is_frozen_or_shared_stays_so() -> None:
    surrogate = nn.Triangle(learnable=True)
    first = nn.Linear(3, 4)
    first.weight.requires_grad = False
    model = nn.Sequential(first, nn.PLIF(surrogate=surrogate), nn.Linear(4, 4), nn.LIF(surrogate=surrogate), nn.Linear(4, 2))
    with torch.no_grad():  # asked for by some evaluation loop around it
        made = prepare(model, torch.rand(8, 3), steps=2)
    assert not made.layers["0"].weight.requires_grad
    assert made.layers["0"].bias.requires_grad
    assert made._neuron("1").neuron.surrogate is made._neuron("3").neuron.surrogate
    assert "a1" in made._neuron("1").layer.constants.moving


def test_any_module_name_and_a_single_layer_can_be_prepared() -> None:
    model = torch.nn.Sequential()
    for name, layer in (("values", nn.Linear(3, 4)), ("items", nn.LIF()), ("keys", nn.Linear(4, 2))):
        model.add_module(name, layer)
    x = torch.rand(8, 3)
    assert_same(prepare(model, x, steps=2), x)
    assert_same(prepare(nn.LIF(), x, steps=2), x)


def test_a_batch_of_none() -> None:
    x = torch.rand(8, 3)
    model = prepare(nn.Sequential(nn.Linear(3, 4), nn.LIF(), nn.Linear(4, 2)), x, steps=2)
    text = "there are no samples\n  where:    input 'input'\n  got:      [2, 0, 3]\n  expected: at least one\n"
    with refused(ShapeError, text + "  do:       give at least one sample"):
        model(nn.repeat(x[:0], 2))


def test_a_bfloat16_sample() -> None:
    x = torch.rand(8, 3).bfloat16()
    model = nn.Sequential(nn.Linear(3, 4), nn.LIF(), nn.Linear(4, 2))
    assert_same(prepare(model, x, steps=2), x)


@pytest.mark.parametrize("learned", [False, True])
def test_a_level_whose_threshold_stays_while_another_one_changes(learned: bool) -> None:
    """4 % more are many units of the state for 1, and none for 8 of them: only one level is told apart by its step."""
    firing = nn.CirculateFiring(2, thresholds=(1.0, 2.0**-10), threshold_by_step=(1.0, 1.04), learn_threshold=learned)
    plain = torch.nn.Sequential(nn.Flatten(), scaled(nn.Linear(36, 16), 4.0), firing, nn.Linear(16, 4))
    x = torch.rand(8, 1, 6, 6)
    made = prepare(plain, x, steps=3)
    (node,) = snn2hw.compile(made).network.neurons
    assert {i.name for i in node.program.of(Op.PARAM)} >= {"threshold1_from0", "threshold1_from1", "threshold2"}
    assert_same(made, x)
    assert made._neuron("2").now().thetas.tolist()[1][1] == pytest.approx(2.0**-10, rel=0.2)
