"""Arrays in files, which other processes read themselves."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.files.arrays import read_npy
from snn2hw.files.mapped import Mapped, mapped, unmapped
from tests.copied import copied
from tests.refused import refused

VALUES = np.arange(2 * 6 * 5, dtype=np.int16).reshape(2, 6, 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", VALUES)
    return tmp_path / "x.npy"


CUTS: list[Any] = [np.s_[:], np.s_[1:], np.s_[:, 2:4], np.s_[:, 5:], np.s_[:, ::2, 1:], np.s_[0, 1], np.s_[:, :0]]


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("opened", [read_npy, lambda p: np.load(p, mmap_mode="r")], ids=["read_npy", "np.load"])
def test_every_part_of_a_file_is_found_again(path: Path, cut: Any, opened: Any) -> None:
    for x in (opened(path)[cut], np.swapaxes(opened(path), 0, 1)[cut]):
        place = mapped(x)
        assert isinstance(place, Mapped)
        assert len(pickle.dumps(place)) < 600
        again = copied(place).array()
        np.testing.assert_array_equal(again, x)
        assert again.dtype == x.dtype


def test_what_is_no_part_of_a_file_goes_as_it_is(path: Path) -> None:
    for x in (VALUES, VALUES[1:], read_npy(path)[:, ::-1], np.load(path, mmap_mode="c"), np.load(path, mmap_mode="r") + 0):
        assert mapped(x) is x
        assert unmapped(x) is x


def test_a_file_in_the_order_of_fortran(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(VALUES))
    place = mapped(read_npy(tmp_path / "f.npy")[:, 1:3])
    np.testing.assert_array_equal(unmapped(place), VALUES[:, 1:3])
    assert isinstance(place, Mapped)


def test_another_file_of_the_same_name_is_refused(path: Path) -> None:
    place = mapped(read_npy(path))
    assert isinstance(place, Mapped)
    np.save(path, np.zeros(3))
    with refused(
        UsageError,
        f"""
        the file of the samples has changed while it was read
          where:    {path}
          got:      {path.stat().st_size} bytes, or written anew
          expected: the {place.size} bytes that were there at the start
          do:       leave the file alone until the work is done; give every worker the same file
        """,
    ):
        place.array()
    path.unlink()
    with pytest.raises(Snn2hwError, match="a worker cannot read the samples") as caught:
        place.array()
    assert caught.value.where == str(path)
    assert "No such file" in caught.value.got
