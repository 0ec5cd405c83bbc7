"""AEDAT 3.1 and DVS-Gesture: events and gestures read back exactly, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from snn2hw.data import DVSGesture, read_aedat
from snn2hw.errors import DataError
from tests.data.published import aedat3
from tests.refused import refused, warned

pytestmark = pytest.mark.torch

Event = tuple[int, int, int, int, bool]
FIRST: list[Event] = [(100, 0, 127, 1, True), (150, 127, 0, 0, True), (160, 3, 4, 1, False)]
SECOND: list[Event] = [(5, 64, 32, 1, True)]


def test_packets_are_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    late = [(2**31 - 10, *event) for _, *event in FIRST[:1]]
    path.write_bytes(aedat3([(0, 0, SECOND), (1, 0, late), (1, 0, []), (1, 1, SECOND), (1, 1, FIRST)]))
    read = read_aedat(path)
    assert list(zip(*(a.tolist() for a in (read.t, read.x, read.y, read.p)), strict=True)) == [
        (2**31 - 10, 0, 127, 1),
        (2**31 + 5, 64, 32, 1),  # the clock has run over once; what is not valid and what is no pixel is left out
        (2**31 + 100, 0, 127, 1),
        (2**31 + 150, 127, 0, 0),
    ]


def test_packets_of_types_that_no_format_names_are_told_of(tmp_path: Path) -> None:
    """A damaged type takes its packet away; the types below are special events, and motion of six axes."""
    path = tmp_path / "x.aedat"
    path.write_bytes(aedat3([(0, 0, SECOND), (3, 0, FIRST), (1, 0, FIRST), (257, 0, FIRST), (14, 0, []), (257, 1, SECOND)]))
    says = f"""
        packets of a recording are of types that AEDAT 3.1 does not name, and are passed over
          where:    {path}
          got:      packets of type 14 (1), type 257 (2)
          expected: types 0 to 13; 1: polarity events
          do:       unpack the recording again, if no program writes events of its own
        """
    with warned(says):
        read = read_aedat(path)
    assert read.t.tolist() == [100, 150]


@pytest.mark.parametrize("sound", [193, 194])
def test_an_early_event_moves_no_other(tmp_path: Path, sound: int) -> None:
    """A DVS128 reads its clock byte by byte; two early events of 199 are more than a hundredth of them."""
    path, later = tmp_path / "x.aedat", range(70_257, 70_257 + sound)
    times = [70_000, 4_464, 70_002, 70_256, 70_003, 70_256, *later]
    path.write_bytes(aedat3([(1, 1, [(t, 1, 2, 1, True) for t in times])]))
    says = f"""
        events of a recording are early, and get the time of the latest one before them
          where:    {path}
          got:      2 of 199 events
          expected: at most 1% of them, as a DVS128 has single ones
          do:       export the recording again in the order of time
        """
    with warned(*[says] * (sound == 193)):
        read = read_aedat(path)
    assert (read.t - 2**31).tolist() == [70_000, 70_000, 70_002, 70_256, 70_256, 70_256, *later]


GOOD = aedat3([(1, 0, FIRST)])
HEAD = GOOD.index(b"END-HEADER\r\n") + 12


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (GOOD[:-1], "a packet that states 24 bytes at byte 123, where 23 are left"),
        (GOOD[: HEAD + 5], "a packet that is cut off: 5 bytes"),
        (GOOD[:HEAD], "not one valid polarity event"),
        (GOOD[:30], "a header without its last line"),
        (aedat3([(1, 0, [(1, 1, 1, 1, False)])]), "not one valid polarity event"),
        (
            aedat3([(1, 0, [(1, 128, 1, 1, True)])]),
            "column 128, row 1 in event 0; 1 of 1 events are off .*: another camera",
        ),
        (aedat3([(1, 0, [(65540, 1, 1, 1, True), (3, 1, 1, 1, True)])]), "3 us behind 65540 us in event 1"),
        (
            GOOD[:HEAD] + struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, 1, 2**31 - 1, 1) + b"\0" * 8,
            "a packet that states 17179869176 bytes",
        ),
        (
            GOOD[:HEAD] + struct.pack("<hhiiiiii", 1, 1, -8, 4, 0, 1, 1, 1) + b"\0" * 8,
            "a packet of 1 events of type 1 and -8 bytes",
        ),
        (
            GOOD[:HEAD] + struct.pack("<hhiiiiii", -32767, 1, 8, 4, 0, 1, 1, 1) + b"\0" * 8,
            "a packet of 1 events of type -32767 and 8",
        ),
        (GOOD[:HEAD] + struct.pack(">hhiiiiii", 1, 1, 8, 4, 0, 1, 1, 1) + b"\0" * 8, "a packet"),
        (GOOD[:HEAD] + struct.pack("<hhiiiiii", 1, 1, 12, 4, 0, 1, 1, 1) + b"\0" * 12, "polarity events of 12 bytes"),
        (GOOD + struct.pack("<hhiiiiii", 1, 2, 8, 4, 0, 1, 1, 1) + GOOD[-8:], "events of 2 cameras, numbers 1, 2"),
        (GOOD[:-4] + struct.pack("<I", 2**31 + 170), "1 of 3 events with a time of more than 31 bits"),
        (GOOD.replace(b"DVS128", b"DAVIS240C"), "a header that names 'DAVIS240C': another camera"),
        (GOOD.replace(b"3.1", b"3.10"), "it begins with '#!AER-DAT3.10'"),
        (b"#!AER-DAT3.0\r\n", "export it as AEDAT 2.0, 3.1 or 4.0"),
        (b"", "a recording is empty"),
    ],
)
def test_what_cannot_be_read(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.aedat").write_bytes(data)
    with pytest.raises(DataError, match=says):
        read_aedat(tmp_path / "x.aedat")


TABLE = "class,startTime_usec,endTime_usec\n2,100,200\n11,1000,1100\n"


def gestures(root: Path) -> Path:
    """Two recordings of two gestures each; the second is of another size."""
    for user, late in (("user01_led", 0), ("user02_led", 50)):
        events = [(t, t % 128, 1, 1, True) for t in (90, 100, 199 - late, 200, 1000, 1001, 1050)]
        (root / f"{user}.aedat").write_bytes(aedat3([(1, 0, sorted(events))]))
        (root / f"{user}_labels.csv").write_text(TABLE)
    (root / "trials_to_train.txt").write_text("user01_led.aedat\nuser02_led.aedat\n\n")
    (root / "trials_to_test.txt").write_text("user02_led.aedat\n")
    return root


def test_gestures_are_cut_out_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    root.mkdir()
    data, test = DVSGesture(gestures(root), steps=2, size=128), DVSGesture(root, "test", steps=2, by="count")
    assert (len(data), len(test), data.labels.tolist()) == (4, 2, [1, 10, 1, 10])
    assert data.classes[1] == "right hand wave"
    sample = data[0][0]
    assert sample.shape == (2, 2, 128, 128)
    assert [tuple(int(v) for v in place) for place in np.argwhere(sample.numpy())] == [(0, 1, 1, 100), (1, 1, 1, 71)]
    assert sorted(int(p[3]) for p in np.argwhere(data[1][0].numpy())) == [26, 104, 105]
    kept = sorted((tmp_path / "cache").rglob("*.npz"))
    assert len(kept) == 6
    for file in kept:
        file.write_bytes(b"damaged")
    assert np.array_equal(data[0][0], sample)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "a table of labels of DVS-Gesture is empty"),
        ("class,startTime_usec,endTime_usec\n", "no row below its head"),
        ("class,startTime_usec,endTime_usec\n12,1,2\n", "class 12, 1 to 2 us in line 2"),
        ("class,startTime_usec,endTime_usec\n1,2,2\n", "class 1, 2 to 2 us in line 2"),
        ("class,startTime_usec,endTime_usec\n1,2\n", "'', which is no whole number, in line 2"),
        ("class,startTime_usec,endTime_usec\n1,100,2_00\n", "'2_00', which is no whole number, in line 2"),
        ("class,startTime_usec,endTime_usec\n1,-100,200\n", "'-100', which is no whole number, in line 2"),
        (f"class,startTime_usec,endTime_usec\n1,100,{10**23}\n", f"class 1, 100 to {10**23} us in line 2"),
        ("class,class,startTime_usec,endTime_usec\n1,2,100,200\n", "two columns class"),
        ("class,startTime_usec,endTime_usec\n1,100,200\n2,100,200\n", "100 to 200 us a second time in line 3"),
        ("a,b,c\n1,2,3\n", "'', which is no whole number, in line 2"),
        ("class,startTime_usec,endTime_usec\n1,5000,6000\n", "a gesture has no event"),
    ],
)
def test_tables_that_cannot_be_read(table: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    root.mkdir()
    (gestures(root) / "user01_led_labels.csv").write_text(table)
    with pytest.raises(DataError, match=says):
        DVSGesture(root)


def test_a_recording_that_was_cut_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two packets nothing in the file itself says so."""
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    root.mkdir()
    (gestures(root) / "user01_led_labels.csv").write_text("class,startTime_usec,endTime_usec\n1,100,200\n3,1000,1102\n")
    says = f"""
        a recording ends before the half of a gesture
          where:    {root / "user01_led.aedat"}
          got:      its last event at 1050 us
          expected: events of the gesture from 1000 to 1102 us
          do:       unpack the set from https://research.ibm.com/interactive/dvsgesture again
        """
    with warned(says):
        data = DVSGesture(root, steps=2)
    assert data[1][0].sum() == 3


