"""What may not be written over, names that the system does not take, faults: nothing is touched."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import UsageError
from snn2hw.exploration.results_file import check_results
from snn2hw.files.write import check_file, check_folder, make_folder, remove_file, write_file
from tests.files.things import ALONE, KIND, NEW, OLD, is_, written
from tests.refused import refused
from tests.stored import contents

MANIFESTS = [
    '{"manifest_version": 3, "name": "an extension", "version": "1.0"}',
    '{"files": {"a": "1", "b": "2"}}',
    '{"files": {"a": "' + "0" * 64 + '"}}',
    '{"files": {"a": "' + "0" * 64 + '", "b": "' + "0" * 64 + '", "../c": "' + "0" * 64 + '"}}',
    '{"files": [], "made": 1}',
    "[]",
    "{",
    "",
    "[" * 5000,
]


@pytest.mark.parametrize("text", MANIFESTS, ids=range(len(MANIFESTS)))
@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_another_manifest_is_refused(text: str, force: bool, tmp_path: Path) -> None:
    place = tmp_path / "net"
    place.mkdir()
    (place / "manifest.json").write_text(text)
    (place / "a").write_text("mine")
    before = contents(tmp_path)
    with refused(
        UsageError,
        f"""
        the output folder holds something else
          where:    {place}
          got:      a, manifest.json, which snn2hw did not write
          expected: a new folder, an empty one, or an earlier thing
          do:       choose another folder
        """,
    ):
        written(place, NEW, force=force)
    assert contents(tmp_path) == before


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def in_a_loop(path: Path) -> None:
    path.symlink_to(path.name + "2")
    path.with_name(path.name + "2").symlink_to(path.name)


NODES: dict[str, Callable[[Path], None]] = {
    "a FIFO": os.mkfifo,
    "a socket": bound,
    "a symbolic link that leads nowhere": lambda p: p.symlink_to("nothing"),
    "a device": lambda p: p.symlink_to(os.devnull),
    "Too many levels of symbolic links": in_a_loop,
}


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_nodes_are_refused_and_stay(
    kind: str, linked: bool, force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    NODES[kind](tmp_path / "node")
    before = {p.name: p.lstat().st_mode for p in tmp_path.iterdir()}
    path = tmp_path / "node"
    if linked:
        path = tmp_path / "link"
        path.symlink_to("node")
        before["link"] = path.lstat().st_mode
    for call in (
        lambda: check_folder(path, ALONE, force=force),
        lambda: written(path, NEW, force=force),
        lambda: check_file(path, force=force),
        lambda: write_file(path, b"x", force=force),
        lambda: remove_file(path),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.where == str(path)
        assert caught.value.got == kind
    assert {p.name: p.lstat().st_mode for p in tmp_path.iterdir()} == before


def test_a_device_itself_is_refused() -> None:
    for call in (lambda: written(Path(os.devnull), NEW), lambda: write_file(Path(os.devnull), b"x", force=True)):
        with pytest.raises(UsageError, match="a device"):
            call()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@pytest.mark.parametrize(
    ("name", "got"),
    [("n" * 300, "name too long"), ("file/net", "Not a directory"), ("net\0x", "null byte"), ("a/" * 2100 + "b", "too long")],
    ids=["long", "below a file", "NUL", "deep"],
)  # fmt: skip
def test_names_that_the_system_does_not_take(name: str, got: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    for call in (
        lambda: check_folder(tmp_path / name, KIND),
        lambda: written(tmp_path / name, NEW),
        lambda: check_file(tmp_path / name),
        lambda: write_file(tmp_path / name, b"x"),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert got in caught.value.got
    with pytest.raises(UsageError):
        make_folder(tmp_path / name)
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    assert is_(written(tmp_path / ("n" * 255), NEW), NEW)
    assert is_(written(tmp_path / ("n" * 255), OLD), OLD)
    write_file(tmp_path / ("m" * 255), b"x")


def test_a_folder_that_cannot_be_written() -> None:
    """Asked as somebody who has no rights there; root has them everywhere."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o555)
        child = os.fork()
        if child == 0:
            right = 0
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                for call in (
                    lambda: written(folder / "net", NEW),
                    lambda: write_file(folder / "x" / "y", b"x"),
                    lambda: check_folder(folder / "net", KIND),  # before the work
                    lambda: check_folder(folder / "x" / "net", KIND),
                    lambda: check_file(folder / "y"),
                    lambda: check_file(folder / "x" / "y", force=True),
                    lambda: check_results(folder / "r.jsonl"),
                ):
                    try:
                        call()
                    except UsageError as error:
                        right += error.got == "Permission denied"
            finally:
                os._exit(right)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert os.listdir(folder) == []
        folder.chmod(0o700)


@pytest.mark.parametrize("call", ["mkdir", "rename", "fsync"])
def test_a_fault_of_the_system_leaves_nothing(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = written(tmp_path / "net", OLD)

    def fault(*arguments: Any, **more: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, fault)
    for path in (place, tmp_path / "deep" / "new"):
        with refused(
            UsageError,
            f"""
            the output folder cannot be written
              where:    {path}
              got:      Input/output error
              do:       choose a folder you can write to
            """,
        ):
            written(path, NEW)
        if call == "rename":
            break
    monkeypatch.undo()
    assert is_(place, OLD)
    assert os.listdir(tmp_path) == ["net"]


def test_a_folder_in_one_that_cannot_be_written_is_written_from_the_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, mkdir = written(tmp_path / "net", OLD), os.mkdir

    def refusing(path: Any, *more: Any) -> None:
        if Path(path).parent == tmp_path:
            raise OSError(30, "Read-only file system")
        mkdir(path, *more)

    monkeypatch.setattr(os, "mkdir", refusing)
    written(place, NEW)
    assert is_(place, NEW)
