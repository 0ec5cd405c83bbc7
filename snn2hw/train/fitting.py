"""The training loop: epochs, each a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from snn2hw.errors import UsageError
from snn2hw.run.forks import one_torch_thread
from snn2hw.train.batches import Data, batches, laid_out
from snn2hw.train.checkpoint_folder import Store
from snn2hw.train.evaluation import check_model, check_weights
from snn2hw.train.history import Epoch, Fitted
from snn2hw.train.progress import reporter, tensorboarding
from snn2hw.train.recipe import USUAL, Recipe
from snn2hw.train.run import Run


def fit(
    model: torch.nn.Module,
    data: Data,
    validation: Data | None = None,
    *,
    steps: int | None = None,
    layout: str | None = None,
    recipe: Recipe = USUAL,
    seed: int = 0,
    out: str | Path | None = None,
    resume: Literal["auto"] | bool = "auto",
    device: str | torch.device = "auto",
    progress: bool = True,
    tensorboard: str | Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fitted:
    """Train a classifier [T, N, ...] -> logits [T, N, classes], whose prediction is the largest of their mean over T.

    The weights are where they were given: seed torch before building the model. All else that is random (order, augmentation,
    dropout, workers) starts in every epoch from (seed, epoch). On a CPU the same weights, data, recipe and seed give the same
    weights, bit for bit, with the same torch and the same number of threads (torch.set_num_threads); and a training that was
    killed and is resumed ends where it would have ended.

    Args:
        model: any torch.nn.Module; it is trained in place and moved to the device.
        data: (samples [N, ...], labels [N]); a Dataset of (sample, label) with a length; or a DataLoader of (samples, labels)
            with a length, which keeps its own batches, order and workers, and needs fresh workers in every epoch and no state
            but torch's, numpy's and random's generators. Samples are taken in the type of the weights; labels
            are whole numbers 0..classes-1.
        validation: data in the same forms, evaluated after every epoch.
        steps: T, for static samples, shown T times. None: samples are temporal, [T, ...] each, so [N, T, ...] together.
        layout: of temporal samples: "NT" for [N, T, ...], as taken where nothing is said, since every sample stands beside its
            label; "TN" for tensors, or batches of a DataLoader, [T, N, ...], which `snn2hw.compile` takes.
        recipe: everything that is tuned.
        seed: of everything random, >= 0.
        out: folder for checkpoint.safetensors, history.jsonl and the weights last.safetensors and best.safetensors (where
            there is validation), written after every epoch.
        resume: "auto": go on from the checkpoint in out where there is one; True: it must be there; False: start afresh.
        device: "auto" is CUDA where there is one.
        progress: a bar on a terminal, else a line every few epochs; nothing where False.
        tensorboard: folder to write TensorBoard's events into.
        on_epoch: called with every epoch once its checkpoint is written.

    Raises:
        UsageError: an argument of the wrong form, no batch, nothing to train, a device that is not here, fp16 without CUDA.
        ShapeError: data or logits of the wrong shape, or T of the data not that of the training.
        ValueRangeError: a sample that holds NaN or Inf; a label out of range; a training that diverged, with the layer and step
            (`Recipe.guard`); a validation whose logits are not finite.
        CheckpointError: of another model, recipe, seed or data, or no checkpoint.
        MissingExtraError: tensorboard is not installed.
        KeyboardInterrupt: as it was raised, saying what is kept.

    Warns:
        Snn2hwWarning: samples that seem to have no axis of time where neither steps nor layout is given: images, or a single
            step; N = T; a layer that did not fire in a whole epoch, or most of whose membranes are at a bound; a resumption on
            other threads, device or torch.
    """
    one_torch_thread()
    check_model(model, "train")
    if not isinstance(recipe, Recipe):
        raise UsageError(
            "this is no recipe", where="fit", got=type(recipe).__name__, expected="a Recipe", do="pass recipe=train.Recipe(...)"
        )
    if on_epoch is not None and not callable(on_epoch):
        raise UsageError(
            "on_epoch cannot be called",
            where="fit",
            got=repr(on_epoch),
            expected="a function of an Epoch, or None",
            do="pass on_epoch=None or a function",
        )
    if resume not in ("auto", True, False):
        raise UsageError(
            "unknown resume", where="fit", got=repr(resume), expected="'auto', True or False", do="pass resume as one of these"
        )
    for given, called in ((data, "data"), (validation, "validation")):
        if given is not None:
            laid_out(given, layout, steps, called)
    source = batches(data, recipe.batch, "data", workers=recipe.workers, drop_last=recipe.drop_last, layout=layout)
    check = None
    if validation is not None:
        check = batches(validation, recipe.batch, "validation", workers=recipe.workers, layout=layout)
    run = Run(model, source, check, steps, recipe, seed, device)
    store = Store(out, resume)
    history = store.resume(run)
    check_weights(model)
    with reporter(recipe.epochs, source.size, progress) as report, tensorboarding(tensorboard, len(history)) as board:
        try:
            for number in range(len(history) + 1, recipe.epochs + 1):
                history.append(run.epoch(number, report))
                store.save(run, history)
                report.epoch(history[-1])
                board(history[-1])
                if on_epoch is not None:
                    on_epoch(history[-1])
        except KeyboardInterrupt:
            raise KeyboardInterrupt(store.kept(len(history), recipe.epochs)) from None
    return Fitted(model.eval(), history)
