"""The forms of data that can be trained on, as batches in an order that is a function of seed and epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sized
from functools import partial
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.ir.layout import NT, TN, ambiguous, check_layout
from snn2hw.train.checksums import of_data, of_tensors
from snn2hw.train.loader import Loaded
from snn2hw.train.pairs import form, joined, not_empty, pair
from snn2hw.train.seeds import on_cuda, stream

Data: TypeAlias = "tuple[Tensor, Tensor] | Dataset[Any] | DataLoader[Any]"
FORMS = "(samples, labels) tensors, a Dataset of (sample, label), or a DataLoader of such batches"


class Batches(Protocol):
    """What every form of data offers: `size` batches in an epoch, `samples` of them all, the labels where all are known, and
    the layout where it was stated."""

    size: int
    layout: str | None
    samples: int | None
    labels: Tensor | None

    def epoch(self, seed: int | None, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The pairs (x [B, ...], labels [B]) of an epoch; seed None: in the order of the data."""

    def name(self, batch: int, place: int) -> str:
        """What a sample of the current epoch is called in messages."""

    def checksum(self) -> str | None:
        """What tells these data from others of the same size; None where that cannot be known before they are read."""


def laid_out(data: Data, layout: str | None, steps: int | None, where: str, stacklevel: int = 2) -> None:
    """Look at a layout before data are read by it.

    Args:
        data: one of FORMS. layout: "NT" for [N, T, ...], "TN" for [T, N, ...], None where nobody says. steps: T of static
            samples. where: what the data are called in messages. stacklevel: of the warning, 1 for whoever calls this.

    Raises:
        UsageError: another layout, one of static samples, or "TN" of a Dataset, whose samples come one by one.

    Warns:
        Snn2hwWarning: tensors [N, T, ...] with N = T, of which nobody says which axis is time.
    """
    check_layout(layout, static=steps is not None)
    if layout == TN and not isinstance(data, DataLoader | tuple):
        raise UsageError(
            "the samples of a Dataset come one by one, and have no axis N",
            where=where,
            got=f"layout={layout!r}",
            expected="samples [T, ...]; layout is for tensors and for the batches of a DataLoader",
            do="leave layout out",
        )
    if layout is None and steps is None and isinstance(data, tuple) and isinstance(data[0], Tensor) and data[0].ndim > 2:
        n, t = data[0].shape[:2]
        if n == t > 1:
            taken, other = (NT, f"{n} samples of {t} steps"), (TN, f"{n} steps of {t} samples")
            cause = "there are as many samples as steps, so that both readings fit"
            warnings.warn(ambiguous(tuple(data[0].shape), taken, other, cause), stacklevel=stacklevel + 1)


def batches(
    data: Data, batch: int, where: str, *, workers: int = 0, drop_last: bool = False, layout: str | None = None
) -> Batches:
    """Data in one of its forms; a DataLoader keeps its own batches and order.

    Args:
        layout: "TN" where samples are [T, N, ...] rather than [N, T, ...]; see `laid_out`.
        data: one of FORMS. batch: samples of a batch. where: what the data are called in messages.
        workers: processes that load a Dataset, 0: this one. drop_last: leave out a last batch that is not full.

    Raises:
        UsageError: another form, no sample, or not one batch. ShapeError: samples and labels that do not fit together.
    """
    if isinstance(data, DataLoader):
        return Loaded(data, where, layout)
    if isinstance(data, tuple):
        return _Held(data, batch, where, drop_last, layout)
    if isinstance(data, Dataset) and isinstance(data, Sized):
        return _Drawn(data, len(data), batch, where, drop_last, workers, layout=layout)
    raise UsageError("this is no data to train on", where=where, got=form(data), expected=FORMS, do="convert it to one of these")


class _Drawn:
    """Batches drawn from a Dataset."""

    labels: Tensor | None = None

    def __init__(
        self, data: Any, samples: int, batch: int, where: str, drop_last: bool, workers: int = 0, layout: str | None = None
    ) -> None:
        self.data, self.batch, self.where, self.workers, self.layout = data, batch, where, workers, layout
        self.samples: int | None = samples
        self.size = samples // batch if drop_last else -(-samples // batch)
        self.chosen: list[Tensor] = []
        not_empty(self.size, where, f"{samples} samples", f"batch={batch}, drop_last={drop_last}")

    def epoch(self, seed: int | None, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        assert self.samples is not None
        *_, order, workers = stream(seed or 0, number)
        generator = torch.Generator().manual_seed(order)
        indices = torch.arange(self.samples) if seed is None else torch.randperm(self.samples, generator=generator)
        self.chosen = list(torch.split(indices, self.batch))[: self.size]
        return self._read(torch.Generator().manual_seed(workers))

    def _read(self, workers: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        loader: DataLoader[Any] = DataLoader(
            _Carried(self.data) if self.workers else self.data,
            batch_sampler=[c.tolist() for c in self.chosen],
            num_workers=self.workers,
            collate_fn=partial(joined, where=self.where),
            generator=workers,  # the workers' own seeds come from it
            pin_memory=on_cuda(),
        )
        return (pair(b, self.where) for b in loader)

    def name(self, batch: int, place: int) -> str:
        return f"sample {int(self.chosen[batch][place])}"

    def checksum(self) -> str | None:
        return of_data(self.data)


class _Carried(Dataset[Any]):
    """What a worker cannot read is an error that it hands over: raised there, its message would be the end of a traceback."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except Snn2hwError as error:
            return error


class _Held(_Drawn):
    """Batches drawn from tensors, without going through one sample at a time."""

    def __init__(self, data: tuple[Tensor, Tensor], batch: int, where: str, drop_last: bool, layout: str | None = None) -> None:
        self.tensors = pair(data, where, layout)
        super().__init__(None, len(data[1]), batch, where, drop_last, layout=layout)
        self.labels = self.tensors[1]

    def _read(self, workers: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        x, labels = self.tensors
        return ((x[c.to(x.device)], labels[c.to(labels.device)]) for c in self.chosen)

    def checksum(self) -> str | None:
        return of_tensors(self.tensors)
