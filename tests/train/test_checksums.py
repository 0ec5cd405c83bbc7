"""What of a training's data can be told before they are read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from snn2hw.train.checksums import SUMMED, of_data, of_tensor, of_tensors

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    "other", [torch.zeros(4), torch.zeros(2, 3), torch.zeros(3, dtype=torch.int32), torch.tensor([0.0, 0, -0.0])]
)
def test_every_bit_counts_and_shape_and_type(other: torch.Tensor) -> None:
    assert of_tensor(torch.zeros(3)) == of_tensor(torch.zeros(3))
    assert of_tensor(torch.zeros(3)) != of_tensor(other)


def test_of_many_samples_some_are_looked_at_evenly_and_of_labels_all() -> None:
    x, labels = torch.zeros(3 * SUMMED, 2), torch.zeros(3 * SUMMED, dtype=torch.int64)
    before = of_tensors((x, labels))
    x[-1] = 1  # between two that are looked at
    assert of_tensors((x, labels)) == before
    x[-3] = 1
    assert of_tensors((x, labels)) != before
    x[-3] = 0
    labels[-1] = 1
    assert of_tensors((x, labels)) != before


def test_of_fewer_samples_all_are_looked_at() -> None:
    for n in (1, SUMMED - 1, 2 * SUMMED - 1):
        x = torch.zeros(n, 2)
        before = of_tensors((x,))
        x[-1] = 1
        assert of_tensors((x,)) != before


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
@pytest.mark.parametrize("name", ["labels", "targets"])
def test_labels_that_a_dataset_holds(kind: Any, name: str) -> None:
    one, other = (SimpleNamespace(**{name: kind(labels)}) for labels in ([0, 1, 1], [0, 1, 2]))
    assert of_data(one) == of_data(SimpleNamespace(labels=torch.tensor([0, 1, 1])))
    assert of_data(one) != of_data(other)


@pytest.mark.parametrize("labels", [["a", "b"], np.array(["a"]), np.array([0.5]), (0, 1), None, lambda: 0])
def test_what_is_no_list_of_labels_says_nothing(labels: Any) -> None:
    assert of_data(SimpleNamespace(labels=labels)) is None
    assert of_data(object()) is None
