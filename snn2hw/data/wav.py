"""Sounds in wav files, as numbers.

A file is "RIFF", 32 bits of its length, "WAVE", then chunks: four letters, 32 bits of the chunk's length, its bytes, and one more
where they are odd in number. "fmt " says how the samples in "data" are written; all others are passed over
(Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991; mmreg.h for WAVEFORMATEXTENSIBLE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data.content import content
from snn2hw.data.folders import given_file
from snn2hw.errors import DataError

MOST = 64 << 20  # bytes of a wav file
WHITE = 32768
AGAIN = "copy it again, or have a program for sound write it again"
FORMAT = struct.Struct("<HHIIHH")  # code, channels, samples in a second, bytes in a second, bytes of all channels, bits
PCM, EXTENSIBLE = 1, 0xFFFE
# Behind FORMAT of an extensible one: its length, valid bits, places of loudspeakers, and a GUID that begins with the code meant.
MORE, GUID = struct.Struct("<HHIH14s"), b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"


def read_wav(path: str | Path, rate: int | None = None) -> npt.NDArray[np.float32]:
    """The samples of a wav file, [n] in [-1, 1): 16 bits, PCM, one channel.

    Args:
        path: of the file. rate: samples in a second that it must have; None: any.

    Raises:
        DataError: no such file, another format or rate, empty, cut off, two sounds in one file, or bytes that none of its
            sizes counts.
    """
    path = given_file(path)
    expected = "a wav file: RIFF, PCM of 16 bits, one channel" + (f", {rate} Hz" if rate else "")
    data = content(path, "a recording", expected, AGAIN, MOST)
    try:
        raw = _samples(data, rate)
    except ValueError as error:
        raise DataError("a recording cannot be read", where=str(path), got=str(error), expected=expected, do=AGAIN) from error
    sound: npt.NDArray[np.float32] = np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(WHITE)
    return sound


def _samples(data: bytes, rate: int | None) -> bytes:
    """The bytes of the samples."""
    found: dict[bytes, bytes] = {}
    for name, chunk in _chunks(data):
        if name in (b"fmt ", b"data"):
            if name in found:
                raise ValueError(f"two chunks {name.decode().strip()!r}: more than one sound")
            if name == b"data" and b"fmt " not in found:
                raise ValueError("a chunk 'data' before a chunk 'fmt'")
            found[name] = chunk
    for name in (b"fmt ", b"data"):
        if name not in found:
            raise ValueError(f"no chunk {name.decode().strip()!r}")
    _check_format(found[b"fmt "], rate)
    raw = found[b"data"]
    if not raw or len(raw) % 2:
        raise ValueError(f"{len(raw)} bytes of samples, where each has 2")
    return raw


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, bytes) of every chunk; there is nothing else in the file."""
    if data[:4] != b"RIFF" or (data[8:12] != b"WAVE" and len(data) >= 12):
        raise ValueError("a file that does not start with RIFF and WAVE")
    at = 12
    while at < len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        left = len(data) - at - 8
        if left < 0 or not (name.isascii() and name.decode("ascii").isprintable()):
            raise ValueError(f"{len(data) - at} bytes behind what is stated, which are no part of a wav file")
        if name == b"RIFF":
            raise ValueError(f"a second wav file at byte {at}, behind the first")
        if size > left:
            what = (
                f"a header that states {size // 2} samples"
                if name == b"data"
                else f"a chunk {name.decode().strip()!r} of {size} bytes"
            )
            raise ValueError(f"{what}, where {left} bytes are left")
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2  # chunks begin at even places


def _check_format(chunk: bytes, rate: int | None) -> None:
    """PCM of 16 bits and one channel, and numbers that agree with each other."""
    if len(chunk) < FORMAT.size:
        raise ValueError(f"a chunk 'fmt' of {len(chunk)} bytes")
    code, channels, hertz, _, together, bits = FORMAT.unpack_from(chunk)
    if code == EXTENSIBLE and len(chunk) >= FORMAT.size + MORE.size:
        *_, meant, guid = MORE.unpack_from(chunk, FORMAT.size)
        code = meant if guid == GUID else code
    if code != PCM:
        raise ValueError(f"samples in another coding than PCM, number {code}")
    if (bits, channels) != (16, 1) or hertz == 0 or (rate is not None and hertz != rate):
        raise ValueError(f"{bits} bits, {channels} channel(s), {hertz} Hz")
    if together != 2:
        raise ValueError(f"a header that states one channel of 16 bits, and {together} bytes for all channels")
