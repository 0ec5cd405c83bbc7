"""A folder is written as a whole, beside what is there or within it; files of others stay as they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from snn2hw.errors import UsageError
from snn2hw.files import disk, write
from tests.files.things import ALONE, NEW, OLD, is_, written
from tests.stored import contents


@pytest.fixture(params=["exchange", "without exchange"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "exchange":
        monkeypatch.setattr(disk, "_renameat2", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("system")
def test_a_folder_is_new_and_then_replaced(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "down" / "net"
    assert written(place, OLD) == place
    assert is_(place, OLD)
    (place / "made").write_bytes(b"from the old ones")
    place.chmod(0o750)
    assert written(place, NEW) == place
    assert is_(place, NEW)
    assert stat.S_IMODE(place.stat().st_mode) == 0o750
    assert os.listdir(place.parent) == ["net"]


@pytest.mark.usefixtures("system")
def test_an_empty_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    written(tmp_path / "net", NEW)
    assert is_(tmp_path / "net", NEW)
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.usefixtures("system")
def test_what_is_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    (place / "notes.txt").write_bytes(b"mine")
    (place / "c").mkdir()
    (place / "c" / "gone").write_bytes(b"mine, too")
    before = {p: p.lstat().st_ino for p in (place / "notes.txt", place / "c", place / "c" / "gone")}
    written(place, NEW)
    assert is_(place, NEW, **{"notes.txt": b"mine", "c/gone": b"mine, too"})
    assert {p: p.lstat().st_ino for p in before} == before


@pytest.mark.usefixtures("system")
def test_a_file_that_is_no_longer_written_goes_unless_it_was_edited(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    (place / "notes.txt").write_bytes(b"mine")  # so that the folder is written from the inside
    (place / "gone").write_bytes(b"edited")
    written(place, NEW)
    assert is_(place, NEW, **{"notes.txt": b"mine", "gone": b"edited"})


def test_a_file_of_ones_own_that_a_new_one_would_replace(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    (place / "come").write_bytes(b"mine")
    before = contents(place)
    with pytest.raises(UsageError, match="come, which snn2hw did not write"):
        written(place, NEW)
    assert contents(place) == before


@pytest.mark.parametrize("change", [lambda p: p.symlink_to("b"), Path.mkdir, os.mkfifo], ids=["link", "folder", "FIFO"])
def test_a_name_of_ours_that_is_no_file(change: Callable[[Path], None], tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    (place / "a").unlink()
    change(place / "a")
    with pytest.raises(UsageError, match="got:      a, which snn2hw did not write"):
        written(place, NEW)
    assert (place / "b").read_bytes() == OLD["b"]


def test_edited_files_are_replaced_only_by_force(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD, ALONE)
    (place / "a").write_bytes(b"edited")
    with pytest.raises(UsageError, match="files of this thing were edited after snn2hw wrote them"):
        written(place, NEW, ALONE)
    assert (place / "a").read_bytes() == b"edited"
    written(place, NEW, ALONE, force=True)
    assert is_(place, NEW)
    (place / "own").write_bytes(b"mine")
    with pytest.raises(UsageError, match="own, which snn2hw did not write"):
        written(place, OLD, ALONE, force=True)


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    place = written(tmp_path / "net", OLD)
    (tmp_path / "link").symlink_to("net")
    assert written(tmp_path / "link", NEW) == place
    assert is_(place, NEW)
    assert os.readlink(tmp_path / "link") == "net"


def test_the_folder_that_one_works_in_keeps_its_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = written(tmp_path / "net", OLD)
    monkeypatch.chdir(place)
    inode = place.stat().st_ino
    written(Path("..") / "net", NEW)
    assert place.stat().st_ino == inode
    assert is_(place, NEW)


def test_a_file_that_appears_in_the_moment_of_the_exchange_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, real = written(tmp_path / "net", OLD), write.exchange
    if disk._renameat2() is None:
        pytest.skip("this system exchanges nothing")

    def late(a: Path, b: Path) -> bool:
        (place / "notes.txt").write_bytes(b"mine") if not (a / "notes.txt").exists() else None
        return real(a, b)

    monkeypatch.setattr(write, "exchange", late)
    written(place, NEW)
    assert is_(place, NEW, **{"notes.txt": b"mine"})
    assert os.listdir(tmp_path) == ["net"]
