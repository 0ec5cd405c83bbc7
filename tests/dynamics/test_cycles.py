"""Cycles of random maps, against following every state until it comes back."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.dynamics.cycles import cycles


def by_hand(following: list[int], start: int) -> list[int]:
    """The cycle that a state ends in, from its lowest state on."""
    seen: list[int] = []
    while start not in seen:
        seen.append(start)
        start = following[start]
    cycle = seen[seen.index(start) :]
    turn = cycle.index(min(cycle))
    return cycle[turn:] + cycle[:turn]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 65, 500])
def test_random_maps(n: int) -> None:
    for seed in range(6):
        following = np.random.default_rng(seed).integers(0, n, n)
        found = cycles(following)
        for state in range(n):
            assert found.members[int(found.of[state])].tolist() == by_hand(following.tolist(), state)
        assert sum(found.basin(k) for k in range(len(found.members))) == pytest.approx(1)


def test_permutations_are_cycles_only() -> None:
    following = np.random.default_rng(0).permutation(100)
    found = cycles(following)
    assert sorted(s for m in found.members for s in m.tolist()) == list(range(100))
    one = cycles(np.roll(np.arange(100), 1))
    assert [len(m) for m in one.members] == [100]
