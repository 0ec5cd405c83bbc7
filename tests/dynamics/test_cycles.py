"""Cycles of random maps, against following every state until it comes back."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.dynamics import cycles as module
from snn2hw.dynamics.cycles import Cycles, cycles


def by_hand(following: list[int], start: int) -> list[int]:
    """The states of the cycle that a state ends in."""
    seen: list[int] = []
    while start not in seen:
        seen.append(start)
        start = following[start]
    return sorted(seen[seen.index(start) :])


def members(found: Cycles, number: int) -> list[int]:
    start = int(found.starts[number])
    return found.on[start : start + int(found.lengths[number])].tolist()


@pytest.mark.parametrize("chunk", [7, 1 << 18])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 65, 500])
def test_random_maps(n: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    for seed in range(6):
        following = np.random.default_rng(seed).integers(0, n, n)
        found = cycles(following)
        ends = [by_hand(following.tolist(), state) for state in range(n)]
        for state in range(n):
            assert members(found, int(found.of[state])) == ends[state]
        lowest = found.on[found.starts].tolist()
        assert lowest == sorted({end[0] for end in ends})
        assert found.basins().tolist() == [sum(e[0] == low for e in ends) / n for low in lowest]


def test_permutations_are_cycles_only() -> None:
    following = np.random.default_rng(0).permutation(100)
    found = cycles(following)
    assert sorted(found.on.tolist()) == list(range(100))
    one = cycles(np.roll(np.arange(100), 1))
    assert one.lengths.tolist() == [100]
    every = cycles(np.arange(100))
    assert every.lengths.tolist() == [1] * 100


def test_a_long_way_to_a_long_cycle() -> None:
    """999 states in a line lead to a cycle of 1000."""
    found = cycles(np.append(np.arange(1, 1999), 999))
    assert found.lengths.tolist() == [1000]
    assert found.basins().tolist() == [1.0]
