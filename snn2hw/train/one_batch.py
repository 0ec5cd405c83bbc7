"""One batch on its way into the model: its numbers, their type, the axis of time, and its labels."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.ir.layout import NT, like_images, without_time
from snn2hw.nn import repeat
from snn2hw.train.batches import Batches
from snn2hw.train.recipe import Augment, Mix


def stepped(x: Tensor, steps: int | None) -> Tensor:
    """A batch as the network takes it: [N, ...] shown `steps` times, or [N, T, ...] where steps is None, as [T, N, ...].

    Whole numbers become float32.

    Raises:
        ShapeError: a temporal batch without steps. UsageError, ValueRangeError: steps is no whole number >= 1.
    """
    x = real(x)
    if steps is not None:
        return repeat(x, steps)
    if x.ndim < 3 or x.shape[1] == 0:
        raise ShapeError(
            "temporal samples need the step axis T",
            where="data",
            got=f"a batch of shape {list(x.shape)}",
            expected="[N, T, ...]",
            do="pass steps=T where samples are static",
        )
    return x.transpose(0, 1)


def warn_of_time(x: Tensor, steps: int | None, layout: str | None, stacklevel: int) -> None:
    """Warn where an axis of a batch is taken as time, although the samples seem to have none.

    Args:
        x: [N, ...] as it was given. steps: as in `stepped`. layout: where it was stated. stacklevel: of the warning, 1 for
            whoever calls this.
    """
    if steps is None and layout is None and x.ndim > 2 and (x.shape[1] == 1 or like_images(x.shape)):
        warnings.warn(without_time(tuple(x.shape), NT), stacklevel=stacklevel + 1)


def real(x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Whole numbers as float32, floats as they are; all in `dtype` where one is given."""
    return x.to(dtype) if dtype is not None else x if x.is_floating_point() else x.float()


def own_dtype(model: torch.nn.Module) -> torch.dtype | None:
    """The one floating type of all parameters of a model, in which its samples are computed with; None where there is no one."""
    found = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return found.pop() if len(found) == 1 else None


def check_numbers(x: Tensor, found: Batches, batch: int, where: str) -> None:
    """Every value of a batch [N, ...] is a number: neurons compare, so that NaN would end in no spike, without a word.

    Args:
        x: as it was given. found: names the sample at fault. batch: number of the batch in its epoch.
        where: what the data are called in messages.

    Raises:
        ValueRangeError: the first that is not.
    """
    if not x.is_floating_point() or not x.numel() or bool(torch.stack(x.aminmax()).isfinite().all()):
        return
    wrong = ~x.isfinite().flatten(1)
    place = int(wrong.any(1).int().argmax())
    raise ValueRangeError(
        "a sample holds NaN or Inf",
        where=f"{where}, {found.name(batch, place)}",
        got=f"{int(wrong[place].sum())} of its {wrong.shape[1]} values",
        expected="finite numbers",
        do="clean the data",
    )


def check_labels(labels: Tensor, classes: int, found: Batches, batch: int | None, where: str, owner: str = "the model") -> None:
    """Labels are 0..classes-1; batch None: they are those of all samples.

    Args:
        labels: integers [n]. classes: how many there are. found: names the sample at fault.
        batch: number of the batch in its epoch. where: what the data are called in messages. owner: what has these classes.

    Raises:
        ValueRangeError: the first that is not.
    """
    outside = (labels < 0) | (labels >= classes)
    if bool(outside.any()):
        place = int(outside.int().argmax())
        raise ValueRangeError(
            "a label is out of range",
            where=f"{where}, " + (f"sample {place}" if batch is None else found.name(batch, place)),
            got=str(int(labels[place])),
            expected=f"0..{classes - 1}: {owner} has {classes} classes",
            do=f"correct the label, or give {owner} more classes",
        )


def augmented(x: Tensor, augment: Augment) -> Tensor:
    """A batch as a recipe's `augment` changes it.

    Args:
        x: [N, ...]. augment: the recipe's.

    Raises:
        UsageError: it gives no batch of as many samples.
    """
    made = augment(x)
    if not isinstance(made, Tensor) or made.ndim < 1 or len(made) != len(x):
        raise UsageError(
            "augment gives no batch of as many samples",
            where="Recipe(augment)",
            got=_named(made),
            expected=f"a tensor [{len(x)}, ...]",
            do="return the changed batch",
        )
    return real(made)


def mixed(x: Tensor, labels: Tensor, mix: Mix) -> tuple[Tensor, Tensor]:
    """A batch and its labels as a recipe's `mix` changes them.

    Args:
        x: [N, ...]. labels: [N]. mix: the recipe's.

    Raises:
        UsageError: it gives no batch with labels of as many samples.
    """
    made: object = mix(x, labels)
    parts = made if isinstance(made, tuple | list) else (made,)
    if len(parts) != 2 or not all(isinstance(p, Tensor) and p.ndim and len(p) == len(x) for p in parts):
        raise UsageError(
            "mix gives no batch with its labels",
            where="Recipe(mix)",
            got=", ".join(map(_named, parts)),
            expected=f"(batch [{len(x)}, ...], soft labels [{len(x)}, classes])",
            do="return both, of as many samples",
        )
    return real(parts[0]), parts[1]


def _named(made: object) -> str:
    return f"a tensor {list(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
