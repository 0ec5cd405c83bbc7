"""Traces in memory and in files: round trips, batches, and what is said of files that are none."""

from __future__ import annotations

import gc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import ArtefactError, UsageError
from snn2hw.files.write import write_npz
from snn2hw.trace import Signals, Trace, narrowed, read_npz
from tests.refused import refused


def trace(samples: int = 5, seed: int = 0) -> Trace:
    rng = np.random.default_rng(seed)
    return Trace(
        rng.integers(-(2**31), 2**31, (samples, 3)),
        {"block.0": rng.integers(-4, 5, (2, samples, 2, 3, 3)), "lif": rng.integers(0, 2, (2, samples, 4))},
        {"block.0.u": rng.integers(-(2**61), 2**61, (2, samples, 2, 3, 3)), "lif.u": rng.integers(-9, 9, (2, samples, 4))},
    )


def assert_same(a: Trace, b: Trace) -> None:
    left, right = a.arrays(), b.arrays()
    assert list(left) == list(right)
    for name, value in left.items():
        assert value.dtype == right[name].dtype == np.int64
        np.testing.assert_array_equal(value, right[name])


def test_arrays_have_flat_names_and_come_back() -> None:
    t = trace()
    assert list(t.arrays()) == ["readout", "spikes/block.0", "spikes/lif", "states/block.0.u", "states/lif.u"]
    assert_same(Trace.from_arrays(t.arrays(), "here"), t)


def test_a_layer_may_have_a_slash_in_its_name() -> None:
    t = Trace(np.zeros((1, 1), np.int64), {"a/b": np.ones((1, 1, 1), np.int64)})
    assert_same(Trace.from_arrays(t.arrays(), "here"), t)


def test_narrow_integers_become_int64() -> None:
    t = Trace.from_arrays({"readout": np.array([[200]], np.uint8), "spikes/a": np.array([[[-1]]], np.int8)}, "here")
    assert t.readout.dtype == t.spikes["a"].dtype == np.int64
    assert (t.readout[0, 0], t.spikes["a"][0, 0, 0]) == (200, -1)


def test_parts_concatenate_to_the_whole() -> None:
    t = trace(7)
    assert_same(Trace.concatenate([t.part(0, 3), t.part(3, 6), t.part(6, 9)]), t)


@pytest.mark.parametrize("kind", [np.int8, np.int64])
def test_a_part_has_integers_of_its_own(kind: type[np.signedinteger[Any]]) -> None:
    """In whatever type they lie, and whether or not they were looked at before."""
    values = np.zeros((2, 3, 4), kind)
    t = Trace(np.zeros((3, 2), np.int64), Signals({"a": values}), Signals({"a.u": values.copy()}))
    before = t.part(0, 2)
    t.spikes["a"][...], t.states["a.u"][...], t.readout[...] = 1, 2, 3
    after = t.part(0, 2)
    assert (before.readout.any(), before.spikes["a"].any(), before.states["a.u"].any()) == (False, False, False)
    after.spikes["a"][...], after.states["a.u"][...], after.readout[...] = 4, 5, 6
    assert (t.readout == 3).all()
    assert (t.spikes["a"] == 1).all()
    assert (t.states["a.u"] == 2).all()


def test_parts_are_of_the_sample_axis() -> None:
    part = trace(7).part(2, 4)
    assert part.readout.shape == (2, 3)
    assert part.spikes["lif"].shape == (2, 2, 4)
    np.testing.assert_array_equal(part.states["lif.u"], trace(7).states["lif.u"][:, 2:4])


def test_a_tie_is_won_by_the_first_class() -> None:
    assert Trace(np.array([[1, 3, 3], [0, 0, 0], [-5, -6, -4]])).predictions.tolist() == [1, 0, 2]


