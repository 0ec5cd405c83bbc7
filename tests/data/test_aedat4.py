"""AEDAT 4 recordings: read back exactly, and what is refused."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from snn2hw.data import aedat4 as reader
from snn2hw.data import read_aedat
from snn2hw.errors import DataError, MissingExtraError
from tests.data.published import aedat4, event_packet
from tests.frameworks import framework
from tests.refused import refused

pytestmark = pytest.mark.torch

BEGAN = 1_700_000_000_000_000  # us since 1970
CAMERA = ("EVTS", 346, 260)
EVENT = st.tuples(st.integers(0, 2**20), st.integers(0, 345), st.integers(0, 259), st.integers(0, 1))
SOME = [(BEGAN, 5, 6, 1), (BEGAN + 3, 345, 259, 0)]
GOOD = aedat4([event_packet(0, SOME)], [CAMERA])
FIRST = len(GOOD) - 22 - len(event_packet(0, SOME))  # byte of the first packet; 22 are the table behind it


@pytest.fixture(autouse=True)
def package() -> None:
    framework("aedat")


@pytest.mark.parametrize("packing", [0, 1, 3])
@given(st.lists(st.lists(EVENT, max_size=9), min_size=1, max_size=5).filter(any), st.booleans(), st.integers(0, 2**62))
def test_recordings_are_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, packing: int, drawn: list, ended: bool, now: int
) -> None:
    """Packets of motion and of triggers between those of events, of which some are empty."""
    path = tmp_path_factory.mktemp("aedat4") / "one.aedat4"
    packets, expected = [], []
    for events in drawn:
        written = []
        for passed, *pixel in events:
            now += passed
            written.append((now, *pixel))
        packets += [event_packet(n, e, packing, k) for n, e, k in ((0, (), b"IMUS"), (1, written, b"EVTS"), (2, (), b"TRIG"))]
        expected += written
    path.write_bytes(aedat4(packets, [("IMUS", 0, 0), CAMERA, ("TRIG", 0, 0)], packing, ended))
    read = read_aedat(path)
    assert (read.height, read.width) == (260, 346)
    found = [*zip(*(a.tolist() for a in (read.t, read.x, read.y, read.p)), strict=True)]
    assert found == [(t - expected[0][0], x, y, p) for t, x, y, p in expected]
    assert read.frames(3, (13, 173)).sum() == len(expected)


def header_with(field: int, value: int) -> bytes:
    """The good file with another word in its header, at this byte of it."""
    at = 18 + field
    return GOOD[:at] + struct.pack("<I", value) + GOOD[at + 4 :]


def test_a_header_may_leave_out_what_is_usual(tmp_path: Path) -> None:
    """As writers of flatbuffers do: no packing, no place behind the last packet."""
    path, plain = tmp_path / "one.aedat4", aedat4([event_packet(0, SOME)], [CAMERA], ended=False)
    path.write_bytes(plain[:30] + bytes(4) + plain[34:])
    assert read_aedat(path).t.tolist() == [0, 3]


def of(*events: tuple[int, int, int, int]) -> bytes:
    return aedat4([event_packet(0, events)], [CAMERA])


CASES = {
    "the size of the header beyond the bytes that are there: byte 14 of 16": GOOD[:16],
    f"a header that states 4294967295 bytes, where {len(GOOD) - 18} are left": GOOD[:14] + b"\xff" * 4 + GOOD[18:],
    f"the table beyond the bytes that are there: byte 1048576 of {FIRST - 18}": header_with(0, 1 << 20),
    f"the fields beyond the bytes that are there: byte -1048556 of {FIRST - 18}": header_with(20, 1 << 20),
    f"the description beyond the bytes that are there: byte 1048612 of {FIRST - 18}": header_with(36, 1 << 20),
    f"a description that states 16777216 bytes, where {FIRST - 18 - 44} are left": header_with(40, 1 << 24),
    f"packets that end at byte 16777216; the file has {len(GOOD)} bytes, {FIRST} of them before the first packet": header_with(
        24, 1 << 24
    ),
    f"packets that end at byte 0; the file has {len(GOOD)} bytes, {FIRST} of them before the first packet": header_with(24, 0),
    f"the kind of packing beyond the bytes that are there: byte 60020 of {FIRST - 18}": header_with(12, 60000 | 4 << 16),
    f"the end of the packets beyond the bytes that are there: byte 60020 of {FIRST - 18}": header_with(12, 12 | 60000 << 16),
    "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte": header_with(44, 0xFFFFFFFF),
    f"a packet that states 64 bytes at byte {FIRST}, where 63 are left": aedat4(
        [event_packet(0, SOME)[:-1]], [CAMERA], ended=False
    ),
    f"a packet at byte {FIRST} beyond the bytes that are there: byte {FIRST + 4} of {FIRST + 7}": aedat4(
        [event_packet(0, SOME)[:7]], [CAMERA], ended=False
    ),
    f"a packet that states 4294967295 bytes at byte {FIRST}, where 64 are left": aedat4(
        [struct.pack("<II", 0, 0xFFFFFFFF) + event_packet(0, SOME)[8:]], [CAMERA]
    ),
    f"a packet of 0 bytes at byte {FIRST}, which is less than its own table has": aedat4([struct.pack("<II", 0, 0)], [CAMERA]),
    "0 streams of events": aedat4([event_packet(0, (), kind=b"IMUS")], [("IMUS", 0, 0)]),
    "2 streams of events": aedat4([event_packet(0, SOME), event_packet(1, SOME)], [CAMERA, CAMERA]),
    "not one event": aedat4([], [CAMERA]),
    "an event at -1 us": of((-1, 0, 0, 0), (2**63 - 1, 0, 0, 0)),
    f"{BEGAN} us behind {BEGAN + 1} us in event 1": of((BEGAN + 1, 0, 0, 0), (BEGAN, 0, 0, 0)),
    "column 346, row 0 in event 1; 1 of 2 events are off the sensor": of((1, 0, 0, 0), (1, 346, 0, 0)),
    "a sensor of 260 x 65535 pixels, where events name at most 32768": aedat4(
        [event_packet(0, [(1, -2, 0, 0)])], [("EVTS", 65535, 260)]
    ),
    "column 0, row 260 in event 0; 2 of 2 events are off the sensor": of((1, 0, 260, 0), (1, 0, -1, 0)),
}
PACKAGE_SAYS = {  # in words of its own
    "another type of stream": aedat4([event_packet(0, SOME)], [("BBOX", 346, 260)]),
    "a stream that is not named": aedat4([event_packet(1, SOME)], [CAMERA]),
    "a packet of another type": aedat4([event_packet(0, SOME, kind=b"IMUS")], [CAMERA]),
    "more events than bytes": aedat4([event_packet(0, SOME, stated=1 << 27)], [CAMERA]),
    "packing that is none": aedat4([event_packet(0, SOME)], [CAMERA], 77),
    "LZ4 that is none": aedat4([event_packet(0, SOME)], [CAMERA], 1),
    "ZSTD that is none": aedat4([event_packet(0, SOME)], [CAMERA], 3),
    "a packet without a byte, where the package panics": aedat4([struct.pack("<II", 0, 0)], [CAMERA]),
    "a sensor without a size": aedat4([event_packet(0, SOME)], [CAMERA]).replace(b"sizeX", b"sizeQ"),
    "a packet of no event, and no other": of(),
    "no XML": GOOD.replace(b"<dv", b"<<<"),
}


@pytest.mark.parametrize("got", CASES)
def test_damaged_recordings_are_refused(got: str, tmp_path: Path) -> None:
    path = tmp_path / "one.aedat4"
    path.write_bytes(CASES[got])
    with refused(
        DataError,
        f"""
        a recording in AEDAT 4 cannot be read
          where:    {path}
          got:      {got}
          expected: a header, and packets of one stream of events in the order of time
          do:       {reader.DO}
        """,
    ):
        read_aedat(path)


@pytest.mark.parametrize("what", PACKAGE_SAYS)
def test_what_the_package_refuses_is_an_error_of_ours(what: str, tmp_path: Path) -> None:
    path = tmp_path / "one.aedat4"
    path.write_bytes(PACKAGE_SAYS[what])
    with pytest.raises(DataError, match=r"^a recording in AEDAT 4 cannot be read\n") as caught:
        read_aedat(path)
    assert caught.value.where == str(path)
    assert caught.value.got


@pytest.mark.parametrize("ended", [True, False])
def test_no_part_of_a_recording_is_taken_for_the_whole(tmp_path: Path, ended: bool) -> None:
    """Cut off at whatever byte. Between two packets, the end of a recording that was not ended is no other than this."""
    path, one = tmp_path / "one.aedat4", event_packet(0, SOME)
    whole = aedat4([one, one.replace(struct.pack("<q", BEGAN), struct.pack("<q", BEGAN + 3))], [CAMERA], ended=ended)
    between = whole.index(one) + len(one)
    for stop in range(1, between + len(one)):
        path.write_bytes(whole[:stop])
        if stop == between and not ended:
            assert len(read_aedat(path)) == 2
        else:
            with pytest.raises(DataError):
                read_aedat(path)
    path.write_bytes(whole)
    assert read_aedat(path).t.tolist() == [0, 3, 3, 3]


def test_an_interruption_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "one.aedat4"
    path.write_bytes(GOOD)
    monkeypatch.setattr(reader, "_decoded", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_aedat(path)


def test_the_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.aedat4"
    path.write_bytes(GOOD)
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "aedat" else there(name))
    with refused(
        MissingExtraError,
        """
        reading AEDAT 4 needs the package 'aedat', which is not installed
          got:      no module named 'aedat'
          expected: snn2hw installed with its 'aedat' extra
          do:       pip install 'snn2hw[aedat]'
        """,
    ):
        read_aedat(path)
