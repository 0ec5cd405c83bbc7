"""Forms of data: the same batches from each of them, in an order of seed and epoch; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from snn2hw import train
from snn2hw.errors import ShapeError, Snn2hwError, Snn2hwWarning, UsageError
from snn2hw.train.batches import batches
from snn2hw.train.one_batch import check_labels, stepped
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

DATA = (torch.arange(10.0).reshape(10, 1), torch.arange(10))


def indices(form: Any, seed: int | None, number: int, **given: Any) -> list[list[int]]:
    found = []
    for x, labels in batches(form, 4, "data", **given).epoch(seed, number):
        assert torch.equal(x[:, 0].long(), labels)
        found.append(labels.tolist())
    return found


def test_tensors_and_datasets_give_the_same_batches() -> None:
    for drop_last, sizes in ((False, [4, 4, 2]), (True, [4, 4])):
        first = indices(DATA, 3, 1, drop_last=drop_last)
        assert [len(b) for b in first] == sizes
        assert indices(TensorDataset(*DATA), 3, 1, drop_last=drop_last) == first
        assert len({i for b in first for i in b}) == sum(sizes)
    assert indices(DATA, 3, 1) != indices(DATA, 3, 2) != indices(DATA, 4, 2)
    assert indices(DATA, None, 1) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_loaders_order_is_repeated() -> None:
    def loader(generator: torch.Generator | None) -> DataLoader[Any]:
        return DataLoader(TensorDataset(*DATA), batch_size=5, shuffle=True, generator=generator)

    generator = torch.Generator()
    first = indices(loader(generator), 3, 1)
    generator.manual_seed(77)
    assert indices(loader(generator), 3, 1) == first
    assert indices(loader(generator), 3, 2) != first
    assert [len(b) for b in first] == [5, 5]


def test_a_sample_has_a_name() -> None:
    drawn = batches(DATA, 4, "data")
    (_, labels), *_ = drawn.epoch(1, 1)
    assert drawn.name(0, 2) == f"sample {int(labels[2])}"
    assert batches(DataLoader(TensorDataset(*DATA)), 4, "data").name(3, 1) == "batch 3, place 1"


def test_steps_come_first() -> None:
    x = torch.rand(5, 3, 2)
    assert torch.equal(stepped(x, None), x.transpose(0, 1))
    assert torch.equal(stepped(x, 4), torch.stack([x] * 4))
    assert stepped((255 * x).to(torch.uint8), None).dtype == torch.float32
    with refused(
        ShapeError,
        """
        temporal samples need the step axis T
          where:    data
          got:      a batch of shape [5, 3]
          expected: [N, T, ...]
          do:       pass steps=T where samples are static
        """,
    ):
        stepped(x[..., 0], None)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Empty(Stream):
    def __len__(self) -> int:
        return 3


class Named(Dataset[Any]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[torch.Tensor, str]:
        return torch.zeros(2), "cat"


X, LABELS = small.data(8)


@pytest.mark.parametrize(
    ("form", "kind", "what", "got"),
    [
        ([1, 2], UsageError, "this is no data to train on", "list of int, int"),
        (X, UsageError, "this is no data to train on", "Tensor"),
        (Stream(), UsageError, "this is no data to train on", "Stream"),
        ((X.numpy(), LABELS), UsageError, "these are no samples and labels", "tuple of ndarray, Tensor"),
        ((X,), UsageError, "these are no samples and labels", "tuple of Tensor"),
        ((X[:3], LABELS), ShapeError, "samples and labels do not fit together", "samples [3, 2, 4, 4], labels [8]"),
        ((X, LABELS[:, None]), ShapeError, "samples and labels do not fit together", "samples [8, 2, 4, 4], labels [8, 1]"),
        ((X, LABELS.float()), UsageError, "labels are no numbers of classes", "dtype torch.float32"),
        ((X[:0], LABELS[:0]), UsageError, "there is not one batch", "0 samples (batch=9, drop_last=True)"),
        ((X, LABELS), UsageError, "there is not one batch", "8 samples (batch=9, drop_last=True)"),
        (
            DataLoader(TensorDataset(X, LABELS), batch_size=9, drop_last=True),
            UsageError,
            "there is not one batch",
            "0 batches (batch_size=9, drop_last=True)",
        ),
        (DataLoader(Stream()), UsageError, "the loader does not know its length", "object of type 'Stream' has no len()"),
        (DataLoader(Empty()), UsageError, "there is not one batch", "0 batches (although its length is 3)"),
        (DataLoader(Named()), UsageError, "these are no samples and labels", "list of Tensor, tuple"),
        (
            DataLoader(TensorDataset(X, LABELS), num_workers=1, persistent_workers=True),
            UsageError,
            "the loader keeps its worker processes",
            "persistent_workers=True",
        ),
    ],
)
def test_what_is_refused(form: Any, kind: type[Snn2hwError], what: str, got: str) -> None:
    with pytest.raises(kind) as caught:
        list(batches(form, 9, "data", drop_last=True).epoch(0, 1))
    assert (caught.value.what, caught.value.where, caught.value.got) == (what, "data", got)
    assert caught.value.expected
    assert caught.value.do


@pytest.mark.parametrize("value", [-1, 3, 255])
def test_the_first_label_out_of_range_is_named(value: int) -> None:
    labels = torch.from_numpy(np.array([0, 1, 2, value, value]))
    with pytest.raises(Snn2hwError) as caught:
        check_labels(labels, 3, batches(DATA, 4, "data"), None, "data")
    assert str(caught.value) == (
        f"a label is out of range\n  where:    data, sample 3\n  got:      {value}\n  expected: 0..2: the model has 3 classes\n"
        "  do:       correct the label, or give the model more classes"
    )
    check_labels(labels[:3], 3, batches(DATA, 4, "data"), None, "data")


def temporal(n: int = 6, t: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples [N, T, ...] and labels."""
    return small.data(n, shape=(t, *small.SHAPE))


