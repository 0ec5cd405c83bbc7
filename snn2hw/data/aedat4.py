"""AEDAT 4 recordings, the format of iniVation's DV: the package `aedat` (extra `aedat`) decodes their events.

Behind the line "#!AER-DAT4.0\\r\\n" come the size of a header in 4 bytes, the header, and packets: 4 bytes for the number of a
stream, 4 for a size, and so many bytes, packed by LZ4 or ZSTD as the header says. Words are little-endian; header and packets are
flatbuffers (https://docs.inivation.com, software/file-formats/aedat-4.0). The header's table has, in this order, the kind of
packing, the place behind the last packet (-1: the recording was not ended), and XML that names the streams.

The package reads the header without a look at its size, and takes a file that ends inside a packet's first bytes for a whole
one. So this module follows header and packets to their end before the package sees the file.
"""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.data.events import Events
from snn2hw.data.recordings import descending, off_sensor
from snn2hw.errors import DataError, MissingExtraError

BEGINS = b"#!AER-DAT4.0\r\n"
LEAST = 12  # bytes of a packet: its size, the place of its table, its name
ENDED, DESCRIPTION = 1, 2  # fields of the header's table
PANIC = "PanicException"  # of the package's Rust: no Exception, and in no module that can be imported
MOST = 1 << 15  # pixels of a side, which a place of an event can name: 16 bits with a sign
DO = "copy the recording again; if it is whole, write the events of one camera to a file of their own, with dv-processing or DV"


def stream_events(path: Path, data: bytes) -> Events:
    """The events of a file whose bytes are these, on the pixels that its only stream of events states; t begins at 0.

    Raises:
        MissingExtraError: the package aedat is not installed. DataError: a header or packet that is cut off or makes no sense,
            not one stream of events, no event, an event off the sensor, or a clock that falls back.
    """
    if importlib.util.find_spec("aedat") is None:
        raise MissingExtraError("aedat", "aedat", "reading AEDAT 4")
    try:
        _follow(data)
        found, height, width = _decoded(path)
        if max(height, width) > MOST:
            raise ValueError(f"a sensor of {height} x {width} pixels, where events name at most {MOST}")
        if off := off_sensor(found["x"], found["y"], height, width):
            raise ValueError(off)
        t = found["t"].astype(np.int64)
        if t.min() < 0:
            raise ValueError(f"an event at {t.min()} us")
        if back := descending(t):
            raise ValueError(back)
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise DataError(
            "a recording in AEDAT 4 cannot be read",
            where=str(path),
            got=(str(error).splitlines() or [type(error).__name__])[0][:200],
            expected="a header, and packets of one stream of events in the order of time",
            do=DO,
        ) from error
    x, y, p = (found[name].astype(np.int16) for name in ("x", "y", "on"))
    return Events(t - t[0], x, y, p, height, width)


def _decoded(path: Path) -> tuple[npt.NDArray[np.void], int, int]:
    """What the package finds: events with the fields t, x, y, on; the rows and columns of their sensor."""
    import aedat

    decoder = aedat.Decoder(path)
    sensors = [(s["height"], s["width"]) for s in decoder.id_to_stream().values() if s["type"] == "events"]
    if len(sensors) != 1:
        raise ValueError(f"{len(sensors)} streams of events")
    packets = [packet["events"] for packet in decoder if "events" in packet]
    if not any(map(len, packets)):
        raise ValueError("not one event")
    return np.concatenate(packets), *sensors[0]


def _follow(data: bytes) -> None:
    """Refuse a header whose parts are not within it, and packets that do not end where the recording does."""
    at = len(BEGINS) + 4
    size = _number("I", data, len(BEGINS), "the size of the header")
    header = data[at : at + size]
    if len(header) < size:
        raise ValueError(f"a header that states {size} bytes, where {len(header)} are left")
    at += size
    end = _end(header)
    end = len(data) if end < 0 else end
    if not at <= end <= len(data):
        raise ValueError(f"packets that end at byte {end}; the file has {len(data)} bytes, {at} of them before the first packet")
    while at < end:
        stated = _number("I", data[:end], at + 4, f"a packet at byte {at}")
        left = end - at - 8
        if stated > left:
            raise ValueError(f"a packet that states {stated} bytes at byte {at}, where {left} are left")
        if stated < LEAST:
            raise ValueError(f"a packet of {stated} bytes at byte {at}, which is less than its own table has")
        at += 8 + stated


def _end(header: bytes) -> int:
    """The place behind the last packet, below 0 where the header does not say it."""
    table = _number("I", header, 0, "the table")
    fields = table - _number("i", header, table, "the table")
    size = _number("H", header, fields, "the fields")

    def place(field: int) -> int:
        entry = 4 + 2 * field
        offset = _number("H", header, fields + entry, f"field {field}") if entry < size else 0
        return table + offset if offset else 0

    _number("i", header, place(0), "the kind of packing")
    at = place(ENDED)
    end = _number("q", header, at, "the end of the packets") if at else -1
    at = place(DESCRIPTION)
    if at:
        at += _number("I", header, at, "the description")
        length = _number("I", header, at, "the description")
        text = header[at + 4 : at + 4 + length]
        if len(text) < length:
            raise ValueError(f"a description that states {length} bytes, where {len(text)} are left")
        text.decode()  # the package takes it for UTF-8
    return end


def _number(kind: str, data: bytes, at: int, what: str) -> int:
    """The little-endian number at this place."""
    if at < 0 or at + struct.calcsize(f"<{kind}") > len(data):
        raise ValueError(f"{what} beyond the bytes that are there: byte {at} of {len(data)}")
    number: int = struct.unpack_from(f"<{kind}", data, at)[0]
    return number
