"""Samples that seem to have no axis of time are asked for the number of steps; nothing else is."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from snn2hw import nn, train
from snn2hw.errors import Snn2hwWarning
from tests.train import small

pytestmark = pytest.mark.torch

ONCE = train.Recipe(epochs=2, batch=4, guard="off")
LOOKS = "the samples look like images, but an axis of theirs is taken as time"
SINGLE = "the samples have a single step: no neuron ever uses the state that it keeps"


def flat(*shape: int) -> torch.nn.Module:
    """A model that takes samples of this shape, whatever it is: images without their channels, too."""
    torch.manual_seed(0)
    inputs = int(torch.tensor(shape).prod())
    return torch.nn.Sequential(nn.Flatten() if len(shape) > 1 else torch.nn.Identity(), nn.Linear(inputs, 3), nn.IF())


def told(call: Any) -> list[str]:
    """The first lines of the warnings about time, which stand where the user calls."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [w for w in caught if str(w.message).startswith((LOOKS, SINGLE))]
    assert all(w.category is Snn2hwWarning and w.filename == __file__ for w in found)
    return [str(w.message).split("\n")[0] for w in found]


def forms(shape: tuple[int, ...]) -> list[Any]:
    x, labels = small.data(8, shape=shape)
    return [(x, labels), TensorDataset(x, labels), DataLoader(TensorDataset(x, labels), batch_size=4)]


@pytest.mark.parametrize("form", range(3))
@pytest.mark.parametrize(("shape", "said"), [((1, 8, 8), LOOKS), ((3, 8, 8), LOOKS), ((1, 5), SINGLE), ((1, 2, 4, 4), SINGLE)])
def test_samples_without_an_axis_of_time_are_asked_for_steps(form: int, shape: tuple[int, ...], said: str) -> None:
    """Once a training, before its first step, in whatever form the data come; and by an evaluation."""
    model, data = flat(*shape[1:]), forms(shape)[form]
    assert told(lambda: train.fit(model, data, data, recipe=ONCE, progress=False)) == [said]
    assert told(lambda: train.evaluate(model, data)) == [said]


@pytest.mark.parametrize("shape", [(2, 8, 8), (4, 8, 8), (3, 2, 8), (3, 2, 4, 4), (2, 5), (3, 5)])
def test_event_frames_and_vectors_are_taken_without_a_word(shape: tuple[int, ...]) -> None:
    for data in forms(shape):
        model = flat(*shape[1:])
        assert told(lambda: train.fit(model, data, recipe=ONCE, progress=False)) == []  # noqa: B023
        assert told(lambda: train.evaluate(model, data)) == []  # noqa: B023


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 5)])
def test_who_states_steps_or_a_layout_is_not_asked(shape: tuple[int, ...]) -> None:
    for data in forms(shape):
        for model, said in ((flat(*shape), {"steps": 2}), (flat(*shape[1:]), {"layout": "NT"})):
            assert told(lambda: train.fit(model, data, recipe=ONCE, progress=False, **said)) == []  # noqa: B023
            assert told(lambda: train.evaluate(model, data, **said)) == []  # noqa: B023


def test_the_whole_warning() -> None:
    with pytest.warns(Snn2hwWarning) as caught:
        train.evaluate(flat(8, 8), small.data(8, shape=(3, 8, 8)))
    assert str(caught[0].message).split("\n") == [
        LOOKS,
        "  where:    samples",
        "  got:      [8, 3, 8, 8], taken as [N, T, ...]: 8 samples of 3 steps",
        '  expected: steps=T for images [N, C, H, W], each shown T times; layout="NT" for this',
        "  cause:    the second axis has 3, as that of colour images has",
        "  do:       give steps (--steps on the command line), or state the layout",
    ]
    with pytest.warns(Snn2hwWarning) as caught:
        train.evaluate(flat(5), small.data(8, shape=(1, 5)))
    assert str(caught[0].message).split("\n")[2:5] == [
        "  got:      [8, 1, 5], taken as [N, T, ...]: 8 samples of 1 step",
        '  expected: steps=T for static samples [N, ...], each shown T times; layout="NT" for this',
        "  cause:    nobody said how many steps there are, so that they are the second axis",
    ]