def test_both_layouts_train_and_evaluate_alike() -> None:
    x, labels = temporal()
    other = x.transpose(0, 1)
    wanted = train.evaluate(small.model(), (x, labels))
    loader = DataLoader(TensorDataset(x, labels), batch_size=2, collate_fn=_steps_first)
    assert train.evaluate(small.model(), (other, labels), layout="TN") == wanted
    assert train.evaluate(small.model(), (x, labels), layout="NT") == wanted
    assert train.evaluate(small.model(), loader, layout="TN") == wanted
    weights = []
    for data, layout in (((x, labels), None), ((other, labels), "TN")):
        model = small.model()
        train.fit(model, data, data, recipe=train.Recipe(epochs=1, batch=4), layout=layout, progress=False)
        weights.append(torch.cat([p.flatten() for p in model.parameters()]))
    assert torch.equal(*weights)


def _steps_first(pairs: Any) -> Any:
    samples, labels = default_collate(pairs)
    return samples.transpose(0, 1), labels


def test_labels_tell_which_axis_is_n() -> None:
    x, labels = temporal()
    with refused(
        ShapeError,
        """
        samples and labels do not fit together
          where:    data
          got:      samples [3, 6, 2, 4, 4], labels [6]
          expected: samples [N, ...], labels [N]
          do:       give layout="TN" where they are [T, N, ...]
        """,
    ):
        train.evaluate(small.model(), (x.transpose(0, 1), labels))


def test_as_many_samples_as_steps_are_said_in_both_readings() -> None:
    x, labels = temporal(3, 3)
    with pytest.warns(Snn2hwWarning, match=r"taken as \[N, T, \.\.\.\]: 3 samples of 3 steps") as told:
        train.evaluate(small.model(), (x, labels))
    assert [w.filename for w in told] == [__file__]
    train.evaluate(small.model(), (x, labels), layout="NT")
    train.evaluate(small.model(), small.data(3), 3)  # static samples


def test_a_layout_that_says_nothing_is_refused() -> None:
    x, labels = temporal()
    with pytest.raises(UsageError, match="no axis of time"):
        train.evaluate(small.model(), small.data(4), 2, layout="NT")
    with pytest.raises(UsageError, match="unknown layout"):
        train.evaluate(small.model(), (x, labels), layout="TNC")
    with refused(
        UsageError,
        """
        the samples of a Dataset come one by one, and have no axis N
          where:    data
          got:      layout='TN'
          expected: samples [T, ...]; layout is for tensors and for the batches of a DataLoader
          do:       leave layout out
        """,
    ):
        train.fit(small.model(), TensorDataset(x, labels), layout="TN", progress=False)
