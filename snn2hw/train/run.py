"""What a training is made of while it runs, and one pass over its data."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cached_property, partial
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from snn2hw import nn
from snn2hw.errors import ShapeError
from snn2hw.nn.observe import Seen
from snn2hw.train import devices
from snn2hw.train.batches import Batches
from snn2hw.train.checkpoint import DATA
from snn2hw.train.evaluation import check_steps, evaluating, readout, share_right
from snn2hw.train.history import Epoch
from snn2hw.train.one_batch import augmented, check_labels, check_numbers, mixed, own_dtype, real, stepped, warn_of_time
from snn2hw.train.optimisers import FACTOR, optimiser, schedule
from snn2hw.train.progress import Reporter
from snn2hw.train.recipe import Recipe
from snn2hw.train.seeds import seeded
from snn2hw.train.tally import Tally, guard_bounds, stop_if_undefined, warn_of_silence

OBSERVED = 8  # every so many batches, and the last of an epoch: looking at every membrane costs time


class Run:
    """Model, data, optimiser and precision; `length` is T once a batch has been seen."""

    def __init__(
        self,
        model: torch.nn.Module,
        data: Batches,
        validation: Batches | None,
        steps: int | None,
        recipe: Recipe,
        seed: int,
        device: str | torch.device,
    ) -> None:
        self.model, self.data, self.validation, self.steps = model, data, validation, steps
        self.recipe, self.seed, self.device = recipe, seed, devices.device(device)
        self.precision = devices.Precision(recipe, self.device)
        self.optimiser = optimiser(model.to(self.device), recipe)
        self.share = schedule(recipe, recipe.epochs * data.size)
        self.length, self.classes, self.dtype = steps, 0, own_dtype(model)
        self.warned: set[str] = set()

    def epoch(self, number: int, report: Reporter) -> Epoch:
        """The epoch of this number, from 1: every batch a step, then the validation."""
        begun, done, tally = perf_counter(), (number - 1) * self.data.size, Tally(self.device)
        self.model.train()
        with seeded(self.seed, number):
            for b, (x, labels) in enumerate(self.data.epoch(self.seed, number)):
                for group in self.optimiser.param_groups:
                    group["lr"] = self.recipe.learning_rate * self.share(done + b) * group[FACTOR]
                self._batch(x, labels, tally, number, b)
                report.batch(done + b + 1, partial(self._says, tally, number, b))
            validation = None
            if self.validation is not None:
                validation = share_right(self.model, self.validation, self.steps, "validation", self.length)
        warn_of_silence(tally.rates, self.warned, number)
        rate = float(self.optimiser.param_groups[0]["lr"])
        seconds = perf_counter() - begun
        return Epoch(number, tally.loss, tally.accuracy, validation, rate, tally.rates, tally.balance, seconds)

    def _says(self, tally: Tally, number: int, b: int) -> str:
        return f"epoch {number}/{self.recipe.epochs}  batch {b + 1}/{self.data.size}  {tally}"

    def _batch(self, x: Tensor, labels: Tensor, tally: Tally, number: int, b: int) -> None:
        recipe, known = self.recipe, labels
        check_numbers(x, self.data, b, "data")
        x, labels = real(x.to(self.device, non_blocking=True), self.dtype), labels.to(self.device, non_blocking=True)
        if self.length is None:
            warn_of_time(x, self.steps, self.data.layout, stacklevel=4)
        x = x if recipe.augment is None else augmented(x, recipe.augment)
        if recipe.mix is not None:
            self._check_before_mixing(x, known, number, b)
        x, wanted = (x, labels) if recipe.mix is None else mixed(x, labels, recipe.mix)
        shown = stepped(x, self.steps)
        check_steps(len(shown), self.length, f"data, epoch {number}, batch {b}")
        looks = recipe.balance > 0 or b % OBSERVED == 0 or b == self.data.size - 1
        nothing, balance = Seen(), None
        with nn.observe(self.model) if looks else nullcontext(nothing) as seen, self.precision.autocast:
            logits = readout(self.model, shown)
            self._check(known, wanted, logits, b)
            loss = torch.nn.functional.cross_entropy(logits, wanted, label_smoothing=recipe.label_smoothing)
            if looks:
                balance = nn.balance_loss(seen) if seen else torch.zeros((), device=self.device)  # no neurons, no balance
            if balance is not None and recipe.balance > 0:  # else its gradient would be computed for nothing
                loss = loss + recipe.balance * balance
            loss = loss + recipe.coefficient_penalty * nn.coefficient_penalty(self.model)
            loss = loss + recipe.range_penalty * nn.range_penalty(self.model)
        where = f"epoch {number}, batch {b}"
        if not looks and not bool(torch.isfinite(loss)):
            with torch.no_grad(), nn.observe(self.model) as seen, self.precision.autocast:  # once more, to say which layer it was
                readout(self.model, shown)
        stop_if_undefined(loss, seen, where)
        guard_bounds(self.model, seen, recipe, self.warned, where, untrained=number == 1 and b == 0)
        self.length = len(shown)
        self.precision.step(loss, self.optimiser, recipe.clip, where)
        tally.add(loss, balance, logits, labels, seen)

    def _check_before_mixing(self, x: Tensor, labels: Tensor, number: int, b: int) -> None:
        """Hard labels are classes of what mixes them, where it says how many it has, and of the model."""
        own, first = getattr(self.recipe.mix, "classes", None), self.classes == 0
        says = isinstance(own, int) and own > 0
        if first and not says:
            self.classes = self._classes(x, number)
        for classes, owner in ((self.classes, "the model"), (own if says else 0, "Recipe(mix)")):
            if classes:
                if first and self.data.labels is not None:
                    check_labels(self.data.labels, classes, self.data, None, "data", owner)
                check_labels(labels, classes, self.data, b, "data", owner)

    @torch.no_grad()
    def _classes(self, x: Tensor, number: int) -> int:
        """How many logits the model gives of a batch; it learns nothing of it, and draws nothing that the training would draw."""
        with seeded(self.seed, number), evaluating(self.model), self.precision.autocast:
            return readout(self.model, stepped(x, self.steps)).shape[1]

    def _check(self, labels: Tensor, wanted: Tensor, logits: Tensor, b: int) -> None:
        """Labels, hard and soft, fit the logits; those in memory all at once, before the first step."""
        first, self.classes = self.classes == 0, logits.shape[1]
        if first and self.data.labels is not None:
            check_labels(self.data.labels, self.classes, self.data, None, "data")
        check_labels(labels, self.classes, self.data, b, "data")
        if wanted.is_floating_point() and wanted.shape != logits.shape:
            raise ShapeError(
                "soft labels do not fit the logits",
                where="Recipe(mix)",
                got=f"shape {list(wanted.shape)}",
                expected=f"{list(logits.shape)}: [N, classes]",
                do="mix one-hot labels of as many classes as the model has",
            )

    @cached_property
    def sums(self) -> dict[str, str | None]:
        """What tells the data from others, for a checkpoint alone; a training without one does not look."""
        parts = {"data": self.data, "validation": self.validation}
        return {name: part.checksum() for name, part in parts.items() if part is not None}

    def facts(self) -> dict[str, Any]:
        """What a checkpoint must agree on to be resumed, of what is known."""
        return {
            "recipe": self.recipe.facts(),
            "seed": self.seed,
            "samples": self.data.samples,
            "batches": self.data.size,
            "steps": self.length,
            DATA: self.sums,
        }
