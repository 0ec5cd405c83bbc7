"""What the folder of a training keeps when two epochs are as good, and what a resumption has said already."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from snn2hw import nn, train
from snn2hw.errors import Snn2hwWarning
from snn2hw.train.checkpoint_folder import BEST, LAST
from tests.train import small

pytestmark = pytest.mark.torch
STILL = train.Recipe(epochs=3, batch=16, learning_rate=1e-30)  # weights stand still; the statistics of BatchNorm move


def test_of_epochs_that_are_as_good_the_first_stays_the_best(tmp_path: Path) -> None:
    best, last, scores = list[bytes](), list[bytes](), list[float | None]()

    def note(epoch: train.Epoch) -> None:
        best.append((tmp_path / BEST).read_bytes())
        last.append((tmp_path / LAST).read_bytes())
        scores.append(epoch.validation)

    validation = (small.data(1)[0], small.data(1)[1])
    train.fit(small.model(), small.data(), validation, steps=2, recipe=STILL, out=tmp_path, progress=False, on_epoch=note)
    assert len(set(scores)) == 1
    assert len(set(last)) == 3
    assert best == [last[0]] * 3


@pytest.mark.parametrize("stop", [1, 2])
def test_a_resumed_training_does_not_warn_of_the_same_layer_again(stop: int, tmp_path: Path) -> None:
    def made() -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return torch.nn.Sequential(
                nn.Flatten(), nn.Linear(32, 12), nn.LIF(0.5, threshold=3.9), nn.Linear(12, 4), nn.LIF(0.5), nn.Linear(4, 3)
            )

    def interrupt(epoch: train.Epoch) -> None:
        if epoch.number == stop:
            raise KeyboardInterrupt

    def run(resume: bool) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                train.fit(
                    made(), small.data(), steps=2, recipe=STILL, out=tmp_path, progress=False, resume=resume,
                    on_epoch=None if resume else interrupt,
                )  # fmt: skip
            except KeyboardInterrupt:
                assert not resume
        assert all(w.category is Snn2hwWarning for w in caught)
        return [str(w.message) for w in caught]

    first = run(False)
    assert [m.splitlines()[0] for m in first] == ["a layer is silent: nothing behind it can be learned from the input"] * len(
        first
    )
    assert len(first) >= 1
    assert run(True) == []
