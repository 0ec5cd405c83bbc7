"""AEDAT recordings, compared with the events that a plain reading of the damaged bytes gives."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

from snn2hw.data import read_aedat
from tests.data.writers import HEADER, address, aedat
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

CLOCKS = (0, 1, 5, 2**31 - 1, 2**31, 2**32 - 10, 2**32 - 1)
HEADERS = (
    HEADER,
    b"#!AER-DAT2.0\r\n",
    b"#!AER-DAT2.0\n# x\n",
    b"#!AER-DAT1.0\r\n",
    b"#!AER-DAT3.1\r\n",
    b"#!AER-DAT2.05\r\n",
    b"#!AER-DAT2.0",
    b"",
)


def prepare(folder: Path) -> None:
    """Nothing: recordings are drawn."""


def damage(rng: random.Random, folder: Path, good: None) -> Attempt:
    """A drawn recording, half of the time with damage to its bytes as well."""
    events = [
        (
            address(rng.randrange(128), rng.randrange(128), rng.random() < 0.5) | rng.choice((0, 0, 0, 0x8000, 0xFFFF0000)),
            rng.choice((*CLOCKS, rng.randrange(2**32))),
        )
        for _ in range(rng.randrange(0, 40))
    ]
    header = rng.choice(HEADERS) if rng.random() < 0.3 else HEADER
    data, says = aedat(events, header), f"{len(events)} events behind {header[:14]!r}"
    if rng.random() < 0.5:
        more, data = damaged_bytes(rng, data)
        says += f", {more}"
    (folder / "x.aedat").write_bytes(data)
    return Attempt(says, lambda got: got == plainly(data))


def plainly(data: bytes) -> list[tuple[int, int, int, int]] | None:
    """(t, x, y, p) of every pixel event, one at a time; None where this is no AEDAT 2.0."""
    if data.split(b"\n")[0].rstrip(b"\r") != b"#!AER-DAT2.0":
        return None
    while data.startswith(b"#"):
        data = data.split(b"\n", 1)[1] if b"\n" in data else b""
    found, now, latest, before = list[tuple[int, int, int, int]](), 0, 0, None
    for where, clock in struct.iter_unpack(">II", data):
        if where > 0x7FFF:
            continue
        if before is not None:
            passed = (clock - before + 2**31) % 2**32 - 2**31
            now += passed if passed >= -(2**16) else 0
        before, latest = clock, max(latest, now)
        found.append((latest, 127 - (where >> 8), 127 - (where >> 1 & 127), 1 - (where & 1)))
    return found


def read(folder: Path, good: Any) -> list[tuple[int, ...]]:
    """The events, whose frames count each of them once."""
    events = read_aedat(folder / "x.aedat")
    assert events.frames(3, (16, 16), by="count").sum() == events.frames(2, by="time").sum() == len(events)
    return list(zip(*(a.tolist() for a in (events.t, events.x, events.y, events.p)), strict=True))


READER = Reader("aedat", prepare, damage, read, quick=50)
