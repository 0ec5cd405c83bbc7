"""Wav files: samples read back exactly, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from snn2hw.data import read_wav
from snn2hw.errors import DataError
from tests.data.published import wav

pytestmark = pytest.mark.torch

SOUND = (np.sin(np.arange(4000) * 2 * np.pi * 1000 / 8000) * 16384).astype(np.int16)


def test_samples_are_read_back_exactly(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav(SOUND))
    assert np.array_equal(read_wav(tmp_path / "x.wav") * 32768, SOUND)


@pytest.mark.parametrize("more", [b"LIST\x04\0\0\0abcd", b"LIST\x03\0\0\0abc\0id3 \x00\0\0\0", b"odd \x01\0\0\0a"])
def test_chunks_behind_the_samples_are_passed_over(more: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav(SOUND) + more)
    assert np.array_equal(read_wav(tmp_path / "x.wav") * 32768, SOUND)


GOOD = wav(SOUND[:100])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a recording is empty"),
        (GOOD[:-3], "a header that states|197 bytes of samples"),
        (GOOD[:20], "a file that is cut off"),
        (b"RIFX" + GOOD[4:], "does not start with RIFF"),
        (b"OggS" + GOOD[4:], "does not start with RIFF"),
        (GOOD.replace(b"fmt ", b"fmx "), "fmt|data chunk"),
        (wav(SOUND[:100], channels=2), r"16 bits, 2 channel\(s\), 8000 Hz"),
        (wav(SOUND[:100], rate=16000), r"16 bits, 1 channel\(s\), 16000 Hz"),
        (wav(SOUND[:0]), "0 bytes of samples"),
        (GOOD[:40] + struct.pack("<I", 2**31 - 2) + GOOD[44:], "a header that states 1073741823 samples"),
        (GOOD[:40] + struct.pack("<I", 184) + GOOD[44:], "16 bytes behind what is stated, which are no part of a wav file"),
        (GOOD + b"\0\0\0", "3 bytes behind what is stated"),
        (GOOD + b"LIST\x05\0\0\0abcd", "12 bytes behind what is stated"),
        (GOOD + b"L\x01ST\x04\0\0\0abcd", "12 bytes behind what is stated"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_what_cannot_be_read(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_wav(tmp_path / "x.wav", 8000)
