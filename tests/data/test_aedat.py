"""AEDAT 2.0 recordings: read back exactly, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from snn2hw.data import read_aedat
from snn2hw.errors import DataError
from tests.data.writers import HEADER, address, aedat
from tests.refused import refused, warned

pytestmark = pytest.mark.torch

PIXELS = st.tuples(st.integers(0, 127), st.integers(0, 127), st.booleans())


@given(st.lists(st.tuples(PIXELS, st.integers(0, 2**20)), min_size=1, max_size=30), st.integers(1, 2**32 - 1))
def test_recordings_are_read_back_exactly(tmp_path_factory: pytest.TempPathFactory, events: list, start: int) -> None:
    path = tmp_path_factory.mktemp("aedat") / "one.aedat"
    passed = np.cumsum([later for _, later in events])
    clock = [(start + int(t)) % 2**32 for t in passed]  # runs over its 32 bits
    path.write_bytes(aedat(zip((address(*pixel) for pixel, _ in events), clock, strict=True)))
    read = read_aedat(path)
    assert (read.height, read.width) == (128, 128)
    assert read.t.tolist() == (passed - passed[0]).tolist()
    assert list(zip(read.x.tolist(), read.y.tolist(), read.p.tolist(), strict=True)) == [
        (x, y, int(on)) for (x, y, on), _ in events
    ]


def test_a_clock_that_jumps_back_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "one.aedat"
    path.write_bytes(aedat((0, clock) for clock in (90_000, 90_050, 3, 13, 90_013, 90_013 - 2**16 - 1, 90_013)))
    with warned(
        f"""
        the clock of a recording falls back, and is taken to have stood still there
          where:    {path}
          got:      90047 us back at pixel event 2; 2 times in all
          expected: a clock that ascends, but for single events that are at most 65536 us early
          do:       take one recording at a time, if the file holds several one after the other
        """
    ):
        assert read_aedat(path).t.tolist() == [0, 50, 50, 60, 90_060, 90_060, 90_060 + 2**16 + 1]


EARLY = (100_000, 100_250, 100_001, 100_260, 34_724, 34_725, 100_270, 100_270)  # as the bytes of a genuine clock run over


@pytest.mark.parametrize("sound", [291, 292])
def test_an_early_event_moves_no_other(tmp_path: Path, sound: int) -> None:
    """Three early events of 299 are more than a hundredth of them; of 300 they are not."""
    path = tmp_path / "one.aedat"
    path.write_bytes(aedat((0, clock) for clock in (*EARLY, *range(100_271, 100_271 + sound))))
    says = f"""
        events of a recording are early, and get the time of the latest one before them
          where:    {path}
          got:      3 of 299 events
          expected: at most 1% of them, as a DVS128 has single ones
          do:       export the recording again in the order of time
        """
    with warned(*[says] * (sound == 291)):
        assert read_aedat(path).t.tolist() == [0, 250, 250, 260, 260, 260, 270, *range(270, 271 + sound)]


def test_a_clock_that_runs_over_its_32_bits(tmp_path: Path) -> None:
    path = tmp_path / "one.aedat"
    path.write_bytes(aedat((0, clock) for clock in (2**32 - 10, 5)))
    assert read_aedat(path).t.tolist() == [0, 15]


@pytest.mark.parametrize("line", [b"#!AER-DAT2.05\r\n", b"#!AER-DAT20\r\n", b"#!AER-DAT2.1\n", b"#!AER-DAT2.0 \r\n"])
def test_another_version_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "one.aedat"
    path.write_bytes(aedat([(0, 1)], line))
    with pytest.raises(DataError, match=r"^a recording is not in AEDAT 2\.0, 3\.1 or 4\.0\n"):
        read_aedat(path)


def test_a_pointer_and_a_fifo(tmp_path: Path) -> None:
    path = tmp_path / "one.aedat"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    with refused(
        DataError,
        f"""
        a recording is not the file itself
          where:    {path}
          got:      a Git LFS pointer: three lines that stand for a file which was not downloaded
          expected: AEDAT 2.0, 3.1 or 4.0
          do:       get the file itself: `git lfs pull` in its repository, or the download link of the site
        """,
    ):
        read_aedat(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match="a FIFO, not a file"):
        read_aedat(path)


def test_what_is_no_pixel_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "one.aedat"
    path.write_bytes(
        aedat([(address(5, 6, True), 10), (0x8000, 12), (0xFFFFFFFF, 14), (address(7, 8, False), 20), (address(1, 2, True), 30)])
    )
    read = read_aedat(path)
    assert (read.t.tolist(), read.x.tolist(), read.y.tolist(), read.p.tolist()) == ([0, 10, 20], [5, 7, 1], [6, 8, 2], [1, 0, 1])


CUT = "unpack the recording again, or export it as AEDAT 2.0, 3.1 or 4.0; other versions are not read"
WHOLE = aedat([(address(5, 6, True), 10)])
WRONG = b"#!AER-DAT4.1\r\n"
CASES = {
    "a recording is empty\n  where:    {path}\n  got:      0 bytes": b"",
    "a recording is not in AEDAT 2.0, 3.1 or 4.0\n  where:    {path}\n  got:      it begins with '#!AER-DAT4.1'": WRONG,
    "the header of a recording is cut off\n  where:    {path}\n  got:      30 bytes": HEADER[:30],
    "a recording has no events\n  where:    {path}\n  got:      0 bytes after {header} of header": HEADER,
    "a recording has zeros alone\n  where:    {path}\n  got:      8000 bytes 0": HEADER + bytes(8000),
    "a recording is cut off\n  where:    {path}\n  got:      5 bytes after {header} of header": WHOLE[:-3],
}
EXPECTED = {
    "a recording is empty": "\n  expected: AEDAT 2.0, 3.1 or 4.0",
    "a recording is not": "\n  expected: a first line #!AER-DAT2.0, #!AER-DAT3.1 or #!AER-DAT4.0",
    "the header": "",
}


@pytest.mark.parametrize("begins", CASES)
def test_damaged_recordings_are_refused(begins: str, tmp_path: Path) -> None:
    path = tmp_path / "cifar10_cat_3.aedat"
    path.write_bytes(CASES[begins])
    expected = next((text for start, text in EXPECTED.items() if begins.startswith(start)), "\n  expected: 8 bytes an event")
    with refused(DataError, f"{begins.format(path=path, header=len(HEADER))}{expected}\n  do:       {CUT}"):
        read_aedat(path)


def test_another_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "davis.aedat"
    path.write_bytes(aedat((y << 22 | 100 << 12, 10 * y) for y in range(4)))
    with refused(
        DataError,
        f"""
        a recording has addresses of another camera
          where:    {path}
          got:      4 of 4 events beyond 15 bits
          expected: addresses of one DVS128: 7 bits column, 7 bits row, 1 bit polarity
          do:       take a recording of one DVS128, as those of CIFAR10-DVS and MNIST-DVS are
        """,
    ):
        read_aedat(path)


@pytest.mark.parametrize("late", [60_000_010, 60_000_011])
def test_a_clock_that_jumps_over_a_minute_is_told(tmp_path: Path, late: int) -> None:
    path = tmp_path / "one.aedat"
    path.write_bytes(aedat((0, clock) for clock in (0, 10, late, late + 5)))
    says = f"""
        the clock of a recording jumps
          where:    {path}
          got:      60000001 us between events 1 and 2, with 4 in all
          expected: at most 60000000 us: the noise of a camera alone gives more events
          cause:    a damaged time, or two recordings in one file
          do:       look at the times around this place; Events.between leaves out what does not belong to it
        """
    with warned(*[says] * (late > 60_000_010)):
        assert read_aedat(path).t.tolist() == [0, 10, late, late + 5]


def test_a_camera_that_the_header_names_is_refused(tmp_path: Path) -> None:
    """Ear channels would be pixels: their addresses have no more bits."""
    path = tmp_path / "x.aedat"
    for name in ("ch.unizh.ini.jaer.chip.retina.DVS128", "ch.unizh.ini.caviar.chip.retina.Tmpdiff128"):
        path.write_bytes(aedat([(0x6A, 10)], HEADER + f"# AEChip: {name}\r\n".encode()))
        assert len(read_aedat(path)) == 1
    path.write_bytes(aedat([(0x6A, 10)], HEADER + b"# AEChip: ch.unizh.ini.jaer.chip.cochlea.CochleaAMS1c\r\n"))
    with refused(
        DataError,
        f"""
        a recording is of another camera
          where:    {path}
          got:      a header that names 'ch.unizh.ini.jaer.chip.cochlea.CochleaAMS1c'
          expected: a DVS128
          do:       take a recording of one DVS128, as those of CIFAR10-DVS and MNIST-DVS are
        """,
    ):
        read_aedat(path)


def test_a_pair_of_cameras_is_refused(tmp_path: Path) -> None:
    """Bit 15 is the second camera; an external input has it, too, but no pixels."""
    path = tmp_path / "pair.aedat"
    first = [(address(n, n, True), 7) for n in range(128)]
    second = [(0x8000 | pixel, clock) for pixel, clock in [*first[:65], *((pixel + 2, clock) for pixel, clock in first[:64])]]
    path.write_bytes(aedat(first * 2 + second))
    with pytest.raises(DataError, match="addresses of another camera") as caught:
        read_aedat(path)
    assert caught.value.got == "129 of 385 events beyond 15 bits"
    assert caught.value.expected == "addresses of one DVS128: 7 bits column, 7 bits row, 1 bit polarity"
    for few in ([*second[:-1], second[0]], [(0x8000, clock) for _, clock in second]):
        path.write_bytes(aedat(first * 2 + few))
        assert len(read_aedat(path)) == 256
    path.write_bytes(aedat(first * 10 + second))  # less than a tenth
    with warned(
        f"""
        a recording has events of a second camera, which are left out
          where:    {path}
          got:      129 of 1409 events at 129 addresses beyond 15 bits
          expected: addresses of one DVS128; an external input has few of them
          do:       take a recording of one DVS128, or look whether the file is damaged
        """
    ):
        assert len(read_aedat(path)) == 1280


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a recording cannot be read") as caught:
        read_aedat(tmp_path / "none.aedat")
    assert caught.value.got == "No such file or directory"
