"""What a results file says of a model that choices are trained from: all that a training depends on, and nothing else."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from snn2hw.exploration.digest import digest
from tests.exploration.test_trained import made, of_it

torch = pytest.importorskip("torch")
from snn2hw.exploration.module_facts import module_facts  # noqa: E402  (it needs torch)

pytestmark = pytest.mark.torch


class Set(torch.nn.Module):
    """A module with a setting of any kind, that does nothing to what goes through it."""

    def __init__(self, setting: Any) -> None:
        super().__init__()
        self.setting = setting

    def forward(self, x: Any) -> Any:
        return x


def with_setting(setting: Any) -> Any:
    model = made()
    model.insert(2, Set(setting))
    return model


def only_the_model_differs(one: Any, other: Any) -> bool:
    heads = [of_it(model).head() for model in (one, other)]
    different = {name for name in heads[0] if heads[0][name] != heads[1][name]}
    assert different <= {"trained"}
    return bool(different)


def test_results_say_which_parameters_learn_and_which_are_one() -> None:
    frozen, shared, apart = made(), made(), made()
    frozen[2].weight.requires_grad_(False)
    assert only_the_model_differs(made(), frozen)
    assert not only_the_model_differs(made(), made())
    for model, twice in ((shared, True), (apart, False)):
        model.register_parameter("more", torch.nn.Parameter(model[0].weight.detach().clone()))
        model.more = model[0].weight if twice else model.more
    assert only_the_model_differs(shared, apart)


def test_results_say_what_no_state_dict_holds() -> None:
    models = [made(), made(), made()]
    for model, value in zip(models, (1.0, 1.0, 2.0), strict=True):
        model[2].register_buffer("share", torch.tensor(value), persistent=False)
    assert not only_the_model_differs(*models[:2])
    assert only_the_model_differs(*models[1:])


@dataclass
class Rate:
    value: float


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([0.1, 0.2], [0.1, 0.3]), ((1, (2, [3])), (1, (2, [4]))), ((1, 2), [1, 2]), ({"a": [1]}, {"a": [2]}), ({1, 2}, {1, 3}),
        (np.arange(3), np.arange(3) + 1), (np.float32(1), np.float64(1)), (Rate(1.0), Rate(2.0)), (torch.float16, torch.float32),
        (torch.zeros(2), torch.ones(2)), (torch.zeros(2, dtype=torch.bfloat16), torch.zeros(2)), (torch.relu, torch.tanh),
        (1, True), (np.array([[1], "a"], object), np.array([[2], "a"], object)),
    ],
)  # fmt: skip
def test_results_say_the_settings_of_modules_of_whatever_kind(one: Any, other: Any) -> None:
    assert only_the_model_differs(with_setting(one), with_setting(other))
    assert not only_the_model_differs(with_setting(one), with_setting(copy.deepcopy(one)))


class Shared:
    def __init__(self, value: Any) -> None:
        self.value, self.me = value, self

    def scaled(self, x: Any) -> Any:
        return x * self.value


class Slots:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def scaling(by: float) -> Any:
    return lambda x: x * by


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (partial(scaling, 1), partial(scaling, 2)), (partial(scaling, by=1), partial(scaling, by=2)),
        (partial(torch.relu), partial(torch.tanh)), (Shared(1), Shared(2)), (Slots(1), Slots(2)), ([Shared([1])], [Shared([2])]),
        (Shared(1).scaled, Shared(2).scaled), (deque([1]), deque([2])), (Shared, Slots),
        (lambda x: x + 1, lambda x: x + 2), (lambda x: x + 1, lambda x: x * 1), (lambda x: abs(x) + 1, lambda x: len(x) + 1),
        (lambda x, by=1: x * by, lambda x, by=2: x * by), (lambda x, *, by=1: x * by, lambda x, *, by=2: x * by),
        (lambda: lambda x: x + 1, lambda: lambda x: x + 2), (scaling(1), scaling(2)), (scaling(torch.relu), scaling(torch.tanh)),
        ([Set(1)], [Set(2)]), ([torch.nn.Dropout(0.1)], [torch.nn.Dropout(0.2)]), (Set(1).forward, Set(2).forward),
    ],
)  # fmt: skip
def test_results_say_what_functions_and_objects_among_the_settings_hold(one: Any, other: Any) -> None:
    assert facts_of(one) != facts_of(other)
    assert facts_of(one) == facts_of(copy.deepcopy(one))


def facts_of(setting: Any) -> str:
    return digest(module_facts(Set(setting)))


OTHER_PROCESS = """
import logging
from functools import partial
from tests.exploration.test_module_facts import Shared, facts_of, scaling
print(facts_of([partial(scaling, by={"a", "b", "c"}), Shared({"x": 1}).scaled, scaling(Shared(frozenset("defg"))),
    lambda x: x in {"one", "two", "three"}, Shared(logging.getLogger("anybody")), object()]))
"""


def test_another_process_says_the_same_of_functions_and_objects() -> None:
    """Sets have another order in each, and addresses are others."""
    said = [
        subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, check=True
        ).stdout
        for seed in "12"
    ]
    assert said[0] == said[1]
    assert len(said[0].strip()) == 64


def test_what_cannot_be_stored_is_told_by_its_type() -> None:
    assert facts_of(threading.Lock()) == facts_of(threading.Lock()) != facts_of(threading.Event())
    empty = partial(scaling)
    empty.keywords["me"] = empty
    assert facts_of(empty) == facts_of(empty)
    part = Set(1)
    whole = torch.nn.Sequential(part, Set([part]))
    assert digest(module_facts(whole)) == digest(module_facts(copy.deepcopy(whole)))

    def calls_itself() -> Any:
        return calls_itself, later

    assert facts_of(calls_itself) == facts_of(calls_itself)
    later = 1


def test_results_say_of_what_class_a_module_is_and_what_it_says_of_itself() -> None:
    def made_of(**said: Any) -> str:
        kind = type("Same", (Set,), {"__module__": "one", "__qualname__": "Same", "extra_repr": lambda self: "", **said})
        return digest(module_facts(kind(1)))

    assert made_of() == made_of()
    for other in ({"__module__": "two"}, {"__qualname__": "Other"}, {"extra_repr": lambda self: "more"}):
        assert made_of() != made_of(**other), other


def test_what_has_no_text_of_its_own_is_told_by_its_type() -> None:
    """The text of an object, or of one in a tuple, holds an address, which is another in every process."""
    assert not only_the_model_differs(with_setting((object(), [object()])), with_setting((object(), [object()])))
    endless: list[Any] = []
    endless.append(endless)
    assert not only_the_model_differs(with_setting(endless), with_setting(endless))
    looked_at, steps = made(), made()
    looked_at[1]._watchers = (("1", lambda x: None),)
    steps.train()
    assert not only_the_model_differs(looked_at, steps)
    assert facts_of([Set(1).train()]) == facts_of([Set(1).eval()])  # one that is no part of the model, too
