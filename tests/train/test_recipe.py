"""Recipes: what they refuse, and how they are written down."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import torch

from snn2hw.errors import Snn2hwError, UsageError, ValueRangeError
from snn2hw.train import Recipe
from tests.refused import refused

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("given", "kind", "what", "expected"),
    [
        ({"epochs": 0}, ValueRangeError, "epochs is out of range", "epochs at least 1"),
        ({"epochs": 2.0}, UsageError, "epochs is not a whole number", "an int, at least 1"),
        ({"batch": 0}, ValueRangeError, "batch is out of range", "batch at least 1"),
        ({"workers": -1}, ValueRangeError, "workers is out of range", "workers at least 0"),
        ({"optimiser": "lion"}, UsageError, "unknown optimiser", "one of 'adamw', 'sgd'"),
        ({"amp": "fp8"}, UsageError, "unknown amp", "one of 'off', 'bf16', 'fp16'"),
        ({"learning_rate": 0}, ValueRangeError, "learning_rate is not positive", "learning_rate > 0"),
        ({"weight_decay": -1e-4}, ValueRangeError, "weight_decay is out of range", "weight_decay in [0, inf]"),
        ({"warmup": 1.5}, ValueRangeError, "warmup is out of range", "warmup in [0, 1]"),
        ({"label_smoothing": float("nan")}, ValueRangeError, "label_smoothing is not finite", "a finite number"),
        ({"clip": 0.0}, ValueRangeError, "clip is not positive", "clip > 0"),
        ({"balance": -1.0}, ValueRangeError, "balance is out of range", "balance in [0, inf]"),
        ({"range_penalty": -1.0}, ValueRangeError, "range_penalty is out of range", "range_penalty in [0, inf]"),
        ({"coefficient_penalty": "1"}, UsageError, "coefficient_penalty is not a number", "a number"),
    ],
)
def test_what_is_refused(given: dict[str, Any], kind: type[Snn2hwError], what: str, expected: str) -> None:
    with pytest.raises(kind) as caught:
        Recipe(**given)
    assert (caught.value.what, caught.value.where, caught.value.expected) == (what, "Recipe", expected)
    assert caught.value.do


def test_augment_is_a_function() -> None:
    with refused(
        UsageError,
        """
        augment cannot be called
          where:    Recipe
          got:      'flip'
          expected: a function, or None
          do:       pass augment=None or a function of a batch
        """,
    ):
        Recipe(augment="flip")  # type: ignore[arg-type]


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def scaled(x: torch.Tensor, by: float) -> torch.Tensor:
    return by * x


@dataclass(frozen=True)
class Scaled:
    by: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.by * x


def test_facts_are_json_and_the_same_in_every_process() -> None:
    facts = Recipe(augment=doubled).facts()
    assert json.loads(json.dumps(facts)) == facts
    assert set(facts) == {f.name for f in dataclasses.fields(Recipe)} - {"guard"}  # which decides no weight
    assert facts["augment"] == "<function doubled>"
    assert facts["clip"] == 1.0
    assert Recipe(augment=Scaled(0.5)).facts()["augment"] == "Scaled(by=0.5)"
    assert Recipe(augment=torch.nn.Identity()).facts()["augment"] == "Identity()"
    assert Recipe(augment=partial(scaled, by=3)).facts()["augment"] == "functools.partial(<function scaled>, by=3)"