def test_a_file_gives_back_every_integer(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "t.npz"
    write_npz(path, trace().arrays())
    assert_same(Trace.from_arrays(read_npz(path), str(path)), trace())
    assert [p.name for p in path.parent.iterdir()] == ["t.npz"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    write_npz(path, trace(seed=1).arrays())
    write_npz(path, {"readout": np.zeros((1, 1), np.int64)})
    assert list(read_npz(path)) == ["readout"]


def test_writing_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "t.npz"
    with refused(
        UsageError,
        f"""
        the file cannot be written
          where:    {path}
          got:      Not a directory
          do:       choose a folder you can write to
        """,
    ):
        write_npz(path, trace().arrays())


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "t.npz"
    target.mkdir()  # a folder cannot be replaced by a file
    with pytest.raises(UsageError, match="the output is no file"):
        write_npz(target, trace().arrays())
    assert list(tmp_path.iterdir()) == [target]


def test_no_file(tmp_path: Path) -> None:
    with refused(
        ArtefactError,
        f"""
        no such file
          where:    {tmp_path / "none.npz"}
          do:       check the path
        """,
    ):
        read_npz(tmp_path / "none.npz")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_bytes(b"")
    with refused(
        ArtefactError,
        f"""
        this file cannot be read as arrays
          where:    {tmp_path / "t.npz"}
          got:      File is not a zip file
          expected: an .npz file as snn2hw writes it
          do:       write it again
        """,
    ):
        read_npz(tmp_path / "t.npz")


def assert_unreadable(path: Path) -> None:
    with pytest.raises(ArtefactError, match="this file cannot be read as arrays") as caught:
        read_npz(path)
    assert str(path) in str(caught.value)
    assert caught.value.got


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.npz", tmp_path / "part.npz"
    write_npz(whole, trace(1).arrays())
    data = whole.read_bytes()
    for size in [*range(0, len(data) - 1, 23), len(data) - 1]:
        part.write_bytes(data[:size])
        assert_unreadable(part)
    gc.collect()  # a file left open would be a warning, here and now


def test_a_file_with_a_byte_changed_is_refused_or_gives_the_same(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "whole.npz", tmp_path / "damaged.npz"
    right = {"readout": np.arange(4, dtype=np.int64).reshape(2, 2)}
    write_npz(whole, right)
    data, refusals = whole.read_bytes(), 0
    for position in range(len(data)):
        damaged.write_bytes(data[:position] + bytes([data[position] ^ 0x21]) + data[position + 1 :])
        try:
            got = read_npz(damaged)
        except ArtefactError:
            refusals += 1
        else:
            assert all(np.array_equal(value, right["readout"]) for value in got.values()), position
    assert refusals > len(data) // 2


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("step,neuron,spike\n0,1,1\n")
    assert_unreadable(text)
    pickled = tmp_path / "pickled.npz"
    with pickled.open("wb") as file:
        np.savez(file, readout=np.array([{"a": 1}], dtype=object))
    assert_unreadable(pickled)


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    np.save(path, np.zeros(3, np.int64))
    assert_unreadable(path)


def test_an_archive_of_other_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readout", "not an array")
    with refused(
        ArtefactError,
        f"""
        this archive holds something else than arrays
          where:    {path}
          got:      readout
          expected: an .npz file
          do:       write it again
        """,
    ):
        read_npz(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="a folder is no file of arrays"):
        read_npz(tmp_path)


def test_floats_are_no_trace() -> None:
    with refused(
        ArtefactError,
        """
        a trace holds integers only: these values are no integers
          where:    lava.npz: spikes/lif
          got:      dtype float32
          expected: integers, such as int64
          do:       give integers; real samples go to snn2hw.simulate, which encodes them
        """,
    ):
        Trace.from_arrays({"readout": np.zeros((1, 1), np.int64), "spikes/lif": np.zeros((1, 1, 1), np.float32)}, "lava.npz")


def test_arrays_without_a_readout_are_no_trace() -> None:
    with refused(
        ArtefactError,
        """
        this is not a trace
          where:    x.npz
          got:      a, b
          expected: an array 'readout'
          do:       store the array `readout` [N, classes] with the trace; `snn2hw simulate --out` writes one
        """,
    ):
        Trace.from_arrays({"b": np.zeros(1, np.int64), "a": np.zeros(1, np.int64)}, "x.npz")
    with refused(
        ArtefactError,
        """
        this is not a trace
          where:    x.npz
          got:      nothing
          expected: an array 'readout'
          do:       store the array `readout` [N, classes] with the trace; `snn2hw simulate --out` writes one
        """,
    ):
        Trace.from_arrays({}, "x.npz")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 1], "int8"), ([-128, 127], "int8"), ([-129, 0], "int16"), ([0, 128], "int16"), ([0, 32767], "int16"),
        ([0, 32768], "int32"), ([-(2**31), 0], "int32"), ([2**31, 0], "int64"), ([-(2**63), 2**63 - 1], "int64"), ([], "int8"),
    ],
)  # fmt: skip
def test_the_narrowest_type_holds_the_same_integers(values: list[int], dtype: str) -> None:
    wide = np.array(values, np.int64)
    assert narrowed(wide).dtype == dtype
    assert np.array_equal(narrowed(wide), wide)


