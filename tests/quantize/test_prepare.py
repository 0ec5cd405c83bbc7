"""The forward of a prepared model is the integer network, before, while and after it learns."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import Instruction, Op, declared_interval, values_of
from snn2hw.passes.findings import LossWarning
from snn2hw.quantize import Prepared, neuron, prepare
from snn2hw.trace import Trace
from tests.quantize.random_models import STEPPED, Drawn, drawn

COUNT, SLOW_COUNT = 9, 240


def differing(expected: Trace, got: Trace) -> list[str]:
    a, b = expected.arrays(), got.arrays()
    assert a.keys() == b.keys()
    return [f"{name}: {int((a[name] != b[name]).sum())} of {a[name].size}" for name in a if not np.array_equal(a[name], b[name])]


def assert_same(model: Prepared, case: Drawn, seed: int) -> Trace:
    """Every spike, state and readout of this forward against the reference on what `compile` makes of the model."""
    artefact = snn2hw.compile(model)
    expected = snn2hw.simulate(artefact, case.sample)
    assert not differing(expected, model.trace(case.x)), f"drawn({seed})"
    return expected


def learn(model: torch.nn.Module, x: torch.Tensor, steps: int, rate: float) -> None:
    labels = torch.arange(x.shape[1]) % 4
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(x).mean(0), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def run(seed: int) -> str:
    """'' or why the model was refused."""
    case = drawn(seed)
    try:
        model = prepare(case.model, case.sample, case.target, steps=case.steps, options=case.options)
    except (UnsupportedError, WidthError) as error:
        return error.what
    assert_same(model, case, seed)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    try:
        learn(model, case.x, 5, 0.02)
        assert_same(model, case, seed)
    except WidthError as error:
        return error.what
    moved = [n for n, p in model.named_parameters() if not torch.equal(p, before[n])]
    assert any("weight" in n for n in moved), f"drawn({seed}): nothing was learned"
    return ""


@pytest.mark.parametrize("compiled", [False, True], ids=["tensors", "C"])
def test_random_models_are_their_integer_networks(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuron, "WORTH", 0 if compiled else 1 << 62)
    refused = [why for seed in range(3 if compiled else COUNT) if (why := run(seed))]
    assert len(refused) <= 1, refused


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_many_random_models_are_their_integer_networks(chunk: int) -> None:
    refused = [why for seed in range(COUNT + chunk, COUNT + SLOW_COUNT, 8) if (why := run(seed))]
    assert len(refused) <= SLOW_COUNT // 32, refused


@pytest.mark.parametrize("compiled", [False, True], ids=["tensors", "C"])
def test_thresholds_by_step_are_their_integer_networks(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neuron, "WORTH", 0 if compiled else 1 << 62)
    refused = [why for seed in range(STEPPED, STEPPED + (2 if compiled else 6)) if (why := run(seed))]
    assert len(refused) <= 1, refused


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_many_random_models_with_thresholds_by_step_are_their_integer_networks(chunk: int) -> None:
    refused = [why for seed in range(STEPPED + chunk, STEPPED + SLOW_COUNT, 8) if (why := run(seed))]
    assert len(refused) <= SLOW_COUNT // 32, refused


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        made = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.LNM(degree=3), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(54, 16), nn.CirculateFiring(levels=3), nn.Linear(16, 4),
        )  # fmt: skip
        with torch.no_grad():
            made[0].weight *= 3
            made[5].weight *= 3
        made(nn.repeat(torch.rand(16, 1, 6, 6), 3))
    return made.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(16, 1, 6, 6, generator=torch.Generator().manual_seed(2))


def test_the_model_itself_is_not_changed(model: torch.nn.Module, images: torch.Tensor) -> None:
    before = {n: v.clone() for n, v in model.state_dict().items()}
    prepared = prepare(model, images, steps=3)
    learn(prepared, nn.repeat(images, 3), 3, 0.1)
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())


def test_learning_lowers_the_loss_and_moves_the_polynomial(model: torch.nn.Module, images: torch.Tensor) -> None:
    prepared, x, labels = prepare(model, images, "loihi2", steps=3), nn.repeat(images, 3), torch.arange(16) % 4

    def loss() -> float:
        with torch.no_grad():
            return float(torch.nn.functional.cross_entropy(prepared(x).mean(0), labels))

    first, constants = loss(), prepared._neuron("2").now().raw
    learn(prepared, x, 60, 0.01)
    assert loss() < 0.7 * first
    now = prepared._neuron("2").now().raw
    assert {"a0", "a1", "a2", "a3"} <= now.keys()
    assert all(int(now[name]) != int(constants[name]) for name in ("a1", "a2", "a3"))


def polynomial_of(model: torch.nn.Module | Prepared, sample: torch.Tensor) -> npt.NDArray[np.int64]:
    """P of the neuron for every state, in units of the state."""
    with warnings.catch_warnings(action="ignore", category=LossWarning):
        artefact = snn2hw.compile(model) if isinstance(model, Prepared) else snn2hw.compile(model, sample, steps=2)
    program = next(iter(artefact.network.neurons)).program
    assert program.roles is not None
    (state,) = program.states.values()
    held = declared_interval(state)
    every = np.arange(held.lo, held.hi + 1)

    def given(i: Instruction) -> Any:
        return values_of(i)[0] if i.op is Op.PARAM else every if i.op is Op.STATE else 0

    found: npt.NDArray[np.int64] = evaluate(program, given)[program.roles.polynomial.value]
    return found


@pytest.mark.parametrize("moved", [-1000, -100, -1, 1, 100, 1000])
def test_a_decay_that_begins_at_one_half_is_rounded_wherever_it_goes(moved: int, images: torch.Tensor) -> None:
    """Products with 1/2 are as good floored as rounded, those with any other decay are not: as in a compilation of it."""
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.PLIF(0.5), nn.Linear(4, 4))
    prepared = prepare(model, images, steps=2)
    decay = torch.tensor([0.5 + moved * 2.0**-14], dtype=torch.float64)  # what 15 bits hold
    with torch.no_grad():
        for each in (model[2], prepared.layers["2"].neuron):
            each.w.copy_(torch.logit(decay))
    got, fresh = polynomial_of(prepared, images), polynomial_of(model, images)
    every = np.arange(-len(got) // 2, len(got) // 2)
    assert np.abs(fresh - every * decay.item()).max() <= 0.51
    np.testing.assert_array_equal(got, fresh)


def test_untrained_integers_are_those_of_compile_where_nothing_is_learned_in_the_neuron(images: torch.Tensor) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.LIF(0.5), nn.Linear(16, 4))
    a, b = snn2hw.compile(plain, images, steps=3), snn2hw.compile(prepare(plain, images, steps=3))
    expected, got = snn2hw.simulate(a, images), snn2hw.simulate(b, images)
    assert not differing(expected, got)


@pytest.mark.parametrize("autocast", [False, True])
def test_autocast_changes_no_bit(model: torch.nn.Module, images: torch.Tensor, autocast: bool) -> None:
    prepared, x = prepare(model, images, steps=3), nn.repeat(images, 3)
    expected = prepared.trace(x)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        assert not differing(expected, prepared.trace(x))
        loss = prepared(x).mean(0).logsumexp(1).sum()
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in prepared.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("autocast", [False, True])
def test_a_gpu_gives_the_same_bits(model: torch.nn.Module, images: torch.Tensor, tf32: bool, autocast: bool) -> None:
    prepared, x = prepare(model, images, steps=3), nn.repeat(images, 3)
    expected = prepared.trace(x)
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    try:
        with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
            assert not differing(expected, prepared.cuda().trace(x.cuda()))
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def test_the_backward_is_that_of_the_real_neuron() -> None:
    """Where the integers are fine enough, gradients are those of the float model, whose forward differs by roundings only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        real = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.LNM(degree=2, surrogate=nn.Sigmoid(2.0)), nn.Linear(8, 4))
    x = torch.randint(0, 3, (3, 16, 1, 6, 6), generator=torch.Generator().manual_seed(2)).float()
    with torch.no_grad():  # weights that are integers over a power of two, no bias: nothing is rounded but the state
        real[1].bias.zero_()
        real[3].bias.zero_()
        real[1].weight.copy_((real[1].weight * 256).round() / 256)
        real[3].weight.copy_((real[3].weight * 256).round() / 256)
    prepared = prepare(real, x, options=snn2hw.Options(state_bits=24))
    for m in (real, prepared):
        m(x).mean(0).logsumexp(1).sum().backward()
    pairs = [(real[1].weight, "1.weight"), (real[2].a, "2.neuron.a"), (real[3].weight, "3.weight"), (real[1].bias, "1.bias")]
    named = dict(prepared.named_parameters())
    for expected, name in pairs:
        got = named[f"layers.{name}"].grad
        assert expected.grad is not None
        assert got is not None
        torch.testing.assert_close(got.float(), expected.grad, rtol=1e-4, atol=1e-5 * float(expected.grad.abs().max()))


@pytest.mark.parametrize(("weight", "moves"), [(20.0, False), (-20.0, False), (1.25, True)])
def test_a_membrane_at_the_integers_bound_has_no_gradient(weight: float, moves: bool) -> None:
    """+4.0 is 3.99988 in 16 bits: what is held there is held, though it is below the real neuron's bound."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.LIF(0.5, reset="none", surrogate=nn.Sigmoid(5.0)), nn.Linear(1, 1))
    with torch.no_grad():
        model[0].weight.fill_(weight)
    x = torch.ones(4, 1)
    prepared = prepare(model, x, steps=2)
    prepared(nn.repeat(x, 2)).sum().backward()
    grad = dict(prepared.named_parameters())["layers.0.weight"].grad
    assert grad is not None
    assert bool(grad.any()) == moves
