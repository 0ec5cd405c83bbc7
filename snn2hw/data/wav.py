"""Sounds in wav files, as numbers."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data.content import content
from snn2hw.data.folders import given_file
from snn2hw.errors import DataError

MOST = 64 << 20  # bytes of a wav file
WHITE = 32768
AGAIN = "copy it again, or have a program for sound write it again"


def read_wav(path: str | Path, rate: int | None = None) -> npt.NDArray[np.float32]:
    """The samples of a wav file, [n] in [-1, 1): 16 bits, PCM, one channel.

    Args:
        path: of the file. rate: samples in a second that it must have; None: any.

    Raises:
        DataError: no such file, another format or rate, empty, cut off, or bytes that none of its sizes counts.
    """
    path = given_file(path)
    expected = "a wav file: RIFF, PCM of 16 bits, one channel" + (f", {rate} Hz" if rate else "")
    data = content(path, "a recording", expected, AGAIN, MOST)
    try:
        with wave.open(io.BytesIO(data)) as file:
            kind = file.getsampwidth(), file.getnchannels(), file.getframerate()
            stated = file.getnframes()
            if kind[:2] != (2, 1) or (rate is not None and kind[2] != rate):
                raise ValueError(f"{8 * kind[0]} bits, {kind[1]} channel(s), {kind[2]} Hz")
            if 2 * stated > len(data):
                raise ValueError(f"a header that states {stated} samples, in {len(data)} bytes")
            raw = file.readframes(stated)
            if len(raw) != 2 * stated or not raw:
                raise ValueError(f"{len(raw)} bytes of samples, where {2 * stated} are stated")
            if rest := _no_chunk(data):
                raise ValueError(f"{rest} bytes behind what is stated, which are no part of a wav file")
    except (wave.Error, EOFError, RuntimeError, ValueError) as error:
        got = str(error) or "a file that is cut off"
        raise DataError("a recording cannot be read", where=str(path), got=got, expected=expected, do=AGAIN) from error
    sound: npt.NDArray[np.float32] = np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(WHITE)
    return sound


def _no_chunk(data: bytes) -> int:
    """How many bytes at the end of a RIFF file are in no chunk, so that a size before them is too small; 0 where all are."""
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if not (name.isascii() and name.decode("ascii").isprintable()) or at + 8 + size > len(data):
            break
        at += 8 + size + size % 2  # chunks begin at even places
    return max(0, len(data) - at)
