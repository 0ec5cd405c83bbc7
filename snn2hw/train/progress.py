"""Progress of a training: a bar on a terminal, a line every few epochs elsewhere, or nothing; TensorBoard if asked for."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from snn2hw.errors import MissingExtraError
from snn2hw.train.history import Epoch

LINES = 10  # of a training that is not on a terminal, about
REFRESH = 0.1  # seconds; what the bar says has to be fetched from the device


class Reporter(Protocol):
    """Is told what happens."""

    def batch(self, done: int, says: Callable[[], str]) -> None:
        """So many batches are done, of all epochs; `says` is called where its answer is shown."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""


@contextlib.contextmanager
def reporter(epochs: int, batches: int, progress: bool) -> Iterator[Reporter]:
    """A reporter for `epochs` epochs of `batches` batches.

    Args:
        epochs, batches: how many there are, batches in one epoch.
        progress: a bar on a terminal, else a line every few epochs; nothing where False.
    """
    if progress and sys.stdout.isatty():
        columns = (TextColumn("training"), BarColumn(), TextColumn("{task.fields[line]}", markup=False), TimeRemainingColumn())
        with Progress(*columns) as bar:
            yield _Bar(bar, epochs * batches)
    else:
        yield _Lines(epochs if progress else 0)


class _Bar:
    def __init__(self, bar: Progress, total: int) -> None:
        self.bar, self.task, self.shown = bar, bar.add_task("training", total=total, line=""), 0.0

    def batch(self, done: int, says: Callable[[], str]) -> None:
        if time.monotonic() - self.shown >= REFRESH:
            self.bar.update(self.task, completed=done, line=says())
            self.shown = time.monotonic()

    def epoch(self, epoch: Epoch) -> None:
        self.bar.console.print(str(epoch), highlight=False, markup=False)


class _Lines:
    def __init__(self, epochs: int) -> None:
        self.epochs, self.every = epochs, max(1, epochs // LINES)

    def batch(self, done: int, says: Callable[[], str]) -> None:
        pass

    def epoch(self, epoch: Epoch) -> None:
        if self.epochs and (epoch.number % self.every == 0 or epoch.number == self.epochs):
            print(f"{epoch}  ({epoch.number}/{self.epochs})", flush=True)


@contextlib.contextmanager
def tensorboarding(folder: str | Path | None, done: int) -> Iterator[Callable[[Epoch], None]]:
    """Writes epochs into a folder for TensorBoard, where there is one; those after `done` of an earlier run are forgotten.

    Raises:
        MissingExtraError: the package tensorboard is not installed.
    """
    if folder is None:
        yield lambda epoch: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as missing:
        raise MissingExtraError("tensorboard", "tensorboard", "fit(tensorboard=...)") from missing
    with SummaryWriter(str(folder), purge_step=done + 1) as writer:

        def write(epoch: Epoch) -> None:
            values = {name: getattr(epoch, name) for name in ("loss", "accuracy", "validation", "learning_rate", "balance")}
            for name, value in (values | {f"rate/{layer}": rate for layer, rate in epoch.rates.items()}).items():
                if value is not None:
                    writer.add_scalar(name, value, epoch.number)

        yield write