def test_a_recording_that_vanishes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    root.mkdir()
    data = DVSGesture(gestures(root))
    (root / "user01_led.aedat").unlink()
    with refused(
        DataError,
        f"""
        a recording of DVS-Gesture is gone
          where:    {root / "user01_led.aedat"}
          got:      No such file or directory
          expected: the recordings that were there when the folder was opened
          do:       unpack DvsGesture.tar.gz of https://research.ibm.com/interactive/dvsgesture again
        """,
    ):
        data[0]
    assert data[2][1] == 1  # the others are there


def test_a_list_without_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trials_to_train.txt").write_text("\n")
    with refused(
        DataError,
        f"""
        a split of DVS-Gesture has no recordings
          where:    {tmp_path / "trials_to_train.txt"}
          got:      no name in 1 bytes
          expected: a name of a recording in each line
          do:       unpack DvsGesture.tar.gz of https://research.ibm.com/interactive/dvsgesture again
        """,
    ):
        DVSGesture(tmp_path)


def test_a_list_that_names_a_recording_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trials_to_train.txt").write_text("b.aedat\na.aedat\nb.aedat\n")
    with refused(
        DataError,
        f"""
        the list of a split of DVS-Gesture names a recording twice
          where:    {tmp_path / "trials_to_train.txt"}
          got:      'b.aedat'
          expected: every recording once
          do:       unpack DvsGesture.tar.gz of https://research.ibm.com/interactive/dvsgesture again
        """,
    ):
        DVSGesture(tmp_path)


def test_other_folders(tmp_path: Path) -> None:
    with refused(
        DataError,
        f"""
        DVS-Gesture is not in this folder
          where:    {tmp_path}
          got:      an empty folder
          expected: trials_to_train.txt, and the recordings user01_fluorescent.aedat and so on that it names
          do:       unpack DvsGesture.tar.gz of https://research.ibm.com/interactive/dvsgesture here
        """,
    ):
        DVSGesture(tmp_path)
    for name in ("../x.aedat", "absent.aedat"):
        (tmp_path / "trials_to_train.txt").write_text(name + "\n")
        with pytest.raises(DataError, match="which is no file of this folder"):
            DVSGesture(tmp_path)
