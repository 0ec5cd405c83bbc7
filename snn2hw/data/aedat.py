"""AEDAT recordings: 2.0, the format of CIFAR10-DVS and MNIST-DVS; 3.1, that of DVS-Gesture (`aedat3`); and 4 (`aedat4`).

A file of 2.0 begins with lines "#...\\r\\n", the first of which is "#!AER-DAT2.0"; then 8 bytes an event, two big-endian 32-bit
words: the address and the time in microseconds. Of the address

    bit 0        0: ON (brighter), 1: OFF (darker)
    bits 1-7     a = column of the pixel array, counted from its right edge
    bits 8-14    b = row of the pixel array, counted from its lower edge
    bit 15       an event of the camera's external input, no pixel; of a pair of cameras, the second one

Sources: the format and its header, iniVation's "AEDAT 2.0" (docs.inivation.com, software/file-formats); the bits, the
masks 0xfe and 0x7f00 and pol = 1 - 2 * (addr & 1) of dat2mat.m (T. Serrano-Gotarredona, B. Linares-Barranco), the reader that
the publishers of CIFAR10-DVS name in their README; spikingjelly's datasets/cifar10_dvs.py reads the same bits. iniVation's page
on AEDAT 1.0 gives bit 0 the other meaning; what both readers of these data sets do is done here.

The picture of CIFAR10-DVS stands upright with x = 127 - b and y = 127 - a, as spikingjelly has it: the camera lay on its side.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data import aedat3, aedat4
from snn2hw.data.content import content
from snn2hw.data.events import Events
from snn2hw.data.folders import given_file
from snn2hw.data.recordings import EARLY, another_camera, held
from snn2hw.errors import DataError, Snn2hwWarning

SIDE = 128
PIXEL_BITS = 0x7FFF
VERSIONS = "AEDAT 2.0, 3.1 or 4.0"
CAMERA = "take a recording of one DVS128, as those of CIFAR10-DVS and MNIST-DVS are"
AGAIN = f"unpack the recording again, or export it as {VERSIONS}; other versions are not read"


def read_aedat(path: str | Path) -> Events:
    """The events of a file in AEDAT 2.0 or 3.1 of a DVS128, on 128x128 pixels, or in AEDAT 4 of a camera of any size.

    What is no pixel event is left out, and t ascends. In 2.0 and 3.1 an event that is up to 2^16 us early has the time of the
    latest one before it. In 2.0 t begins at 0, a clock that falls back further is taken to have stood still, and it may run over
    its 32 bits; x and y are those of a camera on its side, as it was for CIFAR10-DVS: the picture of an upright one is that of
    `Events` with x and y exchanged. In 3.1 t is the clock of the recording, which the labels of DVS-Gesture refer to. In 4 the
    file says how large the sensor is, and t begins at 0.

    Raises:
        DataError: no such file, another format or version, a header, packet or event cut off, no event; in 2.0 and 3.1 another
            camera or a pair; in 4 several streams of events, one off its sensor, or a clock that falls back.
        MissingExtraError: AEDAT 4 without the package aedat.

    Warns:
        Snn2hwWarning: in 2.0 and 3.1 more events are early than single ones, or the clock jumps over a minute; in 2.0 the clock
            falls back further, or events of a second camera are left out; in 3.1 packets are of types that the format does not
            name.
    """
    path = given_file(path)
    data = content(path, "a recording", VERSIONS, AGAIN)
    return aedat4.stream_events(path, data) if data.startswith(aedat4.BEGINS) else _of_dvs128(path, data)


def read_dvs128(path: Path) -> Events:
    """`read_aedat` for the data sets of a DVS128, which are published in AEDAT 2.0 or 3.1: the clock of 4 is not theirs.

    Raises:
        DataError: as `read_aedat`, and for AEDAT 4.
    """
    data = content(path, "a recording", "AEDAT 2.0 or 3.1", AGAIN)
    if data.startswith(aedat4.BEGINS):
        raise DataError(
            "a recording of a published set is in AEDAT 4",
            where=str(path),
            got="it begins with '#!AER-DAT4.0'",
            expected="AEDAT 2.0 or 3.1, as the set is published",
            do="unpack the recording of the set again",
        )
    return _of_dvs128(path, data)


def _of_dvs128(path: Path, data: bytes) -> Events:
    """The events of a file in AEDAT 2.0 or 3.1 whose bytes are these."""
    if data.startswith(aedat3.BEGINS):
        return aedat3.polarity_events(path, data)
    words = _words(path, data)
    pixel = words[:, 0] <= PIXEL_BITS
    beyond = words[~pixel, 0]
    addresses = len(np.unique(beyond))
    pixels = addresses > SIDE  # an external input has none
    if (pixels and 10 * len(beyond) > len(words)) or 2 * len(beyond) > len(words):
        raise DataError(
            "a recording has addresses of another camera",
            where=str(path),
            got=f"{len(beyond)} of {len(words)} events beyond 15 bits",
            expected="addresses of one DVS128: 7 bits column, 7 bits row, 1 bit polarity",
            do=CAMERA,
        )
    if pixels:
        _warn(
            "a recording has events of a second camera, which are left out",
            path,
            stacklevel=3,
            got=f"{len(beyond)} of {len(words)} events at {addresses} addresses beyond 15 bits",
            expected="addresses of one DVS128; an external input has few of them",
            do="take a recording of one DVS128, or look whether the file is damaged",
        )
    if not pixel.all():
        words = words[pixel]
    address, t = words[:, 0].astype(np.int16), held(path, _passed(path, words[:, 1]), stacklevel=3)
    return Events(t, 127 - (address >> 8), 127 - (address >> 1 & 127), 1 - (address & 1), SIDE, SIDE)


def _words(path: Path, data: bytes) -> npt.NDArray[np.uint32]:
    """[E, 2]: address and time of every event."""
    if re.match(rb"#!AER-DAT2\.0\r?\n", data) is None:
        first = data[:40].split(b"\n")[0].rstrip().decode("ascii", "replace")
        raise DataError(
            f"a recording is not in {VERSIONS}",
            where=str(path),
            got=f"it begins with {first!r}",
            expected="a first line #!AER-DAT2.0, #!AER-DAT3.1 or #!AER-DAT4.0",
            do=AGAIN,
        )
    begins = 0
    while data[begins : begins + 1] == b"#":  # an address of a DVS128 begins with 0
        begins = data.find(b"\n", begins) + 1
        if begins == 0:
            raise DataError("the header of a recording is cut off", where=str(path), got=f"{len(data)} bytes", do=AGAIN)
    if chip := another_camera(data[:begins]):
        got = f"a header that names {chip}"
        raise DataError("a recording is of another camera", where=str(path), got=got, expected="a DVS128", do=CAMERA)
    size = len(data) - begins
    if size == 0 or size % 8:
        raise DataError(
            "a recording is cut off" if size else "a recording has no events",
            where=str(path),
            got=f"{size} bytes after {begins} of header",
            expected="8 bytes an event",
            do=AGAIN,
        )
    words = np.frombuffer(data, ">u4", offset=begins).astype(np.uint32).reshape(-1, 2)
    if len(words) > 1 and not words.any():  # what is left of a copy that was interrupted
        got, expected = f"{size} bytes 0", "8 bytes an event"
        raise DataError("a recording has zeros alone", where=str(path), got=got, expected=expected, do=AGAIN)
    return words


def _passed(path: Path, clock: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Microseconds since the first event; an early event's are fewer than those of the one before it.

    The difference of two 32-bit clocks is right when one of them has run over.
    """
    passed = np.zeros(len(clock), np.int64)
    passed[1:] = (clock[1:] - clock[:-1]).view(np.int32)
    back = np.flatnonzero(passed < -EARLY)
    if len(back):
        _warn(
            "the clock of a recording falls back, and is taken to have stood still there",
            path,
            stacklevel=4,
            got=f"{-passed[back[0]]} us back at pixel event {back[0]}; {len(back)} times in all",
            expected=f"a clock that ascends, but for single events that are at most {EARLY} us early",
            do="take one recording at a time, if the file holds several one after the other",
        )
    passed[back] = 0
    return np.cumsum(passed)


def _warn(what: str, path: Path, stacklevel: int, **parts: str) -> None:
    warnings.warn(Snn2hwWarning(what, where=str(path), **parts), stacklevel=stacklevel + 1)
