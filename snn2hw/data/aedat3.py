"""AEDAT 3.1 recordings of a DVS128, the format of DVS-Gesture.

Behind lines "#...\\r\\n", the first "#!AER-DAT3.1" and the last "#!END-HEADER", come packets: 28 bytes, little-endian, of which
the type of its events (1: polarity), the bytes of an event, the overflows of the clock and the number of events count here; then
so many events. A polarity event has 8 bytes, two little-endian words: bit 0 valid, bit 1 brighter, bits 2-16 the row, bits 17-31
the column; and 31 bits of microseconds (https://docs.inivation.com, software/file-formats/aedat-3.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data.events import Events
from snn2hw.data.recordings import EARLY, descending, held, off_sensor
from snn2hw.errors import DataError

BEGINS, ENDS = b"#!AER-DAT3.1", b"#!END-HEADER\r\n"
HEADER = struct.Struct("<hhiiiiii")
POLARITY, EVENT, SIDE = 1, 8, 128
AGAIN = "unpack the recording again"
Words = npt.NDArray[np.uint32]


def polarity_events(path: Path, data: bytes) -> Events:
    """The events of a file's bytes, on 128x128 pixels; t is the clock of the recording. Other types of events are passed over.

    An event that is up to 2^16 us early has the time of the latest one before it.

    Raises:
        DataError: a header or packet cut off, packets that make no sense, no event, another camera, or a clock that falls back
            further.

    Warns:
        Snn2hwWarning: more events are early than single ones.
    """
    try:
        found = list(_packets(data))
        words = np.concatenate([w for w, _ in found]) if found else np.empty((0, 2), np.uint32)
        clock = np.concatenate([w[:, 1].astype(np.int64) + (over << 31) for w, over in found]) if found else np.empty(0, np.int64)
        valid = (words[:, 0] & 1) == 1
        words, clock = words[valid], clock[valid]
        if not len(words):
            raise ValueError("not one valid polarity event")
        x, y = words[:, 0] >> 17, words[:, 0] >> 2 & 0x7FFF
        if off := off_sensor(x, y, SIDE, SIDE):
            raise ValueError(f"{off}: another camera")
        if back := descending(clock, EARLY):
            raise ValueError(back)
    except ValueError as error:
        raise DataError(
            "a recording in AEDAT 3.1 cannot be read",
            where=str(path),
            got=str(error),
            expected="a header, and packets of polarity events of a DVS128 in the order of time",
            do=AGAIN,
        ) from error
    t = held(path, clock, stacklevel=4)
    return Events(t, x.astype(np.int64), y.astype(np.int64), (words[:, 0] >> 1 & 1).astype(np.int64), SIDE, SIDE)


def _packets(data: bytes) -> Iterator[tuple[Words, int]]:
    """(events [E, 2], overflows of the clock) of every packet of polarity events."""
    at = data.find(ENDS)
    if at < 0:
        raise ValueError("a header without its last line, #!END-HEADER")
    at += len(ENDS)
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise ValueError(f"a packet that is cut off: {len(data) - at} bytes at byte {at}")
        kind, _, size, _, overflows, _, number, _ = HEADER.unpack_from(data, at)
        at += HEADER.size
        if kind < 0 or size < 1 or number < 0 or overflows < 0:
            raise ValueError(f"a packet of {number} events of type {kind} and {size} bytes at byte {at - HEADER.size}")
        if size * number > len(data) - at:
            raise ValueError(f"a packet that states {size * number} bytes at byte {at}, where {len(data) - at} are left")
        if kind == POLARITY:
            if size != EVENT:
                raise ValueError(f"polarity events of {size} bytes")
            yield np.frombuffer(data, "<u4", 2 * number, at).astype(np.uint32).reshape(-1, 2), overflows
        at += size * number
