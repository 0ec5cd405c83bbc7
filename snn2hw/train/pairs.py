"""What every form of data has to give: samples and labels that fit together, and at least one batch of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

from snn2hw.errors import ShapeError, Snn2hwError, UsageError
from snn2hw.ir.layout import TN


def pair(batch: Any, where: str, layout: str | None = None) -> tuple[Tensor, Tensor]:
    """(samples [N, ...], labels int64 [N]) of a batch.

    Args:
        batch: what a form of data gives. where: what the data are called in messages. layout: "TN" where samples are [T, N, ...].

    Raises:
        Snn2hwError: that which `joined` handed over. UsageError: something else than a pair of tensors, of dense real numbers and
            of whole ones. ShapeError: they do not fit together.
    """
    if isinstance(batch, Snn2hwError):  # of `joined`
        raise batch
    if not isinstance(batch, tuple | list) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        raise UsageError(
            "these are no samples and labels",
            where=where,
            got=form(batch),
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


def joined(samples: list[Any], where: str) -> Any:
    """A batch as torch joins it, or the error that is to be raised where it arrives: raised in a worker, its message would be
    the end of a traceback.

    Args:
        samples: what a Dataset gave, or the error that it raised. where: what the data are called in messages.
    """
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


def not_empty(size: int, where: str, got: str, because: str) -> None:
    """Refuse data without a batch.

    Args:
        size: batches. where: what the data are called in messages. got: what there is. because: what makes it so few.

    Raises:
        UsageError: size is 0.
    """
    if size < 1:
        raise UsageError(
            "there is not one batch",
            where=where,
            got=f"{got} ({because})",
            expected="at least one batch",
            do="give samples, a smaller batch, or drop_last=False",
        )


def form(data: Any) -> str:
    """What was given in the place of data, for a message."""
    if isinstance(data, tuple | list):
        return f"{type(data).__name__} of {', '.join(type(part).__name__ for part in data[:4]) or 'nothing'}"
    return type(data).__name__
