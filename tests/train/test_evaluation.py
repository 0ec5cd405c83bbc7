"""Accuracy is that of a plain computation, whatever the form of the data, and the model is left as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from snn2hw import nn, train
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("batch", [7, 256])
def test_equals_a_plain_computation(batch: int) -> None:
    model, (x, labels) = small.model().train(), small.data()
    model[3].eval()
    modes = [m.training for m in model.modules()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    forms: list[Any] = [
        (x, labels),
        TensorDataset(x, labels),
        DataLoader(TensorDataset(x, labels), batch_size=batch, shuffle=True),
    ]
    found = {train.evaluate(model, form, 2, batch=batch) for form in forms}
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    with torch.no_grad():
        right = model.eval()(nn.repeat(x, 2)).mean(0).argmax(1) == labels
    assert found == {int(right.sum()) / len(labels)}
    assert 0 < right.sum() < len(labels)


def test_temporal_samples() -> None:
    x, labels = small.data(12, shape=(5, *small.SHAPE))
    model = small.model().eval()
    with torch.no_grad():
        right = model(x.transpose(0, 1)).mean(0).argmax(1) == labels
    assert train.evaluate(model, (x, labels)) == int(right.sum()) / 12


def test_logits_and_labels_must_fit() -> None:
    data = small.data(6)
    with refused(
        ShapeError,
        """
        the model gives no logits
          where:    Sequential
          got:      shape [2, 6, 2, 4, 4]
          expected: [T, N, classes] with T = 2, N = 6
          do:       end it with nn.Flatten() and nn.Linear(features, classes)
        """,
    ):
        train.evaluate(torch.nn.Sequential(nn.Identity()), data, 2)
    with pytest.raises(ValueRangeError, match="data, sample 4"):
        train.evaluate(small.model(), (data[0], torch.tensor([0, 1, 2, 0, 9, 1])), 2)
    with pytest.raises(UsageError, match="there is not one batch"):
        train.evaluate(small.model(), small.data(0), 2)


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "nan"), (float("-inf"), "-inf")])
def test_logits_that_are_not_finite_are_no_predictions(value: float, said: str) -> None:
    model, data = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 3)), small.data(6)
    with torch.no_grad():
        model[1].bias[2] = value  # type: ignore[union-attr, index]
    text = f"""
        a logit is not finite
          where:    {{}}
          got:      {said} for class 2, of a sample that is finite
          expected: finite logits: the largest of others is no prediction
          do:       train again with a lower learning_rate, or load other weights
        """
    with refused(ValueRangeError, text.format("data, sample 0")):
        train.evaluate(model, data, 2)
    with refused(ValueRangeError, text.format("data, batch 0, place 0")):
        train.evaluate(model, DataLoader(TensorDataset(*data), batch_size=4), 2)
