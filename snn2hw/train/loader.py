"""A user's DataLoader as the batches of a training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from snn2hw.errors import UsageError
from snn2hw.train.checksums import of_data
from snn2hw.train.pairs import joined, not_empty, pair
from snn2hw.train.seeds import stream


class Loaded:
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
        if loader.collate_fn is default_collate:  # in a copy, as the loader is its user's
            self.loader = copy.copy(loader)
            self.loader.collate_fn = partial(joined, where=where)
        not_empty(self.size, where, "0 batches", f"batch_size={loader.batch_size}, drop_last={loader.drop_last}")

    def epoch(self, seed: int | None, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The loader's own batches, in its own order; seed None: with its generators as they are."""
        for holder in (self.loader, self.loader.sampler, getattr(self.loader.batch_sampler, "sampler", None)):
            generator = getattr(holder, "generator", None)
            if seed is not None and generator is not None:
                generator.manual_seed(stream(seed, number)[-1])
        empty = True
        for b in self.loader:
            empty = False
            yield pair(b, self.where, self.layout)
        not_empty(0 if empty else 1, self.where, "0 batches", f"although its length is {self.size}")

    def name(self, batch: int, place: int) -> str:
        """What a sample of a batch is called in messages."""
        return f"batch {batch}, place {place}"

    def checksum(self) -> str | None:
        """What tells the loader's data from others, where its Dataset says it."""
        return of_data(self.loader.dataset)
