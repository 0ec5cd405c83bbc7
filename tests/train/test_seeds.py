"""Random streams: a function of seed and epoch, and nothing outside notices."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest
import torch

from snn2hw.errors import ValueRangeError
from snn2hw.train import seeded

pytestmark = pytest.mark.torch


def drawn(seed: int, epoch: int) -> tuple[float, float, float, float]:
    with seeded(seed, epoch) as generator:
        return float(torch.rand(())), float(np.random.rand()), random.random(), float(torch.rand((), generator=generator))


def test_a_function_of_seed_and_epoch() -> None:
    random.random(), torch.rand(3), np.random.rand()
    assert drawn(3, 5) == drawn(3, 5)
    streams = [drawn(*key) for key in ((3, 5), (5, 3), (3, 6), (0, 0), (2**40, 0))]
    assert len({value for stream in streams for value in stream}) == 20


def test_outside_is_as_it_was() -> None:
    states = random.getstate(), torch.get_rng_state(), np.random.get_state()[1]
    with contextlib.suppress(KeyError), seeded(1):
        torch.rand(2), np.random.rand(), random.random()
        raise KeyError
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    assert np.array_equal(np.random.get_state()[1], states[2])


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueRangeError, match="seed is out of range"), seeded(-1):
        pass
