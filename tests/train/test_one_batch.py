"""The numbers of a batch: each is one, and they are of the type that the model computes in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from snn2hw import train
from snn2hw.data.augment import Mixup
from snn2hw.errors import UsageError, ValueRangeError
from snn2hw.quantize import prepare
from snn2hw.train.one_batch import own_dtype
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

ONCE = train.Recipe(epochs=1, batch=4, guard="off")


def weights(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def trained(model: torch.nn.Module, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    train.fit(model, (x, labels), (x, labels), steps=2, recipe=ONCE, progress=False)
    return weights(model)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_sample_that_is_not_finite_is_named(value: float) -> None:
    """Before a step is taken with it, and before its prediction counts: a neuron would compare it, and be silent."""
    x, labels = small.data(6)
    clean = x.clone()
    x[4, 0, 0, :2] = value
    text = """
        a sample holds NaN or Inf
          where:    {}
          got:      2 of its 32 values
          expected: finite numbers
          do:       clean the data
        """
    loader = DataLoader(TensorDataset(x, labels), batch_size=4)
    model, calls = small.model(), {"steps": 2, "progress": False}
    before = weights(model).clone()
    with refused(ValueRangeError, text.format("data, sample 4")):
        train.evaluate(model, (x, labels), 2, batch=4)
    with refused(ValueRangeError, text.format("data, batch 1, place 0")):
        train.evaluate(model, loader, 2)
    for mix in (None, Mixup(small.CLASSES)):
        with refused(ValueRangeError, text.format("data, sample 4")):
            train.fit(model, (x, labels), recipe=train.Recipe(epochs=1, batch=6, mix=mix), **calls)
        assert torch.equal(weights(model), before)
    with refused(ValueRangeError, text.format("validation, sample 4")):
        train.fit(model, (clean, labels), (x, labels), recipe=ONCE, **calls)


@pytest.mark.parametrize(
    ("change", "got", "do"),
    [
        (lambda x: x + 0j, "dtype torch.complex64, torch.strided", "give their magnitude: samples.abs()"),
        (lambda x: x.to_sparse(), "dtype torch.float32, torch.sparse_coo", "convert them: samples.to_dense()"),
    ],
)
def test_samples_that_are_no_dense_real_numbers(change: Any, got: str, do: str) -> None:
    x, labels = small.data(6)
    with refused(
        UsageError,
        f"""
        samples are no dense real numbers
          where:    data
          got:      {got}
          expected: real numbers in a dense tensor
          do:       {do}
        """,
    ):
        train.evaluate(small.model(), (change(x), labels), 2)


def test_samples_are_read_in_the_type_of_the_weights() -> None:
    x, labels = small.data(8)
    wanted = trained(small.model(), x, labels)
    assert torch.equal(trained(small.model(), x.double(), labels), wanted)
    assert torch.equal(trained(small.model(), x.half(), labels), trained(small.model(), x.half().float(), labels))
    finer = trained(small.model().double(), x, labels)
    assert finer.dtype == torch.float64
    assert torch.equal(trained(small.model().double(), x.double(), labels), finer)
    assert train.evaluate(small.model(), (x.double(), labels), 2) == train.evaluate(small.model(), (x, labels), 2)
    counts = (4 * x).to(torch.uint8)
    assert torch.equal(trained(small.model().double(), counts, labels), trained(small.model().double(), counts.double(), labels))


@pytest.mark.filterwarnings("ignore:a layer is silent")
def test_a_model_of_several_types_gets_them_as_they_are() -> None:
    """A prepared one has weights in float32 and neurons in float64, and takes both."""
    x, labels = small.data(8)
    x = x.clamp(0, 1)
    made = [prepare(small.model().eval(), x, steps=2) for _ in range(2)]
    assert own_dtype(made[0]) is None
    assert own_dtype(torch.nn.Identity()) is None
    assert own_dtype(small.model().half()) == torch.float16
    assert torch.equal(trained(made[0], x, labels), trained(made[1], x.double(), labels))
