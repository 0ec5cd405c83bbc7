"""The forms of data that can be trained on, as batches in an order that is a function of seed and epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sized
from functools import partial
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from snn2hw.errors import ShapeError, Snn2hwError, UsageError
from snn2hw.ir.layout import NT, TN, ambiguous, check_layout
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
        return _Loaded(data, where, layout)
    if isinstance(data, tuple):
        return _Held(data, batch, where, drop_last, layout)
    if isinstance(data, Dataset) and isinstance(data, Sized):
        return _Drawn(data, len(data), batch, where, drop_last, workers, layout=layout)
    raise UsageError("this is no data to train on", where=where, got=_form(data), expected=FORMS, do="convert it to one of these")


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
        _not_empty(self.size, where, f"{samples} samples", f"batch={batch}, drop_last={drop_last}")

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
            collate_fn=partial(_joined, where=self.where),
            generator=workers,  # the workers' own seeds come from it
            pin_memory=on_cuda(),
        )
        for b in loader:
            if isinstance(b, Snn2hwError):
                raise b
            yield _pair(b, self.where)

    def name(self, batch: int, place: int) -> str:
        return f"sample {int(self.chosen[batch][place])}"


class _Carried(Dataset[Any]):
    """What a worker cannot read is an error that it hands over: raised there, its message would be the end of a traceback."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except Snn2hwError as error:
            return error


def _joined(samples: list[Any], where: str) -> Any:
    """A batch, or the error that is to be raised where it arrives."""
    return next((s for s in samples if isinstance(s, Snn2hwError)), None) or _uneven(samples, where) or default_collate(samples)


def _uneven(samples: list[Any], where: str) -> ShapeError | None:
    """The error of samples that make no batch, as their shapes differ."""
    shapes = [list(s[0].shape) for s in samples if isinstance(s, tuple | list) and s and hasattr(s[0], "shape")]
    other = next((shape for shape in shapes if shape != shapes[0]), None)
    if other is None:
        return None
    return ShapeError(
        "the samples have different shapes",
        where=where,
        got=f"{shapes[0]} and {other} in one batch",
        expected="samples of one shape, with as many steps each",
        do="bin the events of every sample into as many steps, or pad them",
    )


class _Held(_Drawn):
    """Batches drawn from tensors, without going through one sample at a time."""

    def __init__(self, data: tuple[Tensor, Tensor], batch: int, where: str, drop_last: bool, layout: str | None = None) -> None:
        self.tensors = _pair(data, where, layout)
        super().__init__(None, len(data[1]), batch, where, drop_last, layout=layout)
        self.labels = self.tensors[1]

    def _read(self, workers: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        x, labels = self.tensors
        return ((x[c.to(x.device)], labels[c.to(labels.device)]) for c in self.chosen)


class _Loaded:
    """A user's DataLoader: its generators are set at the start of every epoch, so that its order can be repeated."""

    samples: int | None = None
    labels: Tensor | None = None

    def __init__(self, loader: DataLoader[Any], where: str, layout: str | None = None) -> None:
        self.loader, self.where, self.layout = loader, where, layout
        try:
            self.size = len(loader)
        except TypeError as error:
            raise UsageError(
                "the loader does not know its length",
                where=where,
                got=str(error),
                expected="a number of batches, on which the learning rate depends",
                do="give its dataset a __len__",
            ) from error
        if loader.persistent_workers:
            raise UsageError(
                "the loader keeps its worker processes",
                where=where,
                got="persistent_workers=True",
                expected="workers that start anew in every epoch, so that their random state can be restored",
                do="pass persistent_workers=False",
            )
        _not_empty(self.size, where, "0 batches", f"batch_size={loader.batch_size}, drop_last={loader.drop_last}")

    def epoch(self, seed: int | None, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        for holder in (self.loader, self.loader.sampler, getattr(self.loader.batch_sampler, "sampler", None)):
            generator = getattr(holder, "generator", None)
            if seed is not None and generator is not None:
                generator.manual_seed(stream(seed, number)[-1])
        empty = True
        for b in self.loader:
            empty = False
            yield _pair(b, self.where, self.layout)
        _not_empty(0 if empty else 1, self.where, "0 batches", f"although its length is {self.size}")

    def name(self, batch: int, place: int) -> str:
        return f"batch {batch}, place {place}"


def _pair(batch: Any, where: str, layout: str | None = None) -> tuple[Tensor, Tensor]:
    """(samples [N, ...], labels int64 [N])."""
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise UsageError(
            "these are no samples and labels",
            where=where,
            got=_form(batch),
            expected="a pair of tensors (samples, labels)",
            do="give such pairs; arrays become tensors by torch.as_tensor(array)",
        )
    x, labels = batch
    if x.is_complex() or x.layout != torch.strided:
        raise UsageError(
            "samples are no dense real numbers",
            where=where,
            got=f"dtype {x.dtype}, {x.layout}",
            expected="real numbers in a dense tensor",
            do="give their magnitude: samples.abs()" if x.is_complex() else "convert them: samples.to_dense()",
        )
    x = x.transpose(0, 1) if layout == TN and x.ndim > 1 else x
    if labels.ndim != 1 or x.ndim < 2 or len(x) != len(labels):
        raise ShapeError(
            "samples and labels do not fit together",
            where=where,
            got=f"samples {list(x.shape)}, labels {list(labels.shape)}",
            expected="samples [N, ...], labels [N]",
            do='give layout="TN" where they are [T, N, ...]'
            if labels.ndim == 1 and x.ndim > 2 and x.shape[1] == len(labels)
            else "give one label for every sample",
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise UsageError(
            "labels are no numbers of classes",
            where=where,
            got=f"dtype {labels.dtype}",
            expected="whole numbers, such as torch.int64",
            do="convert them: labels.long(); soft labels come from Recipe(mix=...)",
        )
    return x, labels.long()


def _not_empty(size: int, where: str, got: str, because: str) -> None:
    if size < 1:
        raise UsageError(
            "there is not one batch",
            where=where,
            got=f"{got} ({because})",
            expected="at least one batch",
            do="give samples, a smaller batch, or drop_last=False",
        )


def _form(data: Any) -> str:
    if isinstance(data, tuple | list):
        return f"{type(data).__name__} of {', '.join(type(part).__name__ for part in data[:4]) or 'nothing'}"
    return type(data).__name__
