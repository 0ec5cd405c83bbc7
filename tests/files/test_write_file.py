"""A file is written as a whole, over a file of ours only; several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.files import disk, record
from snn2hw.files.record import read_record, sha256
from snn2hw.files.seal import BLANK, sealed
from snn2hw.files.write import remove_file, write_file
from tests.files.things import KIND, NEW, OLD, written
from tests.refused import refused
from tests.stored import contents


def test_a_sealed_file_is_replaced_and_an_edited_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.bin"
    for content in (b"one", b"two"):
        write_file(path, content + BLANK, sealing=True)
        assert path.read_bytes() == content + b"snn2hw sha256:" + sha256(content).encode()
        assert sealed(path) is True
    whole = path.read_bytes()
    for data, got in [
        (whole[:1] + b"W" + whole[2:], "a file that was edited since"),
        (whole[:-1], "a file that snn2hw did not write"),
        (whole + b"more", "a file that snn2hw did not write"),
        (b"", "a file that snn2hw did not write"),
    ]:
        path.write_bytes(data)
        with refused(
            UsageError,
            f"""
            the output file is not as snn2hw wrote it
              where:    {path}
              got:      {got}
              expected: a new file, or one that snn2hw wrote
              do:       choose another name, or remove the file
            """,
        ):
            write_file(path, b"three" + BLANK, sealing=True)
        assert path.read_bytes() == data
    write_file(path, b"three" + BLANK, sealing=True, force=True)
    assert sealed(path) is True
    assert os.listdir(path.parent) == ["x.bin"]


def test_a_comment_may_hold_the_seal(tmp_path: Path) -> None:
    write_file(tmp_path / "x.html", b"<p>hello</p>\n<!-- " + BLANK + b" -->\n", sealing=True)
    assert sealed(tmp_path / "x.html") is True
    write_file(tmp_path / "x.html", b"<p>bye</p>\n<!-- " + BLANK + b" -->\n", sealing=True)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="got:      a folder"):
        write_file(tmp_path / "x", b"", force=True)
    with pytest.raises(UsageError, match="got:      a folder"):
        remove_file(tmp_path / "x")


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write_file(tmp_path / "x", b"old" + BLANK, sealing=True)
    before = contents(tmp_path)

    def fails(file: Any) -> None:
        file.write(b"half")
        raise ZeroDivisionError

    for path in (tmp_path / "x", tmp_path / "deep" / "y"):
        with pytest.raises(ZeroDivisionError):
            write_file(path, fails)
    assert contents(tmp_path) == before
    assert os.listdir(tmp_path) == ["x"]


def at_once(place: str, number: int, results: Any) -> None:
    """Writes a folder and a file over and over; whatever is no error of ours is told."""
    try:
        for k in range(8):
            written(Path(place) / "net", {name: bytes([number, k]) * 5000 for name in ("a", "b")})
            write_file(Path(place) / "x", bytes([number, k]) * 5000 + BLANK, sealing=True)
        results.put("")
    except Snn2hwError as error:
        results.put(f"refused: {error}")
    except BaseException as error:  # noqa: BLE001  (told to the test)
        results.put(f"raw: {error!r}")


def seen(place: Path, done: threading.Event) -> Iterator[str]:
    """What a reader finds wrong while others write; it looks without a pause from when the first has begun."""
    first = os.stat(place / "x").st_ino
    while os.stat(place / "x").st_ino == first and not done.wait(0.002):
        pass
    while not done.is_set():
        try:
            before = (place / "net" / "manifest.json").read_bytes()
            files = [(place / "net" / name).read_bytes() for name in ("a", "b")]
            after = (place / "net" / "manifest.json").read_bytes()
        except FileNotFoundError as error:
            yield f"gone: {error}"
            continue
        if before == after and files[0] != files[1]:
            yield "halves of two"


def test_several_processes_and_a_reader(tmp_path: Path) -> None:
    if disk._renameat2() is None:
        pytest.skip("this system exchanges nothing")
    written(tmp_path / "net", {"a": b"0", "b": b"0"})
    write_file(tmp_path / "x", b"0" + BLANK, sealing=True)
    context, done, wrong = multiprocessing.get_context("spawn"), threading.Event(), list[str]()
    results = context.Queue()
    writers = [context.Process(target=at_once, args=(str(tmp_path), n, results)) for n in range(3)]
    reader = threading.Thread(target=lambda: wrong.extend(seen(tmp_path, done)))
    for each in (*writers, reader):
        each.start()
    told = [results.get(timeout=60) for _ in writers]
    for each in writers:
        each.join()
    done.set()
    reader.join()
    assert told == [""] * 3
    assert [w for w in wrong if "gone" not in w] == []
    assert sorted(os.listdir(tmp_path)) == ["net", "x"]
    assert sealed(tmp_path / "x") is True
    stated = read_record(tmp_path / "net" / "manifest.json", KIND)
    assert stated is not None
    assert record.changed(tmp_path / "net", stated) == []


def test_nothing_warns_where_nothing_is_left(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for files in (OLD, NEW):
            written(tmp_path / "net", files)
