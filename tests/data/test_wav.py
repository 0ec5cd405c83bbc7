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


def with_format(code: int = 1, hertz: int = 8000, together: int = 2, bits: int = 16, more: bytes = b"") -> bytes:
    """GOOD with another chunk "fmt ", and what stands behind its usual 16 bytes."""
    own = struct.pack("<HHIIHH", code, 1, hertz, hertz * together, together, bits) + more
    return GOOD[:16] + struct.pack("<I", len(own)) + own + GOOD[36:]


def extensible(code: int = 1) -> bytes:
    """GOOD as programs for sound write it that say of every channel where its loudspeaker stands."""
    guid = struct.pack("<IHH8s", code, 0, 16, b"\x80\0\0\xaa\0\x38\x9b\x71")
    return with_format(0xFFFE, more=struct.pack("<HHI", 22, 16, 4) + guid)


def test_pcm_in_an_extensible_header_is_pcm(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(extensible())
    assert np.array_equal(read_wav(tmp_path / "x.wav", 8000) * 32768, SOUND[:100])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a recording is empty"),
        (GOOD[:-3], "a header that states 100 samples, where 197 bytes are left"),
        (GOOD[:20], "a chunk 'fmt' of 16 bytes, where 0 bytes are left"),
        (GOOD[:6], "no chunk 'fmt'"),
        (GOOD[:36], "no chunk 'data'"),
        (b"RIFX" + GOOD[4:], "does not start with RIFF"),
        (b"OggS" + GOOD[4:], "does not start with RIFF"),
        (GOOD.replace(b"WAVE", b"AVI "), "does not start with RIFF and WAVE"),
        (GOOD.replace(b"fmt ", b"fmx "), "a chunk 'data' before a chunk 'fmt'"),
        (GOOD + GOOD, "a second wav file at byte 244, behind the first"),
        (GOOD + GOOD[36:], "two chunks 'data': more than one sound"),
        (with_format(together=4), "one channel of 16 bits, and 4 bytes for all channels"),
        (with_format(bits=9), r"9 bits, 1 channel\(s\), 8000 Hz"),
        (with_format(hertz=0), r"16 bits, 1 channel\(s\), 0 Hz"),
        (with_format(code=3), "another coding than PCM, number 3"),
        (with_format(code=0xFFFE), "another coding than PCM, number 65534"),
        (extensible(code=3), "another coding than PCM, number 3"),
        (GOOD[:16] + struct.pack("<I", 4) + GOOD[20:24] + GOOD[36:], "a chunk 'fmt' of 4 bytes"),
        (GOOD[:40] + struct.pack("<I", 199) + GOOD[44:], "199 bytes of samples, where each has 2"),
        (wav(SOUND[:100], channels=2), r"16 bits, 2 channel\(s\), 8000 Hz"),
        (wav(SOUND[:100], rate=16000), r"16 bits, 1 channel\(s\), 16000 Hz"),
        (wav(SOUND[:0]), "0 bytes of samples"),
        (
            GOOD[:40] + struct.pack("<I", 2**31 - 2) + GOOD[44:],
            "a header that states 1073741823 samples, where 200 bytes are left",
        ),
        (GOOD[:40] + struct.pack("<I", 184) + GOOD[44:], "16 bytes behind what is stated, which are no part of a wav file"),
        (GOOD + b"\0\0\0", "3 bytes behind what is stated"),
        (GOOD + b"LIST\x05\0\0\0abcd", "a chunk 'LIST' of 5 bytes, where 4 bytes are left"),
        (GOOD + b"L\x01ST\x04\0\0\0abcd", "12 bytes behind what is stated"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_what_cannot_be_read(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_wav(tmp_path / "x.wav", 8000)
