"""Which samples which choices run."""

from __future__ import annotations

import pytest

from snn2hw.errors import UsageError
from snn2hw.exploration.plan import CHUNK, going_on, rounds
from snn2hw.exploration.point import Front, Point, Setting, layers_of_front, settings_of


@pytest.mark.parametrize("samples", [1, 511, 512, 1000, 4096, 16 * CHUNK + 3, 100_000])
@pytest.mark.parametrize("halving", [False, True])
def test_all_rounds_together_run_every_sample_once(samples: int, halving: bool) -> None:
    plan = rounds(samples, halving)
    ran = sorted(n for each in plan for some in each for n in range(some.start, some.stop, some.step))
    assert ran == list(range(samples))
    assert all(0 < some.count <= CHUNK for each in plan for some in each)
    assert len(plan) == (3 if halving and samples >= 512 else 1)
    if len(plan) == 3:
        first, second = (sum(some.count for some in each) for each in plan[:2])
        assert abs(first - samples / 16) <= 1
        assert abs(first + second - samples / 4) <= 4


def at(n: int, memory: int | None, accuracy: float, refused: str = "", samples: int = 10_000) -> Point:
    return Point(Setting(n, 8, "auto", "t"), samples, True, accuracy, weight_memory=memory, state_memory=0, refused=refused)


POINTS = [at(2, 10, 0.5), at(3, 20, 0.5), at(4, 20, 0.9), at(5, 30, 0.9), at(6, 40, 0.95), at(7, 50, 0.1), at(8, None, 1.0)]


def names(points: list[Point]) -> list[int]:
    return [p.setting.weight_bits for p in points]


def test_fronts_stand_one_behind_another() -> None:
    assert [names(front) for front in layers_of_front(POINTS, "memory")] == [[2, 4, 6], [3, 5], [7]]
    assert names(list(Front(tuple(POINTS), "memory", 10).pareto)) == [2, 4, 6]


def test_points_that_are_alike_are_on_the_front_together() -> None:
    assert [names(f) for f in layers_of_front([at(3, 5, 0.5), at(2, 5, 0.5)], "memory")] == [[2, 3]]


def test_the_better_half_goes_on_and_the_first_front_as_a_whole() -> None:
    assert [s.weight_bits for s in going_on(POINTS, "memory")] == [2, 4, 5, 6]
    rising = [at(n, n, n / 10) for n in range(2, 9)]
    assert [s.weight_bits for s in going_on(rising, "memory")] == [2, 3, 4, 5, 6, 7, 8]
    assert going_on([at(2, 1, 0.5, refused="too wide")], "memory") == []


def test_what_the_samples_do_not_tell_apart_goes_on() -> None:
    """0.80 against 0.808 is chance on 250 samples, and a difference on 100,000; 0.5 is behind on both."""
    for samples, expected in ((250, [2, 3]), (100_000, [2])):
        near = [at(2, 10, 0.808, samples=samples), at(3, 20, 0.8, samples=samples)]
        assert [s.weight_bits for s in going_on(near, "memory")] == expected
        far = [at(2, 10, 0.808, samples=samples), at(3, 20, 0.5, samples=samples)]
        assert [s.weight_bits for s in going_on(far, "memory")] == [2]
    twice = [at(2, 10, 0.9), at(3, 20, 0.8), at(4, 30, 0.7), at(5, 40, 0.6)]
    assert [s.weight_bits for s in going_on(twice, "memory")] == [2, 3]


def test_combinations_are_each_there_once() -> None:
    found = settings_of((4, 2, 4), (8,), "auto", ["b", "a"])
    assert list(map(str, found)) == ["w2 s8 auto a", "w2 s8 auto b", "w4 s8 auto a", "w4 s8 auto b"]
    with pytest.raises(UsageError, match="there is nothing to explore"):
        settings_of((), (8,), "auto", "a")
