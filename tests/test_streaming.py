"""`simulate` reads its samples as they are needed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.fast.executor import Fast
from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.store import make_artefact
from tests.hand_networks import compiled as compiled_network
from tests.hand_networks import every_kind, every_kind_sample
from tests.refused import refused


@pytest.fixture(scope="module")
def artefact() -> snn2hw.Artefact:
    return make_artefact(compiled_network(every_kind(), every_kind_sample()).network)


def samples(artefact: snn2hw.Artefact, number: int) -> Any:
    given = np.asarray(every_kind_sample())
    axis = 0 if artefact.network.input.static else 1
    return np.take(given, np.arange(number) % given.shape[axis], axis)


def test_an_array_on_disk_an_iterator_and_an_array_are_the_same(artefact: snn2hw.Artefact, tmp_path: Path) -> None:
    x = samples(artefact, 150)
    np.save(tmp_path / "x.npy", x)
    axis = 0 if artefact.network.input.static else 1
    parts = iter(np.array_split(x, [10, 100], axis))
    wanted = snn2hw.simulate(artefact, x).arrays()
    for given in (np.load(tmp_path / "x.npy", mmap_mode="r"), parts):
        got = snn2hw.simulate(artefact, given).arrays()
        assert wanted.keys() == got.keys()
        assert all(np.array_equal(wanted[k], got[k]) for k in wanted)


def test_progress_knows_the_end_of_arrays(artefact: snn2hw.Artefact) -> None:
    seen: list[tuple[str, int, int]] = []
    snn2hw.simulate(artefact, samples(artefact, 150), progress=lambda *a: seen.append(a))
    assert seen == [("reference", 64, 150), ("reference", 128, 150), ("reference", 150, 150)]


def test_memory_is_that_of_a_batch(artefact: snn2hw.Artefact) -> None:
    """Ten times the samples, and what is kept at most does not grow by more than the readouts."""

    def peak(number: int) -> int:
        some = samples(artefact, 64)
        tracemalloc.start()
        trace = snn2hw.simulate(artefact, (some for _ in range(number)), traces=False)
        assert len(trace.readout) == 64 * number
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most - trace.readout.nbytes * 2

    peak(1)
    few, many = peak(3), peak(30)
    assert many < 1.2 * few, (few, many)


def test_a_batch_that_does_not_fit_and_none_at_all(artefact: snn2hw.Artefact) -> None:
    def spoilt() -> Iterator[Any]:
        yield samples(artefact, 2)
        yield samples(artefact, 2) + 1e6

    with pytest.raises(ValueRangeError, match="the input is outside its declared range"):
        snn2hw.simulate(artefact, spoilt())
    with refused(
        ShapeError,
        """
        there are no samples
          where:    samples
          got:      an iterator without a batch
          expected: one batch at least
          do:       make the iterator again where it was read before
        """,
    ):
        snn2hw.simulate(artefact, iter([]))


def test_auto_is_the_fastest_that_runs_and_says_what_does_not(artefact: snn2hw.Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    x = samples(artefact, 3)
    wanted = snn2hw.simulate(artefact, x).readout
    if not Fast().unavailable():
        assert (snn2hw.simulate(artefact, x, "auto").readout == wanted).all()
    monkeypatch.setattr(Fast, "unavailable", lambda self: "there is no C compiler")
    with pytest.warns(UserWarning, match=r"^auto: onnxruntime runs, not fast: there is no C compiler$"):
        assert (snn2hw.simulate(artefact, x, "auto").readout == wanted).all()
