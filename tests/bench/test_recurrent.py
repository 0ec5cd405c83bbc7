"""The benchmark of recurrent training: both ways train. Nothing is timed."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from bench.recurrent import FLOATS, INTEGERS, NEURONS, ways  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", NEURONS)
def test_every_way_trains(name: str) -> None:
    found = ways(NEURONS[name](), 3, 2, 4)
    assert list(found) == [FLOATS, INTEGERS]
    for step in found.values():
        step()
