"""AEDAT 3.1 recordings of a DVS128, the format of DVS-Gesture.

Behind lines "#...\\r\\n", the first "#!AER-DAT3.1" and the last "#!END-HEADER", come packets: 28 bytes, little-endian, of which
the type of its events (1: polarity), the number of their source, the bytes of an event, the overflows of the clock and the
number of events count here; then so many events. A polarity event has 8 bytes, two little-endian words: bit 0 valid, bit 1
brighter, bits 2-16 the row, bits 17-31 the column; and 31 bits of microseconds (https://docs.inivation.com,
software/file-formats/aedat-3.1).
"""

from __future__ import annotations

import struct
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data.events import Events
from snn2hw.data.recordings import EARLY, another_camera, descending, held, off_sensor
from snn2hw.errors import DataError, Snn2hwWarning

BEGINS, ENDS = (b"#!AER-DAT3.1\r\n", b"#!AER-DAT3.1\n"), b"#!END-HEADER\r\n"
HEADER = struct.Struct("<hhiiiiii")
POLARITY, EVENT, SIDE = 1, 8, 128
TYPES = range(14)  # of events that the format names, special events to matrices
AGAIN = "unpack the recording again"
Words = npt.NDArray[np.uint32]


def polarity_events(path: Path, data: bytes) -> Events:
    """The events of a file's bytes, on 128x128 pixels; t is the clock of the recording. Other types of events are passed over.

    An event that is up to 2^16 us early has the time of the latest one before it.

    Raises:
        DataError: a header or packet cut off, packets that make no sense, no event, another camera, or a clock that falls back
            further.

    Warns:
        Snn2hwWarning: more events are early than single ones, or packets are of types that the format does not name.
    """
    try:
        found: list[tuple[Words, int]] = []
        unnamed: Counter[int] = Counter()
        sources = set[int]()
        for kind, source, events, overflows in _packets(data):
            if kind == POLARITY:
                sources.add(source)
                found.append((np.frombuffer(events, "<u4").astype(np.uint32).reshape(-1, 2), overflows))
            elif kind not in TYPES:
                unnamed[kind] += 1
        words = np.concatenate([w for w, _ in found]) if found else np.empty((0, 2), np.uint32)
        clock = np.concatenate([w[:, 1].astype(np.int64) + (over << 31) for w, over in found]) if found else np.empty(0, np.int64)
        if len(sources) > 1:
            raise ValueError(f"events of {len(sources)} cameras, numbers {', '.join(map(str, sorted(sources)))}")
        if beyond := int(np.count_nonzero(words[:, 1] >> 31)):
            raise ValueError(f"{beyond} of {len(words)} events with a time of more than 31 bits")
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
    if unnamed:
        _warn_of_types(path, unnamed)
    t = held(path, clock, stacklevel=4)
    return Events(t, x.astype(np.int64), y.astype(np.int64), (words[:, 0] >> 1 & 1).astype(np.int64), SIDE, SIDE)


def _warn_of_types(path: Path, packets: Counter[int]) -> None:
    """A type that is damaged would take a packet of polarity events away without a word."""
    named = ", ".join(f"type {kind} ({number})" for kind, number in sorted(packets.items()))
    warnings.warn(
        Snn2hwWarning(
            "packets of a recording are of types that AEDAT 3.1 does not name, and are passed over",
            where=str(path),
            got=f"packets of {named}",
            expected=f"types {TYPES[0]} to {TYPES[-1]}; {POLARITY}: polarity events",
            do=f"{AGAIN}, if no program writes events of its own",
        ),
        stacklevel=5,  # of whoever reads the recording, as that of `held`
    )


def _packets(data: bytes) -> Iterator[tuple[int, int, memoryview, int]]:
    """(type of the events, number of their source, their bytes, overflows of the clock) of every packet."""
    at = data.find(ENDS)
    if at < 0:
        raise ValueError("a header without its last line, #!END-HEADER")
    if name := another_camera(data[:at]):
        raise ValueError(f"a header that names {name}: another camera")
    at += len(ENDS)
    while at < len(data):
        if len(data) - at < HEADER.size:
            raise ValueError(f"a packet that is cut off: {len(data) - at} bytes at byte {at}")
        kind, source, size, _, overflows, _, number, _ = HEADER.unpack_from(data, at)
        at += HEADER.size
        if kind < 0 or size < 1 or number < 0 or overflows < 0:
            raise ValueError(f"a packet of {number} events of type {kind} and {size} bytes at byte {at - HEADER.size}")
        if size * number > len(data) - at:
            raise ValueError(f"a packet that states {size * number} bytes at byte {at}, where {len(data) - at} are left")
        if kind == POLARITY and size != EVENT:
            raise ValueError(f"polarity events of {size} bytes")
        yield kind, source, memoryview(data)[at : at + size * number], overflows
        at += size * number
