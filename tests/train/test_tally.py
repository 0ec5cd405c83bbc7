"""Means over an epoch weigh every sample alike, however the batches are cut."""

from __future__ import annotations

import pytest
import torch

from snn2hw import nn, train
from snn2hw.nn.observe import Seen
from snn2hw.train.tally import Tally
from tests.train import small

pytestmark = pytest.mark.torch


def observed(model: torch.nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, Seen]:
    with torch.no_grad(), nn.observe(model) as seen:
        return model(nn.repeat(x, 2)).mean(0), seen


@pytest.mark.parametrize("sizes", [(15,), (10, 5), (5, 10), (7, 7, 1), (1,) * 15])
def test_batches_of_any_size(sizes: tuple[int, ...]) -> None:
    model, (x, labels) = small.model().eval(), small.data(15)
    tally = Tally(torch.device("cpu"))
    for part, known in zip(x.split(sizes), labels.split(sizes), strict=True):  # type: ignore[no-untyped-call]
        logits, seen = observed(model, part)
        loss = torch.nn.functional.cross_entropy(logits, known)
        tally.add(loss, nn.balance_loss(seen) if len(sizes) == 1 else loss / 2, logits, known, seen)
    logits, seen = observed(model, x)
    whole = torch.nn.functional.cross_entropy(logits, labels)
    assert tally.samples == 15
    assert tally.loss == pytest.approx(float(whole), rel=1e-5)
    assert tally.accuracy == float((logits.argmax(1) == labels).sum()) / 15
    assert tally.balance == pytest.approx(float(nn.balance_loss(seen) if len(sizes) == 1 else whole / 2), rel=1e-5)
    assert tally.rates == pytest.approx({path: float(layer.rate.mean()) for path, layer in seen.items()}, rel=1e-5)


def test_the_loss_of_a_training_counts_a_smaller_last_batch_as_it_is() -> None:
    """15 samples in batches of 10, weights that stand still: the loss of the epoch is that of all samples together."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 12), nn.LIF(0.5, threshold=0.25), nn.Linear(12, small.CLASSES))
    data = small.data(15)
    recipe = train.Recipe(epochs=1, batch=10, learning_rate=1e-30, balance=0.0, coefficient_penalty=0.0, range_penalty=0.0)
    fitted = train.fit(model, data, steps=2, recipe=recipe, progress=False, device="cpu")
    logits, _ = observed(model, data[0])
    assert fitted.last.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, data[1])), rel=1e-5)
