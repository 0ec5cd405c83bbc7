"""Arrays in the cache: what comes back is what was written under this key, or nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snn2hw.data import CIFAR10DVS
from snn2hw.data.kept import Kept
from snn2hw.files.write import write_npz
from snn2hw.trace import read_npz
from tests.data.writers import write_dvs

pytestmark = pytest.mark.torch

FRAMES = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    made = Kept("frames", ("a recording",), FRAMES.dtype, FRAMES.shape)
    assert made.write(FRAMES)
    return made


def test_what_was_written_comes_back(kept: Kept) -> None:
    assert np.array_equal(kept.read(), FRAMES)


@pytest.mark.parametrize("other", [np.zeros_like(FRAMES), FRAMES[::-1].copy(), FRAMES + 1])
def test_another_array_in_a_whole_archive_is_not_taken(kept: Kept, other: np.ndarray) -> None:
    write_npz(kept.path, {**read_npz(kept.path), "array": other})
    assert kept.read() is None
    write_npz(kept.path, {"array": other})
    assert kept.read() is None


def test_an_array_of_another_key_is_not_taken(kept: Kept) -> None:
    other = Kept("frames", ("another recording",), FRAMES.dtype, FRAMES.shape)
    other.write(FRAMES + 1)
    other.path.replace(kept.path)
    assert kept.read() is None


def test_frames_of_zeros_are_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    write_dvs(tmp_path / "set", 10)
    right = CIFAR10DVS(tmp_path / "set", steps=2, size=8)[0][0]
    for path in (tmp_path / "cache").rglob("*.npz"):
        write_npz(path, {name: np.zeros_like(a) for name, a in read_npz(path).items()})
    assert (CIFAR10DVS(tmp_path / "set", steps=2, size=8)[0][0] == right).all()
    kept = CIFAR10DVS(tmp_path / "set", steps=2, size=8)._kept(0)
    kept.write(np.zeros(kept.shape, kept.dtype))  # even with its seal: every recording has an event
    assert (CIFAR10DVS(tmp_path / "set", steps=2, size=8)[0][0] == right).all()
    assert right.any()
