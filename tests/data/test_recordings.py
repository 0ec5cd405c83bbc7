"""What recordings of event cameras have in common: the same words for the same fault, in every data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.data import CIFAR10DVS, NMNIST, DVSGesture
from snn2hw.data.recordings import descending, off_sensor
from snn2hw.errors import Snn2hwError

pytestmark = pytest.mark.torch


def test_the_first_event_that_is_off_the_sensor() -> None:
    x, y = np.array([0, 3, 4, 1]), np.array([3, 0, 1, 9])
    assert off_sensor(x, y, 4, 4) == "column 4, row 1 in event 2; 2 of 4 events are off the sensor"
    assert off_sensor(x[:2], y[:2], 4, 4) == off_sensor(x[:0], y[:0], 4, 4) == ""


def test_the_first_event_that_goes_back_in_time() -> None:
    assert descending(np.array([5, 5, 7, 6, 2])) == "6 us behind 7 us in event 3"
    assert descending(np.array([5, 5, 70, 66, 65]), most=4) == "65 us behind 70 us in event 4"
    assert descending(np.array([5, 5, 70, 66, 69]), most=4) == ""
    assert descending(np.array([5, 5, 7])) == descending(np.array([])) == ""


@pytest.mark.parametrize(
    ("kind", "name", "side"), [(NMNIST, "N-MNIST", 34), (CIFAR10DVS, "CIFAR10-DVS", 128), (DVSGesture, "DVS-Gesture", 128)]
)
def test_frames_are_asked_for_alike(kind: Any, name: str, side: int, tmp_path: Any) -> None:
    for asked in (
        {"split": "all"},
        {"by": "number"},
        {"steps": 0},
        {"steps": 2.5},
        {"steps": 10**9},
        {"size": side + 1},
        {"size": 0},
    ):
        with pytest.raises(Snn2hwError) as caught:
            kind(tmp_path, **asked)
        assert caught.value.where == name
        assert next(iter(asked)) in str(caught.value)
