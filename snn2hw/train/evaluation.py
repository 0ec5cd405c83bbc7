"""Accuracy of a model on data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

import torch
from torch import Tensor

from snn2hw.arguments import whole
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.run.forks import one_torch_thread
from snn2hw.train.batches import Batches, Data, batches, laid_out
from snn2hw.train.one_batch import check_labels, check_numbers, own_dtype, real, stepped, warn_of_time

BATCH = 256


@torch.no_grad()
def evaluate(
    model: torch.nn.Module,
    data: Data,
    steps: int | None = None,
    *,
    layout: str | None = None,
    batch: int = BATCH,
    workers: int = 0,
) -> float:
    """Share, in 0..1, of samples whose largest logit, mean over T, is at their label; on the device of the model.

    The model computes in eval mode, in its own precision, and is left in the mode it was in.

    Args:
        model: gives logits [T, N, classes] of [T, N, ...].
        data: as in `fit`; steps: T of static samples, None for temporal ones; layout: of temporal ones, as in `fit`.
        batch, workers: as in `Recipe`; a DataLoader keeps its own.

    Raises:
        UsageError, ShapeError, ValueRangeError: data, steps or labels that do not fit, see `fit`; logits that are not finite,
            whose largest says nothing.
    """
    one_torch_thread()
    check_model(model, "evaluate")
    whole("batch", batch, 1, None, "evaluate")
    whole("workers", workers, 0, None, "evaluate")
    laid_out(data, layout, steps, "data", stacklevel=3)  # torch.no_grad calls this function
    return share_right(model, batches(data, batch, "data", workers=workers, layout=layout), steps, "data")


@torch.no_grad()
def share_right(model: torch.nn.Module, data: Batches, steps: int | None, where: str, length: int | None = None) -> float:
    """`evaluate` on batches; `length`: the T that they must have, None: any.

    Args:
        model: put into eval mode, and back. data: its samples [N, ...] are shown `steps` times, or [N, T, ...] where
            None.
        where: what the data are called in messages.
    """
    device = next(itertools.chain(model.parameters(), model.buffers()), torch.empty(0)).device
    right, seen, dtype = torch.zeros((), dtype=torch.int64, device=device), 0, own_dtype(model)
    with evaluating(model):
        for number, (x, labels) in enumerate(data.epoch(None, 0)):
            check_numbers(x, data, number, where)
            if number == 0 and length is None:
                warn_of_time(x, steps, data.layout, stacklevel=5)  # torch.no_grad calls this function and `evaluate`
            shown = stepped(real(x.to(device, non_blocking=True), dtype), steps)
            check_steps(len(shown), length, where)
            logits = readout(model, shown)
            check_labels(labels, logits.shape[1], data, number, where)
            _check_finite(logits, data, number, where)
            right += (logits.argmax(1) == labels.to(device)).sum()
            seen += len(labels)
    return float(right) / seen


# In what torch says of a tensor that a layer does not take; tests/train/test_shapes_refused.py lets it say each.
OF_SHAPES = ("shape", "size", "channels", "dimension", "elements not")


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """The model is in eval mode in the block; after it every module is in the mode it was in."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _check_finite(logits: Tensor, data: Batches, number: int, where: str) -> None:
    """Every logit [N, classes] is a number: the argmax of NaN would be taken for a prediction."""
    finite = torch.isfinite(logits)
    if bool(finite.all()):
        return
    place = int((~finite).any(1).int().argmax())
    label = int((~finite[place]).int().argmax())
    raise ValueRangeError(
        "a logit is not finite",
        where=f"{where}, {data.name(number, place)}",
        got=f"{logits[place, label].item()} for class {label}, of a sample that is finite",
        expected="finite logits: the largest of others is no prediction",
        do="train again with a lower learning_rate, or load other weights",
    )


