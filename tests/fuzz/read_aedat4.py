"""AEDAT 4 recordings, packed or not. Of those that are not, accepted ones must have just the events that a plain reading gives.

LZ4 and ZSTD check their bytes only where a recording has checksums, so damaged ones may have any events.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

from snn2hw.data import read_aedat
from tests.data.published import aedat4, event_packet
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

STREAMS = (("IMUS", 0, 0), ("EVTS", 40, 30), ("TRIG", 0, 0))
PACKINGS = (0, 0, 0, 1, 3)
WORDS = (0, 1, 4, 8, 12, 2**15, 2**24, 2**31, 2**32 - 1)


def prepare(folder: Path) -> None:
    """Nothing: recordings are drawn."""


def damage(rng: random.Random, folder: Path, good: None) -> Attempt:
    """A drawn recording, most of the time with damage to its bytes or to a word of its header or last packets."""
    now, packets, packing = rng.randrange(2**60), [], rng.choice(PACKINGS)
    for _ in range(rng.randrange(1, 6)):
        events = []
        for _ in range(rng.randrange(9)):
            now += rng.randrange(20)
            events.append((now, rng.randrange(40), rng.randrange(30), rng.randrange(2)))
        packets += [event_packet(1, events, packing), event_packet(0, (), packing, b"IMUS")]
    data = aedat4(packets, STREAMS, packing, rng.random() < 0.7)
    says = f"{len(packets)} packets, packing {packing}"
    kind = rng.random()
    if kind < 0.4:
        more, data = damaged_bytes(rng, data)
        says += f", {more}"
    elif kind < 0.9:
        at = rng.choice((rng.randrange(14, 66), rng.randrange(len(data) // 2, len(data) - 3)))
        data = data[:at] + struct.pack("<I", rng.choice((*WORDS, rng.randrange(2**32)))) + data[at + 4 :]
        says += f", another word at byte {at}"
    (folder / "x.aedat4").write_bytes(data)
    return Attempt(says, (lambda got: len(got) < len(data)) if packing else lambda got: got == plainly(data))


def plainly(data: bytes) -> list[tuple[int, ...]]:
    """(t, x, y, p) of every event in packets of the type EVTS, one at a time, up to where the header ends the packets."""
    header = field(data, 18, 1)
    at, end = 18 + word("I", data, 14), word("q", data, header) if header else -1
    found = list[tuple[int, ...]]()
    while at < (len(data) if end < 0 else end):
        body, at = data[at + 8 : at + 8 + word("I", data, at + 4)], at + 8 + word("I", data, at + 4)
        if body[8:12] == b"EVTS":
            place = field(body, 4, 0)
            vector = place + word("I", body, place)
            found += [struct.unpack_from("<qhhB", body, vector + 4 + 16 * n) for n in range(word("I", body, vector))]
    return [(t - found[0][0], x, y, int(p != 0)) for t, x, y, p in found]


def field(data: bytes, begins: int, number: int) -> int:
    """Where a field of the table lies that a flatbuffer beginning here has, 0 where it is left out."""
    table = begins + word("I", data, begins)
    fields = table - word("i", data, table)
    place = word("H", data, fields + 4 + 2 * number) if 4 + 2 * number < word("H", data, fields) else 0
    return table + place if place else 0


def word(kind: str, data: bytes, at: int) -> int:
    return int(struct.unpack_from(f"<{kind}", data, at)[0])


def read(folder: Path, good: Any) -> list[tuple[int, ...]]:
    """The events, whose frames count each of them once."""
    events = read_aedat(folder / "x.aedat4")
    assert events.frames(2, by="time").sum() == len(events)
    return list(zip(*(a.tolist() for a in (events.t, events.x, events.y, events.p)), strict=True))


READER = Reader("aedat4", prepare, damage, read, quick=50)
