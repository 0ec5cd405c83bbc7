"""Which parameters decay, and the learning rate of every step."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn2hw import nn
from snn2hw.errors import UsageError
from snn2hw.train import Recipe, fit, optimiser, schedule
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch


def test_weights_decay_and_nothing_else_does() -> None:
    model = torch.nn.Sequential(*small.model(), nn.LNM(degree=2, channels=3), nn.PLIF())
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, plain, moving = groups = optimiser(model, Recipe(weight_decay=0.25)).param_groups
    assert [g["weight_decay"] for g in groups] == [0.25, 0.0, 0.0]
    assert {names[id(p)] for p in decayed["params"]} == {"0.weight", "5.weight", "7.weight"}
    assert not {names[id(p)] for p in plain["params"]} & {names[id(p)] for p in moving["params"]}
    assert sum(len(g["params"]) for g in groups) == len(names)


def test_neurons_and_widths_of_surrogates_learn_more_slowly() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LNM(2, surrogate=nn.Triangle(learnable=True)), nn.Linear(4, 2))
    recipe = Recipe(epochs=2, batch=4, learning_rate=0.5, dynamics_rate=0.2, warmup=0.0)
    _, plain, moving = optimiser(model, recipe).param_groups
    assert {id(p) for p in moving["params"]} == {id(model[1].a), id(model[1].surrogate.log_width)}
    assert (plain["lr"], moving["lr"]) == (0.5, 0.1)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    sgd = replace(recipe, epochs=1, batch=8, optimiser="sgd", clip=None, coefficient_penalty=0.0)
    x, labels = torch.rand(8, 3, generator=torch.Generator().manual_seed(0)) * 4, torch.arange(8) % 2
    loss = torch.nn.functional.cross_entropy(model(nn.repeat(x, 3)).mean(0), labels)
    gradients = dict(zip(before, torch.autograd.grad(loss, list(model.parameters())), strict=True))
    fit(model, (x, labels), steps=3, recipe=sgd, device="cpu", progress=False)  # one step, at the first share of the schedule
    for name, rate in (("0.weight", 0.5), ("1.a", 0.1), ("1.surrogate.log_width", 0.1)):
        moved = before[name] - dict(model.named_parameters())[name].detach()
        decay = 0.5 * sgd.weight_decay * before[name] if name == "0.weight" else 0.0
        torch.testing.assert_close(moved, rate * gradients[name] + decay, rtol=1e-3, atol=1e-6)


def test_a_neuron_of_ones_own_learns_as_slowly_as_a_built_in_one() -> None:
    neuron = nn.ALIF(learn=True, channels=4, surrogate=nn.Triangle(learnable=True))
    _, _, moving = optimiser(nn.Sequential(nn.Linear(3, 4), neuron), Recipe(dynamics_rate=0.2)).param_groups
    own = {n: p for n, p in neuron.named_parameters() if not n.startswith("surrogate.")}
    assert set(own) == {"decay", "adaptation_decay", "strength", "threshold"}
    assert {id(p) for p in moving["params"]} == {id(p) for p in (*own.values(), neuron.surrogate.log_width)}


def test_kinds_and_frozen_parameters() -> None:
    model = small.model()
    model[0].weight.requires_grad_(False)  # type: ignore[union-attr, operator]
    sgd = optimiser(model, Recipe(optimiser="sgd", learning_rate=0.5))
    assert isinstance(sgd, torch.optim.SGD)
    assert (sgd.defaults["momentum"], sgd.defaults["lr"]) == (0.9, 0.5)
    assert all(p.requires_grad for group in sgd.param_groups for p in group["params"])
    assert isinstance(optimiser(model, Recipe()), torch.optim.AdamW)


def test_nothing_to_train() -> None:
    with refused(
        UsageError,
        """
        the model has nothing to train
          where:    Flatten
          got:      no parameter that asks for a gradient
          expected: at least one
          do:       set requires_grad on what is to be trained
        """,
    ):
        optimiser(nn.Flatten(), Recipe())


@given(st.floats(0, 1), st.integers(1, 300))
def test_it_rises_in_equal_steps_to_1_and_falls_as_a_cosine_to_0(warmup: float, total: int) -> None:
    share = schedule(Recipe(warmup=warmup), total)
    values, warm = [share(k) for k in range(total)], math.floor(warmup * total)
    assert values[:warm] == [(k + 1) / (warm + 1) for k in range(warm)]
    assert all(a >= b for a, b in zip(values[warm:], values[warm + 1 :], strict=False))
    assert warm == total or values[warm] == 1.0
    assert all(v > 0 for v in values)
    assert warm == total or share(total) == share(total + 7) == 0.0
    middle = warm + (total - warm) // 2
    assert (total - warm) % 2 or total == warm or share(middle) == pytest.approx(0.5)


def test_it_is_what_torch_asks_for() -> None:
    recipe = Recipe(warmup=0.5, learning_rate=8.0)
    made = optimiser(small.model(), recipe)
    scheduler = torch.optim.lr_scheduler.LambdaLR(made, schedule(recipe, 4))
    rates = []
    for _ in range(4):
        rates.append(scheduler.get_last_lr()[0])
        made.step()
        scheduler.step()
    assert rates == pytest.approx([8 / 3, 16 / 3, 8.0, 4.0])