def readout(model: torch.nn.Module, x: Tensor) -> Tensor:
    """Mean over T of the logits [T, N, classes] of x [T, N, ...], in float32 or wider.

    Raises:
        ShapeError: the model gives something else, or a layer of torch's does not take x.
    """
    try:
        logits = model(x)
    except RuntimeError as error:
        said = (str(error).splitlines() or [""])[0]
        if isinstance(error, torch.cuda.OutOfMemoryError) or not any(word in said for word in OF_SHAPES):
            raise
        raise ShapeError(
            "the samples do not fit the model's layers",
            where=_layer_at_fault(model, error),
            got=f"{list(x.shape)}, read as [T, N, ...]: {said}",
            expected="samples, and values between layers, of the shape that the layers take",
            do="check the shape of a sample and the sizes of the layers; give steps=T where samples have no steps",
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 3 or logits.shape[:2] != x.shape[:2]:
        raise ShapeError(
            "the model gives no logits",
            where=type(model).__name__,
            got=f"shape {list(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__,
            expected=f"[T, N, classes] with T = {x.shape[0]}, N = {x.shape[1]}",
            do="leave out its nn.Readout, or its mean over T: training and evaluation take the mean themselves"
            if isinstance(logits, Tensor) and logits.ndim == 2 and len(logits) == x.shape[1]
            else "end it with nn.Flatten() and nn.Linear(features, classes)",
        )
    return (logits if logits.dtype == torch.float64 else logits.float()).mean(0)


def _layer_at_fault(model: torch.nn.Module, error: RuntimeError) -> str:
    """The innermost layer of a model whose forward an error came out of, by its path; the model where it is none."""
    paths = {id(m): path for path, m in model.named_modules()}
    selves = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__)]
    found = next((m for m in reversed(selves) if id(m) in paths), model)
    return f"{paths[id(found)]} ({type(found).__name__})" if found is not model else type(model).__name__


def check_model(model: object, verb: str) -> None:
    """Refuse what is no torch model.

    Args:
        model: what stands in the place of one. verb: what was to be done with it.

    Raises:
        UsageError: a class, a function, what `fit` returns, or something else; a model on PyTorch's meta device, which has shapes
            and no numbers.
    """
    if isinstance(model, torch.nn.Module):
        for path, tensor in (*model.named_parameters(), *model.named_buffers()):
            if tensor.is_meta:
                raise UsageError(
                    f"this model has no numbers to {verb}",
                    where=path,
                    got="a tensor on the meta device",
                    expected="weights on a CPU or a GPU",
                    do='build the model without torch.device("meta"), or model.to_empty(device="cpu") and load its weights',
                )
        return
    within = isinstance(getattr(model, "model", None), torch.nn.Module)
    raise UsageError(
        f"this is no model to {verb}",
        where="fit" if verb == "train" else verb,
        got=f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__,
        expected="a torch.nn.Module",
        do="pass its .model" if within else "call the class, or the function that builds the model, and pass what it returns",
    )


def check_weights(model: torch.nn.Module) -> None:
    """Every parameter is a number: a training that begins with another does not diverge, it came like this.

    Raises:
        ValueRangeError: the first that is not.
    """
    for path, p in model.named_parameters():
        if not bool(p.isfinite().all()):
            raise ValueRangeError(
                "a weight holds NaN or Inf",
                where=path,
                got=f"{int((~p.isfinite()).sum())} of {p.numel()} values, before the first step",
                expected="finite numbers",
                do="load other weights, or build the model again",
            )


def check_steps(got: int, expected: int | None, where: str) -> None:
    """T is what it was before.

    Args:
        got: T. expected: what T was, None: unknown. where: what the data are called in messages.

    Raises:
        ShapeError: it is not.
    """
    if expected is not None and got != expected:
        raise ShapeError(
            "the number of steps is not that of the training",
            where=where,
            got=f"T = {got}",
            expected=f"T = {expected}",
            do="bin events into as many steps, or show static samples as many times",
        )
