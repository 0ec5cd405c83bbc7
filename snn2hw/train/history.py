"""What a training has to tell: one record per epoch, and what it returns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from snn2hw.shown import brief


@dataclass(frozen=True)
class Epoch:
    """One pass over the data.

    Args:
        number: from 1.
        loss: mean over the samples, penalties included.
        accuracy: share of right predictions while it was training, in 0..1.
        validation: share of right predictions on the validation data after it, in 0..1; None where there are none.
        learning_rate: of its last step.
        rates: layer by its path: mean firing rate, in spikes per neuron and step, of every eighth batch and the last; of all
            where the recipe balances.
        balance: mean of the positive-negative balance loss, without its weight, of the same batches.
        seconds: of wall time, validation included.
    """

    number: int
    loss: float
    accuracy: float
    validation: float | None
    learning_rate: float
    rates: Mapping[str, float] = field(default_factory=dict)
    balance: float = 0.0
    seconds: float = 0.0

    def score(self) -> float:
        """What the best epoch has most of: validation accuracy, or training accuracy without validation."""
        return self.accuracy if self.validation is None else self.validation

    def __str__(self) -> str:
        validation = "" if self.validation is None else f"  validation {self.validation:.4f}"
        rate = sum(self.rates.values()) / max(len(self.rates), 1)
        return f"epoch {self.number:2d}  loss {self.loss:.4f}  accuracy {self.accuracy:.4f}{validation}  rate {rate:.3f}"


@dataclass(frozen=True)
class Fitted:
    """A trained model.

    Args:
        model: that which was given, with the weights of the last epoch, in eval mode.
        history: the epochs, from the first on, those before a resumption included.
    """

    model: torch.nn.Module
    history: list[Epoch]

    __repr__ = brief

    @property
    def last(self) -> Epoch:
        """The last epoch."""
        return self.history[-1]

    @property
    def best(self) -> Epoch:
        """The first epoch of highest validation accuracy; without validation, of highest training accuracy."""
        return max(self.history, key=Epoch.score)


def lines(history: list[Epoch]) -> bytes:
    """One line of JSON per epoch."""
    return "".join(json.dumps(asdict(e)) + "\n" for e in history).encode()


def read(records: list[dict[str, Any]]) -> list[Epoch]:
    """Epochs of what `asdict` made of them."""
    return [Epoch(**r) for r in records]
