"""Samples in several files, in .npz files and in Zarr arrays are the values of one array, read where they are used."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ShapeError, UsageError
from snn2hw.files.mapped import Mapped
from snn2hw.files.stored import Part, Stored, pieces
from snn2hw.verification.batches import Samples
from tests.hand_networks import counts, every_kind, every_kind_sample, lif, linear, network, readout
from tests.refused import refused

X = np.random.default_rng(0).random((23, 3, 4)).astype(np.float32)


def shards(folder: Path, x: Any, axis: int, kind: str = "npy") -> Path:
    """Parts of 1 to 13 samples in files part-0, part-1, ... part-10, ..."""
    folder.mkdir()
    at = 0
    for number, size in enumerate((2, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 12)):
        part = np.take(x, range(at, at + size), axis)
        if kind == "npz":
            np.savez(folder / f"part-{number}.npz", samples=part, other=np.zeros(3))
        else:
            np.save(folder / f"part-{number}.npy", part)
        at += size
    assert at == x.shape[axis]
    return folder


def in_zarr(folder: Path, x: Any) -> Path:
    zarr = pytest.importorskip("zarr")
    zarr.save_array(str(folder), x)
    return folder


@pytest.fixture(params=["npy", "npz", "zarr"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    folder = in_zarr(tmp_path / "x", X) if request.param == "zarr" else shards(tmp_path / "x", X, 0, request.param)
    return snn2hw.open_samples(folder)


def test_it_is_the_array(stored: Any) -> None:
    assert isinstance(stored, Stored)
    assert (stored.shape, stored.dtype, stored.ndim, len(stored), stored.nbytes) == (X.shape, X.dtype, 3, 23, X.nbytes)
    np.testing.assert_array_equal(np.asarray(stored), X)
    for start, stop in product((None, 0, 2, 5, 22, -3), (None, 0, 3, 11, 40, -1)):
        some = stored[start:stop]
        assert isinstance(some, Stored)
        np.testing.assert_array_equal(np.asarray(some), X[start:stop])
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(some.sent()))), X[start:stop])  # noqa: S301  (our own)
    for key in (4, (slice(2, 9), slice(1, 3)), (slice(1, 20, 3),), (Ellipsis, 0), (slice(None), 1), np.array([3, 1])):
        np.testing.assert_array_equal(stored[key], X[key])
    assert np.asarray(stored, np.float64).dtype == np.float64


def test_a_copy_is_one_where_it_is_asked_for(stored: Any, tmp_path: Path) -> None:
    """As NumPy 2 asks: copy=True never gives what others hold, copy=False nothing that had to be put together."""
    one = snn2hw.open_samples(shards(tmp_path / "one", X, 0))[11:23]
    assert len(one.parts) == 1
    held = one.parts[0].source
    for some in (stored, one):
        assert not np.shares_memory(some.__array__(copy=True), held)
        np.testing.assert_array_equal(some.__array__(copy=True), X if some is stored else X[11:23])
        assert some.__array__(np.float64, copy=True).dtype == np.float64
        for dtype in (np.float64, None if some is stored else np.int8):
            with pytest.raises(ValueError, match="only where they are copied"):
                some.__array__(dtype, copy=False)
    assert np.shares_memory(one.__array__(copy=False), held)
    assert np.shares_memory(one.__array__(), held)
    with pytest.raises(ValueError, match="only where they are copied"):
        stored.__array__(copy=False)


def test_with_time_first_or_second(tmp_path: Path) -> None:
    folder = shards(tmp_path / "tn", np.swapaxes(X, 0, 1), 1)
    tn = snn2hw.open_samples(folder, axis=1)
    assert tn.shape == (3, 23, 4)
    np.testing.assert_array_equal(np.asarray(tn[:, 2:9]), np.swapaxes(X, 0, 1)[:, 2:9])
    nt: Any = np.swapaxes(snn2hw.open_samples(shards(tmp_path / "nt", X, 0)), 0, 1)
    assert isinstance(nt, Stored)
    np.testing.assert_array_equal(np.asarray(nt[:, 2:9]), np.swapaxes(X, 0, 1)[:, 2:9])
    np.testing.assert_array_equal(np.asarray(np.swapaxes(nt, 0, 1)), X)  # type: ignore[call-overload]


def test_a_process_is_sent_places_and_no_values(tmp_path: Path) -> None:
    large = np.zeros((40, 100, 100))
    folder = tmp_path / "x"
    folder.mkdir()
    np.save(folder / "0.npy", large)
    np.savez(folder / "1.npz", samples=large)
    batch = Samples.of(snn2hw.open_samples(folder)[20:60], 0)
    assert isinstance(batch.values, Stored)
    assert [type(p.source) for p in batch.values.parts] == [Mapped, Mapped]
    assert len(pickle.dumps(batch)) < 2000
    assert batch.array().shape == (40, 100, 100)


def test_a_packed_npz_is_read_and_an_open_one_mapped(tmp_path: Path) -> None:
    np.savez(tmp_path / "open.npz", samples=X)
    np.savez_compressed(tmp_path / "packed.npz", samples=X)
    for name, mapped in (("open", True), ("packed", False)):
        found = snn2hw.open_samples(tmp_path / f"{name}.npz")
        np.testing.assert_array_equal(found, X)
        assert isinstance(Samples.of(found[1:5], 0).values, Mapped) == mapped


@pytest.mark.parametrize("cut", [40, 200, -600, -30])
def test_a_damaged_npz_is_named(tmp_path: Path, cut: int) -> None:
    np.savez(tmp_path / "x.npz", samples=X)
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[:cut] + whole[cut + 20 :])
    with pytest.raises(UsageError, match="the samples cannot be read"):
        np.asarray(snn2hw.open_samples(tmp_path / "x.npz"))


def test_evaluate_verify_and_simulate_say_the_same_of_them(tmp_path: Path) -> None:
    net, x = every_kind(), every_kind_sample(23)
    artefact, labels = snn2hw.compile(net, x), np.arange(23) % 3
    stored = snn2hw.open_samples(shards(tmp_path / "x", x, 0))
    assert snn2hw.evaluate(artefact, stored, labels, net, "reference") == snn2hw.evaluate(artefact, x, labels, net, "reference")
    traces = [snn2hw.simulate(artefact, each) for each in (x, stored)]
    np.testing.assert_array_equal(traces[0].readout, traces[1].readout)
    verdict = snn2hw.verify(artefact, stored, ("reference", "onnx-reference"))
    assert (verdict.equal, verdict.samples) == (True, 23)
    assert snn2hw.diagnose(artefact, stored, net, executor="reference") == snn2hw.diagnose(artefact, x, net, executor="reference")


def test_temporal_ones_in_both_layouts(tmp_path: Path) -> None:
    net = network(3, counts(4), linear("fc", "input", np.eye(4)), lif("n", "fc"), linear("out", "n", np.eye(4)), readout("out"))
    x = (X.swapaxes(0, 1) > 0.5).astype(np.float64)  # [T = 3, N = 23, 4]
    artefact = snn2hw.compile(net, x, layout="TN")
    expected = snn2hw.simulate(artefact, x, layout="TN").readout
    tn, nt = shards(tmp_path / "tn", x, 1), shards(tmp_path / "nt", x.swapaxes(0, 1), 0)
    np.testing.assert_array_equal(snn2hw.simulate(artefact, snn2hw.open_samples(tn, 1), layout="TN").readout, expected)
    np.testing.assert_array_equal(snn2hw.simulate(artefact, snn2hw.open_samples(nt, 0), layout="NT").readout, expected)


@pytest.mark.slow
def test_two_processes_read_them_themselves(tmp_path: Path) -> None:
    net, x = every_kind(), every_kind_sample(23)
    artefact, labels = snn2hw.compile(net, x), np.arange(23) % 3
    one = snn2hw.evaluate(artefact, x, labels, net, "reference")
    for folder in (shards(tmp_path / "x", x, 0), in_zarr(tmp_path / "z", x)):
        assert snn2hw.evaluate(artefact, snn2hw.open_samples(folder), labels, net, "reference", workers=2) == one


def test_what_is_no_folder_of_samples(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "readme.txt").write_text("")
    with refused(
        UsageError,
        f"""
        this folder holds no samples
          where:    {tmp_path / "empty"}
          got:      readme.txt
          expected: files .npy, or .npz with an array 'samples'; or a Zarr array
          do:       give a file, or the folder in which the files are
        """,
    ):
        snn2hw.open_samples(tmp_path / "empty")
    folder = shards(tmp_path / "x", X, 0)
    np.save(folder / "part-12.npy", X[:, :2])
    with refused(
        ShapeError,
        f"""
        the files of a folder do not hold samples of one kind
          where:    {folder / "part-12.npy"}
          got:      [23, 2, 4] of float32
          expected: as part-0.npy, [2, 3, 4] of float32; along axis 0 any number
          do:       store all in the same shape and type, and nothing else in this folder
        """,
    ):
        snn2hw.open_samples(folder)
    np.savez(folder / "part-12.npz", labels=X)
    (folder / "part-12.npy").unlink()
    with pytest.raises(UsageError, match="the samples cannot be read") as caught:
        snn2hw.open_samples(folder)
    assert caught.value.got == "no array 'samples'"
    assert Part(X, 1, 3).values(0).shape == (2, 3, 4)


def test_every_nth_sample_stays_where_it_is(stored: Any) -> None:
    for start, stop, step in product((0, 1, 5, 20), (3, 11, 23), (2, 3, 7, 30)):
        some = stored[start:stop:step]
        assert isinstance(some, Stored)
        np.testing.assert_array_equal(np.asarray(some), X[start:stop:step])
        np.testing.assert_array_equal(np.asarray(some[1:9:2]), X[start:stop:step][1:9:2])
    np.testing.assert_array_equal(np.asarray(stored[::-2]), X[::-2])


def test_samples_are_taken_one_by_one(stored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any order and several times, and no others are read."""
    monkeypatch.setattr(Stored, "__array__", None)
    for places in ([3, 1, 22, 1, -1, 0], range(0, 23, 5)):
        np.testing.assert_array_equal(np.take(stored, places, 0), np.take(X, places, 0))
        np.testing.assert_array_equal(np.take(stored[2:21:3], [0, 4, -1], 0), np.take(X[2:21:3], [0, 4, -1], 0))
        turned = np.swapaxes(stored, 0, 1)
        np.testing.assert_array_equal(np.take(turned, places, 1), np.take(np.swapaxes(X, 0, 1), places, 1))
    monkeypatch.undo()
    assert np.take(stored, [], 0).shape == (0, 3, 4)
    np.testing.assert_array_equal(np.take(stored, [2, 0], 1), np.take(X, [2, 0], 1))
    for place in (23, -24):
        with pytest.raises(IndexError, match="of 23"):
            np.take(stored, [0, place], 0)


def test_pieces_are_all_values(stored: Any) -> None:
    for x in (X, stored, np.swapaxes(stored, 0, 1), stored[3:20:2]):
        for most in (1, 100, 500, 1 << 30):
            read = list(pieces(x, most))
            np.testing.assert_array_equal(np.concatenate(read, 1 if x.shape[0] == 3 else 0), np.asarray(x))
            assert max(piece.nbytes for piece in read) <= max(most, 48)
