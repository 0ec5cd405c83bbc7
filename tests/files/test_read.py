"""Nodes that are no files, names that no file has, JSON and TOML that are too deep, too long, or said twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from snn2hw.files.read import MOST_DEPTH, is_file, is_folder, json_value, opened, read_bytes, toml_value


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def nothing(path: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (fifo, "a FIFO, not a file"), (device, "a device, not a file"), (folder, "Is a directory"),
        (loop, "Too many levels of symbolic links"), (nothing, "No such file or directory"),
    ],
)  # fmt: skip
def test_only_regular_files_are_opened(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError, match=f"] {reason}"):
        opened(tmp_path / "x")
    assert not is_file(tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "reason"), [("y" * 300, "File name too long"), ("a\0b", "no name of a file: embedded null byte")]
)
def test_names_that_no_file_has(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=f"] {reason}"):
        read_bytes(tmp_path / name)
    assert not is_file(tmp_path / name)
    assert not is_folder(tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read_bytes(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes, more than the 4 that are read"):
        read_bytes(tmp_path / "x", 4)


def test_a_file_that_takes_no_room_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="more than the"):
        read_bytes(tmp_path / "x")


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 500, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_json_that_is_nested_too_deep(depth: int, left: str, right: str) -> None:
    with pytest.raises(ValueError, match="nested deeper than 64"):
        json_value(left * depth + "1" + right * depth)


def test_json_up_to_the_depth_is_taken() -> None:
    assert json_value("[" * MOST_DEPTH + "]" * MOST_DEPTH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "'a' stands twice in one object"), ("NaN", "NaN is no JSON"),
        ("[-Infinity]", "-Infinity is no JSON"),
        ("1e999", "1e999 is beyond every float"), ("[" + "1," * 4_000_001 + "1]", "more than 4000000 values"),
    ],
)  # fmt: skip
def test_json_that_other_programs_would_read_in_another_way(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        json_value(text)


def test_a_training_may_tell_of_losses_that_are_no_numbers() -> None:
    assert str(json_value("[NaN, Infinity]", constants=True)) == "[nan, inf]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a = " + b"[" * 30000 + b"]" * 30000, "nested deeper than 64"),
        (b"a = " + b"{a=" * 100 + b"1" + b"}" * 100, "nested deeper than 64"),
        (b".".join([b"a"] * 20000) + b" = 1", "a line with more than 200 dots"),
        (b"[" + b".".join([b"a"] * 100) + b"]", "nested deeper than 64"),
        (b"#" * 70000, "70000 bytes, more than the 65536 that are read"),
        (b"\xff", "codec can't decode byte"),
    ],
)
def test_toml_that_is_too_much(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        toml_value(text)
