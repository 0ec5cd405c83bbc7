"""Memory is used again once nobody holds it, and never before."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from snn2hw import room
from snn2hw.room import ALIGNED, Room

WANTED: list[Any] = [((3, 5), "int8"), ((2, 7, 1), "int16"), ((0, 4), "int32"), ((4,), "int64")]


def at(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def test_arrays_are_apart_and_aligned_as_far_as_their_block_is() -> None:
    arrays = Room().arrays(WANTED)
    assert [(a.shape, a.dtype.name) for a in arrays] == WANTED
    for number, array in enumerate(arrays):
        array[...] = number
    assert [set(a.ravel().tolist()) for a in arrays] == [{0}, {1}, set(), {3}]
    assert {(at(a) - at(arrays[0])) % ALIGNED for a in arrays if a.size} == {0}
    assert Room().arrays([]) == []


def test_a_block_is_lent_again_when_its_last_view_is_gone() -> None:
    lender = Room()
    first = lender.arrays(WANTED)
    place, view = at(first[0]), first[1].transpose()[:, :1]
    del first
    gc.collect()
    assert lender.free == {}  # a view of one of them holds the block
    second = lender.arrays(WANTED)
    assert at(second[0]) != place
    del view
    gc.collect()
    assert at(lender.arrays(WANTED)[0]) == place


@pytest.mark.parametrize(("size", "again"), [(1000, True), (501, True), (499, False), (1001, False)])
def test_a_block_is_not_lent_for_much_less_or_for_more(size: int, again: bool) -> None:
    lender = Room()
    block = lender._lent(1000)
    place = at(block)
    del block
    gc.collect()
    assert (at(lender._lent(size)) == place) == again


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 1000)
    lender = Room()
    small, other, large = lender._lent(600), lender._lent(500), lender._lent(1001)
    del small
    gc.collect()
    assert [b.size for b in lender.free.values()] == [600]
    del other  # both together are too many: the older goes
    gc.collect()
    assert [b.size for b in lender.free.values()] == [500]
    del large
    gc.collect()
    assert sum(b.size for b in lender.free.values()) <= 1000


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 2, 4), (0, 2)])
def test_joined_is_concatenate_in_the_layout_of_the_parts(order: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    rng, parts = np.random.default_rng(0), []
    for n in sizes:
        shape = (4, n, 5)
        laid = rng.integers(-100, 100, [shape[k] for k in order]).astype(np.int16)
        parts.append(laid.transpose(np.argsort(order)))
    joined = Room().joined(parts, axis=1)
    assert np.array_equal(joined, np.concatenate(parts, axis=1))
    assert joined.dtype == np.int16
    assert joined.transpose(order).flags.c_contiguous or min(sizes) < 2  # an axis of one place lies anywhere


def test_threads_never_share_a_block() -> None:
    lender, faults = Room(), []

    def work(number: int) -> None:
        for turn in range(200):
            (mine,) = lender.arrays([((256,), "int64")])
            mine[...] = value = 1000 * number + turn
            if not (mine == value).all():
                faults.append(value)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert faults == []