def test_integers_beyond_int64_are_refused() -> None:
    with refused(
        ArtefactError,
        """
        a trace holds integers only: an integer is too large for int64
          where:    x.npz: readout
          got:      18446744073709551604
          expected: at most 9223372036854775807
          do:       store signed integers; this one may be a negative number in an unsigned type
        """,
    ):
        Trace.from_arrays({"readout": np.array([[2**64 - 12]], np.uint64)}, "x.npz")
    held = Trace.from_arrays({"readout": np.array([[2**63 - 1]], np.uint64)}, "x.npz")
    assert held.readout.tolist() == [[2**63 - 1]]


def test_masks_are_refused(tmp_path: Path) -> None:
    masked = np.ma.MaskedArray([[1, 2]], [[False, True]])
    with refused(
        ArtefactError,
        """
        a trace holds integers only: some of the values are masked
          where:    x.npz: readout
          got:      1 of them
          expected: an array in which every value counts
          do:       say what stands in the place of masked values: x.filled(0)
        """,
    ):
        Trace.from_arrays({"readout": masked}, "x.npz")
    with refused(
        UsageError,
        """
        a file of arrays holds no masks
          where:    array 'readout'
          got:      1 masked values
          expected: an array without a mask
          do:       fill in what is masked: x.filled(0)
        """,
    ):
        write_npz(tmp_path / "x.npz", {"readout": masked})


def test_signals_lie_narrow_until_somebody_asks() -> None:
    """In the type and order in which they were written; every value that is read is int64, in the order of its axes."""
    raw = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    t = Trace(np.zeros((3, 1), np.int64), Signals({"a": raw.transpose(2, 0, 1)}), Signals({"a.u": -raw.astype(np.int16)}))
    parts = Trace.concatenate([t.part(0, 1), t.part(1, 2)])
    assert [v.dtype for v in parts.held().values()] == [np.int64, np.uint8, np.int16]
    assert np.shares_memory(t.held()["spikes/a"], raw)
    assert np.shares_memory(Trace.concatenate([t]).held()["spikes/a"], raw)
    wide = t.spikes["a"]
    assert (wide.dtype, wide.flags.c_contiguous, t.states["a.u"].dtype) == (np.int64, True, np.int64)
    assert (wide == raw.transpose(2, 0, 1)).all()
    wide[0, 0, 0] = -7
    assert t.spikes["a"][0, 0, 0] == t.held()["spikes/a"][0, 0, 0] == -7
    t.spikes["b"] = wide
    del t.spikes["a"]
    assert (list(t.spikes), len(t.spikes)) == (["b"], 1)
    assert {v.dtype for v in parts.arrays().values()} == {np.dtype(np.int64)}
