"""Which parameters decay, and the learning rate of every step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn2hw import nn
from snn2hw.errors import UsageError
from snn2hw.train import Recipe, optimiser, schedule
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch


def test_weights_decay_and_nothing_else_does() -> None:
    model = torch.nn.Sequential(*small.model(), nn.LNM(degree=2, channels=3), nn.PLIF())
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, plain = optimiser(model, Recipe(weight_decay=0.25)).param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.25, 0.0)
    assert {names[id(p)] for p in decayed["params"]} == {"0.weight", "5.weight", "7.weight"}
    assert len(decayed["params"]) + len(plain["params"]) == len(names)


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
