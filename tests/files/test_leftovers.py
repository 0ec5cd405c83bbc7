"""What killed processes left is swept, and only that; unfinished commits are finished."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.files import leftovers, record
from snn2hw.files.record import COMMIT, read_record, recorded, standing
from snn2hw.files.write import check_folder, write_file
from tests.files.things import KIND, NEW, OLD, is_, written
from tests.refused import refused
from tests.stored import contents


def left(folder: Path, kind: str) -> Path:
    """What a killed process left."""
    path = leftovers.fresh(folder, kind)
    if kind == leftovers.FILE:
        path.write_bytes(b"half")
    else:
        path.mkdir()
        for name, data in recorded(OLD, {}).items():
            (path / name).write_bytes(data)
    return path


def test_leftovers_are_swept(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    for folder in (tmp_path, place):
        for kind in (leftovers.NEW, leftovers.SWAP, leftovers.FILE):
            left(folder, kind)
    written(place, NEW)
    assert is_(place, NEW)
    assert os.listdir(tmp_path) == ["net"]
    left(tmp_path, leftovers.FILE)
    write_file(tmp_path / "x", b"x")
    assert sorted(os.listdir(tmp_path)) == ["net", "x"]


def test_what_may_not_be_ours_is_not_swept(tmp_path: Path) -> None:
    of_another_machine = tmp_path / ".snn2hw-0123456789ab-0123456789ab.new"
    of_another_machine.mkdir()
    (tmp_path / ".snn2hw-notes.new").write_bytes(b"mine")
    link = leftovers.fresh(tmp_path, leftovers.FILE)
    link.symlink_to("x")
    swap = left(tmp_path, leftovers.SWAP)
    (swap / "notes.txt").write_bytes(b"mine")
    with pytest.warns(Snn2hwWarning, match="files that snn2hw did not write are in a folder that it replaced") as warned:
        write_file(tmp_path / "x", b"x")
    assert len(warned) == 1
    assert sorted(os.listdir(tmp_path)) == sorted([of_another_machine.name, ".snn2hw-notes.new", link.name, swap.name, "x"])
    assert contents(swap) == {"notes.txt": b"mine"}


def test_what_a_living_writer_has_is_not_swept(tmp_path: Path) -> None:
    """Its lock is waited for."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(file: Any) -> None:
        file.write(b"half")
        begun.set()
        assert go_on.wait(20)
        file.write(b" and whole")

    one = threading.Thread(target=write_file, args=(tmp_path / "slow", slow))
    other = threading.Thread(target=write_file, args=(tmp_path / "other", b"x"))
    one.start()
    assert begun.wait(20)
    other.start()
    other.join(0.1)
    assert other.is_alive()
    go_on.set()
    one.join()
    other.join()
    assert contents(tmp_path) == {"slow": b"half and whole", "other": b"x"}


def test_a_lock_that_is_never_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "SECONDS", 0.02)
    with leftovers.held(tmp_path), refused(
        UsageError,
        f"""
        another process is writing in this folder
          where:    {tmp_path}
          got:      a lock that was held for 0.02 seconds
          expected: a folder that others write in for moments only
          do:       wait for the other process, or end it; or choose another folder
        """,
    ):  # fmt: skip
        write_file(tmp_path / "x", b"x")
    assert os.listdir(tmp_path) == []


def unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int) -> Path:
    """A folder with files of others whose writer ended after so many names."""
    place = written(tmp_path / "net", OLD)
    (place / "notes.txt").write_bytes(b"mine")
    calls: list[str] = []
    replace = os.replace

    def stopping(a: Any, b: Any) -> None:
        if len(calls) == moved:
            raise KeyboardInterrupt
        calls.append(str(b))
        replace(a, b)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stopping)
        with pytest.raises(KeyboardInterrupt):
            written(place, NEW)
    return place


@pytest.mark.parametrize("moved", range(4))
def test_an_unfinished_commit_reads_as_the_new_files_and_is_finished(
    moved: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = unfinished(tmp_path, monkeypatch, moved)
    assert (place / COMMIT).is_dir()
    assert {name: standing(place, name).read_bytes() for name in NEW} == NEW
    stated = read_record(standing(place, "manifest.json"), KIND)
    assert stated is not None
    assert record.changed(place, stated) == []
    check_folder(place, KIND)
    written(place, {**NEW, "a": b"newer"})
    assert is_(place, {**NEW, "a": b"newer"}, **{"notes.txt": b"mine"})
