"""The numbers of a batch: each is one, and they are of the type that the model computes in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from snn2hw import nn, train
from snn2hw.data.augment import Mixup
from snn2hw.errors import ShapeError, Snn2hwError, UsageError, ValueRangeError
from snn2hw.quantize import prepare
from snn2hw.train.one_batch import own_dtype
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

CHANGED, BOTH = "return the changed batch", "return both, of as many samples"
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


@pytest.mark.parametrize(
    ("given", "what", "got", "expected", "do"),
    [
        ({"augment": lambda x: None}, "augment", "NoneType", "a tensor [4, ...]", CHANGED),
        ({"augment": lambda x: x.numpy()}, "augment", "ndarray", "a tensor [4, ...]", CHANGED),
        ({"augment": lambda x: x[:3]}, "augment", "a tensor [3, 2, 4, 4]", "a tensor [4, ...]", CHANGED),
        ({"mix": lambda x, y: x}, "mix", "a tensor [4, 2, 4, 4]", "", BOTH),
        ({"mix": lambda x, y: (x, y[:3])}, "mix", "a tensor [4, 2, 4, 4], a tensor [3]", "", BOTH),
        (
            {"mix": lambda x, y: (x, y, 0.5)},
            "mix",
            "a tensor [4, 2, 4, 4], a tensor [4], float",
            "",
            BOTH,
        ),
    ],
)
def test_what_a_recipe_makes_of_a_batch_is_a_batch(given: Any, what: str, got: str, expected: str, do: str) -> None:
    made = "no batch of as many samples" if what == "augment" else "no batch with its labels"
    with refused(
        UsageError,
        f"""
        {what} gives {made}
          where:    Recipe({what})
          got:      {got}
          expected: {expected or "(batch [4, ...], soft labels [4, classes])"}
          do:       {do}
        """,
    ):
        train.fit(small.model(), small.data(4), steps=2, recipe=train.Recipe(epochs=1, **given), progress=False)


class Uneven(Dataset[Any]):
    """The third recording has a step more."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.zeros(2 + (index == 2), *small.SHAPE), 0


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_of_different_shapes_make_no_batch(workers: int) -> None:
    for where, call in (
        ("data", lambda: train.evaluate(small.model(), Uneven(), workers=workers)),
        ("data", lambda: train.evaluate(small.model(), DataLoader(Uneven(), 4, num_workers=workers))),
        (
            "validation",
            lambda: train.fit(
                small.model(),
                small.data(4, shape=(2, *small.SHAPE)),
                Uneven(),
                layout="NT",
                recipe=train.Recipe(epochs=1, workers=workers),
                progress=False,
            ),
        ),
    ):
        with refused(
            ShapeError,
            f"""
            the samples have different shapes
              where:    {where}
              got:      [2, 2, 4, 4] and [3, 2, 4, 4] in one batch
              expected: samples of one shape, with as many steps each
              do:       bin the events of every sample into as many steps, or pad them
            """,
        ):
            call()


def test_a_users_loader_stays_as_it_was() -> None:
    loader = DataLoader(TensorDataset(*small.data()), 16)
    train.fit(small.model(), loader, steps=2, recipe=ONCE, progress=False)
    assert loader.collate_fn is default_collate


class Broken(Uneven):
    """A Dataset whose own code fails."""

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        raise RuntimeError("the disk is gone")


def test_another_error_of_a_loader_stays_as_it_is() -> None:
    with pytest.raises(RuntimeError, match=r"^the disk is gone$"):
        train.evaluate(small.model(), DataLoader(Broken(), 4))


def test_a_model_without_numbers_is_refused() -> None:
    with torch.device("meta"):
        model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 3))
    for verb, call in (
        ("train", lambda: train.fit(model, small.data(4), steps=2, progress=False)),
        ("evaluate", lambda: train.evaluate(model, small.data(4), 2)),
    ):
        with refused(
            UsageError,
            f"""
            this model has no numbers to {verb}
              where:    1.weight
              got:      a tensor on the meta device
              expected: weights on a CPU or a GPU
              do:       build the model without torch.device("meta"), or model.to_empty(device="cpu") and load its weights
            """,
        ):
            call()


def test_weights_that_are_no_numbers_did_not_diverge() -> None:
    model = small.model()
    model[5].weight.data[1, 3:5] = float("nan")
    with refused(
        ValueRangeError,
        """
        a weight holds NaN or Inf
          where:    5.weight
          got:      2 of 768 values, before the first step
          expected: finite numbers
          do:       load other weights, or build the model again
        """,
    ):
        train.fit(model, small.data(4), steps=2, progress=False)


def test_what_is_no_model_is_not_evaluated() -> None:
    data = small.data(4)
    fitted = train.fit(small.model(), data, steps=2, recipe=ONCE, progress=False)
    for model, got, do in (
        (nn.LIF, "the class LIF", "call the class, or the function that builds the model, and pass what it returns"),
        (fitted, "Fitted", "pass its .model"),
    ):
        with refused(
            UsageError,
            f"""
            this is no model to evaluate
              where:    evaluate
              got:      {got}
              expected: a torch.nn.Module
              do:       {do}
            """,
        ):
            train.evaluate(model, data, 2)
    with pytest.raises(UsageError, match=r"this is no model to train\n.*\n.*Fitted\n.*\n.*pass its .model"):
        train.fit(fitted, data, steps=2)
    for given in ({"batch": 0}, {"batch": 2.5}, {"workers": -1}):
        with pytest.raises(Snn2hwError, match=f"{next(iter(given))} is .*\n  where:    evaluate"):
            train.evaluate(fitted.model, data, 2, **given)


def test_a_model_that_sums_its_readout_is_told_to_leave_that_out() -> None:
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 3), nn.Readout())
    with pytest.raises(ShapeError) as caught:
        train.evaluate(model, small.data(4), 2)
    assert caught.value.got == "shape [4, 3]"
    assert caught.value.do == "leave out its nn.Readout, or its mean over T: training and evaluation take the mean themselves"
