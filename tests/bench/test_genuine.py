"""Files that a user has beside other people's readers: what is counted as a difference, and the rows of the table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.data.published import aedat3, aedat4, event_packet, forty_bits, ts, wav
from tests.data.writers import address, aedat

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("tonic") is None, reason="the other reader is tonic"),
]
warns = pytest.mark.filterwarnings("ignore:events of a recording are early")  # one of three is, so that it is compared
EARLY = [(address(5, 6, True), 100_000), (address(7, 8, False), 99_990), (0x8000, 100_001), (address(1, 2, True), 100_002)]


def written(folder: Path) -> Path:
    """One file of each format, one that is refused, and one that is none of them."""
    (folder / "a.aedat").write_bytes(aedat(EARLY))
    (folder / "b.aedat").write_bytes(aedat3([(1, 0, [(3, 4, 5, 1, True)])]))
    (folder / "b4.aedat").write_bytes(aedat4([event_packet(0, [(7, 5, 6, 1)])], [("EVTS", 8, 8)]))
    (folder / "c.aedat").write_bytes(aedat(EARLY)[:-1])
    (folder / "deep").mkdir()
    (folder / "deep" / "a.bin").write_bytes(forty_bits([(1, 2, 3, 1), (4, 5, 6, 0)]))
    (folder / "deep" / "a.wav").write_bytes(wav(np.array([1, -32768, 32767], np.int16)))
    (folder / "deep" / "a.ts").write_text(ts([np.ones((3, 2))], ["A"], ["A", "b"]))
    (folder / "deep" / "a.txt").write_text("none")
    return folder


@warns
def test_every_item_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bench.genuine import compared

    rows = {(row[0], row[1]): row[2:] for row in compared(written(tmp_path))}
    assert rows["deep", ".wav, samples"] == ("1", "3", "scipy", "0", "0")
    assert rows["deep", "N-MNIST, events"] == ("1", "2", "tonic", "0", "0")
    assert rows["deep", ".ts, cases"][:2] == ("1", "1")
    assert rows[".", "AEDAT, events"] == ("3", "5", "tonic, 1 of 3 files", "0", "1")
    assert len(rows) == 4
    assert f"{tmp_path / 'c.aedat'}: a recording is cut off: 31 bytes" in capsys.readouterr().err


def test_events_of_aedat_4_are_compared_with_those_of_dv_processing(tmp_path: Path) -> None:
    dv = pytest.importorskip("dv_processing", reason="the other reader is dv-processing, which writes the file, too")
    from bench.genuine import compared

    writer = dv.io.MonoCameraWriter(str(tmp_path / "a.aedat4"), dv.io.MonoCameraWriter.EventOnlyConfig("made", (8, 6)))
    for event in ((7, 5, 4, True), (9, 3, 2, False), (9, 7, 5, True)):
        store = dv.EventStore()
        store.push_back(*event)
        writer.writeEvents(store)
    del writer  # which ends the file
    assert list(compared(tmp_path)) == [(".", "AEDAT 4, events", "1", "3", "dv_processing", "0", "0")]


@warns
def test_what_differs_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import genuine

    plain = np.arange(12).reshape(4, 3)
    other = plain.copy()
    other[1, :2] += 1
    assert [genuine.differing(plain, p) for p in (plain, other, plain[:3], other[:3])] == [0, 1, 1, 2]
    assert genuine.differing([b"a", b"b"], [b"a", b"c", b"d"]) == 2
    assert genuine.differing(plain[:, 0], other[:, 0]) == 1
    real = genuine.FORMATS[".bin"]
    wrong = genuine.Format(real.name, real.ours, real.module, lambda path: np.asarray(real.theirs(path)) + 1)
    monkeypatch.setitem(genuine.FORMATS, ".bin", wrong)
    rows = {row[1]: row[2:] for row in genuine.compared(written(tmp_path))}
    assert rows["N-MNIST, events"] == ("1", "2", "tonic", "2", "0")


def test_a_reader_that_is_missing_leaves_its_columns_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import genuine

    wavs = genuine.FORMATS[".wav"]
    monkeypatch.setattr(genuine, "FORMATS", {".wav": genuine.Format(wavs.name, wavs.ours, "none_such", wavs.theirs)})
    genuine.main([str(written(tmp_path))])
    assert capsys.readouterr().out.splitlines() == [
        "| folder | format | files | items | compared with | differ | refused |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| deep | .wav, samples | 1 | 3 |  |  | 0 |",
    ]
