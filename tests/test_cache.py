"""The cache folder: nobody else's files are loaded, one makes at a time, what killed makers left goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from snn2hw import cache
from snn2hw.cache import exposed, making, private, put, read_kept
from snn2hw.errors import Snn2hwWarning
from tests.clean_environment import ROOT

as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
SOMEBODY = 12345


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    cache._WARNED.clear()
    cache._of_process.cache_clear()
    return tmp_path / "cache"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_private(folder: Path) -> None:
    old = os.umask(0)
    try:
        assert private("native") == folder / "native"
    finally:
        os.umask(old)
    assert (mode(folder), mode(folder / "native")) == (0o700, 0o700)


def test_the_users_own_cache_of_an_earlier_version_becomes_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNN2HW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "snn2hw" / "native").mkdir(parents=True, mode=0o755)
    assert private("native") == tmp_path / "home" / "snn2hw" / "native"
    assert mode(tmp_path / "home" / "snn2hw") == mode(tmp_path / "home" / "snn2hw" / "native") == 0o700


def warned(name: str = "native") -> tuple[Path, str]:
    with pytest.warns(Snn2hwWarning) as caught:
        taken = private(name)
    assert len(caught) == 1
    with warnings.catch_warnings():  # said once
        warnings.simplefilter("error")
        assert private(name) == taken
    return taken, str(caught[0].message)


@pytest.mark.parametrize("part", ["cache", "cache/native", "."])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path, folder: Path, part: str) -> None:
    (folder / "native").mkdir(parents=True)
    (tmp_path / part).chmod(0o777)
    if part == ".":  # nor is a folder for temporary files in which others could take its place
        taken = warned()[0]
        assert (taken.name, mode(taken), taken.parent.parent) == ("native", 0o700, tmp_path)
        assert taken.parent.name != f"snn2hw-{os.geteuid()}"
        (tmp_path / part).chmod(0o700)
        return
    taken, text = warned()
    assert taken == tmp_path / f"snn2hw-{os.geteuid()}" / "native"
    assert (mode(taken), mode(taken.parent)) == (0o700, 0o700)
    assert text == (
        "others could put files into the cache folder, so that it is not used\n"
        f"  where:    {tmp_path / part}\n"
        f"  got:      {tmp_path / part} can be written by other users\n"
        "  expected: a folder of your own, to which nobody else can write\n"
        f"  do:       set SNN2HW_CACHE to such a folder, or take this right from the others; {taken.parent} is used until then"
    )


def test_a_folder_within_one_like_tmp_is_used(tmp_path: Path, folder: Path) -> None:
    private()
    tmp_path.chmod(0o1777)
    assert exposed(folder) == ""
    assert exposed(tmp_path) == f"{tmp_path} can be written by other users"
    tmp_path.chmod(0o700)


@as_root
def test_a_folder_of_another_user_is_not_used(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, SOMEBODY, SOMEBODY)
    taken, text = warned()
    assert taken == tmp_path / "snn2hw-0" / "native"
    assert f"{folder} belongs to another user (number {SOMEBODY})" in text


@as_root
def test_a_file_of_another_user_is_not_read(folder: Path) -> None:
    path = private() / "file"
    path.write_bytes(b"mine")
    assert read_kept(path) == b"mine"
    path.chmod(0o666)
    assert read_kept(path) is None
    path.chmod(0o600)
    os.chown(path, SOMEBODY, 0)
    assert read_kept(path) is None


@pytest.mark.parametrize("kind", ["nothing", "link", "fifo", "folder"])
def test_what_is_no_plain_file_is_not_read(folder: Path, kind: str) -> None:
    path = private() / "file"
    if kind == "link":
        (folder / "other").write_bytes(b"x")
        path.symlink_to(folder / "other")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    assert read_kept(path) is None


@as_root
@pytest.mark.parametrize("taken", ["link", "theirs", "open"])
def test_a_name_for_temporary_files_that_somebody_took_is_not_used(tmp_path: Path, folder: Path, taken: str) -> None:
    folder.mkdir(mode=0o700)
    folder.chmod(0o777)
    name = tmp_path / "snn2hw-0"
    if taken == "link":
        (tmp_path / "trap").mkdir()
        name.symlink_to(tmp_path / "trap")
    else:
        name.mkdir()
        os.chown(name, SOMEBODY if taken == "theirs" else 0, 0)
        name.chmod(0o777 if taken == "open" else 0o700)
    used = warned()[0]
    assert used.parent != name
    assert not (name / "native").exists()


def test_one_at_a_time_makes_an_entry(folder: Path) -> None:
    entry = private() / "entry"
    made = []

    def make(n: int) -> None:
        with making(entry, 60) as work:
            if not entry.exists():
                made.append(n)
                (work / "entry").write_text("made")
                put(work / "entry", entry)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(16)))
    assert len(made) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["entry"]


def test_a_maker_that_does_not_come_to_an_end_is_not_waited_for(folder: Path) -> None:
    entry = private() / "entry"
    with making(entry, 1) as slow, making(entry, 0) as quick:
        assert slow != quick
        (quick / "entry").write_text("quick")
        put(quick / "entry", entry)
    assert sorted(p.name for p in folder.iterdir()) == ["entry"]


def test_without_locks_everybody_makes_aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "fcntl", None)
    entry = private() / "entry"
    with making(entry, 1) as one, making(entry, 1) as other:
        assert one != other
    cache.sweep(folder)
    left = list(folder.iterdir())
    for path in left:
        os.utime(path, (0, 0))
    cache.sweep(folder)
    assert list(folder.iterdir()) == []


def test_a_folder_takes_the_place_of_a_damaged_one(folder: Path) -> None:
    entry = private() / "entry"
    (entry / "old").mkdir(parents=True)
    with making(entry, 1) as work:
        (work / "entry" / "new").mkdir(parents=True)
        put(work / "entry", entry)
    assert [p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*"))] == ["entry", "entry/new"]


KILLED = """
import os, pathlib, signal
from snn2hw.cache import making, private
with making(private() / "entry", 1) as work:
    (work / "half").write_text("half")
    print("ready", flush=True)
    signal.pause()
"""


def test_what_a_killed_maker_left_goes_when_the_next_entry_is_made(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        names = [".entry.lock", ".entry.work"]
        with making(private() / "other", 1):  # who lives is left alone
            assert sorted(p.name for p in folder.iterdir()) == [*names, ".other.lock", ".other.work"]
        process.send_signal(signal.SIGKILL)
    assert sorted(p.name for p in folder.iterdir()) == names
    with making(private() / "other", 1):
        assert sorted(p.name for p in folder.iterdir()) == [".other.lock", ".other.work"]
    assert list(folder.iterdir()) == []
