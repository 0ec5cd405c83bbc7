from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import snn2hw
from snn2hw.errors import ArtefactError
from snn2hw.files.record import sha256
from tests.refused import refused
from tests.stored import DAMAGED, HASHED, edit_manifest, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "net")
    return tmp_path / "net"


@pytest.mark.parametrize("name", HASHED)
@pytest.mark.parametrize("how", ["changed", "truncated", "emptied"])
def test_a_file_that_is_not_the_one_of_the_manifest_is_named(folder: Path, name: str, how: str) -> None:
    data = (folder / name).read_bytes()
    damaged = {"changed": data[:-1] + bytes([data[-1] ^ 1]), "truncated": data[: len(data) // 2], "emptied": b""}[how]
    (folder / name).write_bytes(damaged)
    with refused(
        ArtefactError,
        f"""
        {name} is not the file the manifest was written for
          where:    {folder / name}
          got:      sha256 {sha256(damaged)[:16]}...
          expected: sha256 {sha256(data)[:16]}...
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize("name", HASHED)
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with refused(
        ArtefactError,
        f"""
        a file of the artefact cannot be read
          where:    {folder / name}
          got:      No such file or directory
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize(("make", "got"), [(True, "no manifest.json in it"), (False, "no such folder")])
def test_a_folder_without_a_manifest_is_no_network(tmp_path: Path, make: bool, got: str) -> None:
    if make:
        (tmp_path / "net").mkdir()
    with refused(
        ArtefactError,
        f"""
        this is no compiled network
          where:    {tmp_path / "net"}
          got:      {got}
          expected: a folder that `snn2hw compile` wrote
          do:       compile the trained model, or check the path
        """,
    ):
        snn2hw.load(tmp_path / "net")


@pytest.mark.parametrize(("name", "do"), [
    ("net/model.onnx", "name the folder that it lies in: {folder}"),
    ("alone.onnx", "compile the trained model, or check the path"),
])  # fmt: skip
def test_a_file_is_no_compiled_network(folder: Path, name: str, do: str) -> None:
    file = folder / "model.onnx" if "/" in name else folder.parent / name
    file.touch()
    with refused(
        ArtefactError,
        f"""
        this is no compiled network
          where:    {file}
          got:      a file
          expected: a folder that `snn2hw compile` wrote
          do:       {do.format(folder=folder)}
        """,
    ):
        snn2hw.load(file)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_manifest_that_is_no_json_is_refused(folder: Path, data: bytes, got: str) -> None:
    (folder / "manifest.json").write_bytes(data)
    with refused(
        ArtefactError,
        f"""
        the manifest cannot be read
          where:    {folder / "manifest.json"}
          got:      {got}
          expected: JSON
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m.update(format="3"),
        lambda m: m.pop("format"),
        lambda m: m.pop("files"),
        lambda m: m.update(files=[]),
        lambda m: m["files"].pop("model.onnx"),
        lambda m: m["files"].pop("vectors.npz"),
        lambda m: m["files"].pop("certificate.json"),
    ],
)
def test_a_manifest_of_another_version_is_refused(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    edit_manifest(folder, edit)
    with refused(
        ArtefactError,
        f"""
        the manifest is not one of this version
          where:    {folder / "manifest.json"}
          got:      missing or other fields
          expected: format 3
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize("stated", [1, 2, 4])
def test_an_artefact_of_another_version_is_to_be_compiled_again(folder: Path, stated: int) -> None:
    edit_manifest(folder, lambda m: m.update(format=stated))
    with refused(
        ArtefactError,
        f"""
        this artefact was written by another version of snn2hw
          where:    {folder / "manifest.json"}
          got:      format {stated}
          expected: format 3
          do:       compile again
        """,
    ):
        snn2hw.load(folder)


def test_a_manifest_that_is_a_list_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ArtefactError, match=r"^the manifest is not one of this version\n"):
        snn2hw.load(folder)


@pytest.mark.parametrize("hash_", [None, 7])
def test_a_manifest_with_a_hash_that_is_no_text_is_refused(folder: Path, hash_: Any) -> None:
    edit_manifest(folder, lambda m: m["files"].update({"model.onnx": hash_}))
    files = json.loads((folder / "manifest.json").read_text())["files"]
    with refused(
        ArtefactError,
        f"""
        the manifest holds no hashes
          where:    {folder / "manifest.json"}
          got:      {files}
          expected: sha256 of every file
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize("name", ["../net/model.onnx", "/etc/passwd", "sub/model.onnx"])
def test_a_manifest_that_names_files_elsewhere_is_refused(folder: Path, name: str) -> None:
    edit_manifest(folder, lambda m: m["files"].update({name: "0"}))
    with refused(
        ArtefactError,
        f"""
        the manifest names files outside its folder
          where:    {folder / "manifest.json"}
          got:      model.onnx, step.onnx, vectors.npz, certificate.json, {name}
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


def test_a_manifest_that_was_changed_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    stated = manifest["checksum"]
    path.write_text(json.dumps({**manifest, "snn2hw": "another"}))
    with pytest.raises(ArtefactError, match="the manifest is not as it was written") as caught:
        snn2hw.load(folder)
    assert caught.value.got == f"checksum {stated[:16]}..."


@pytest.mark.parametrize(("field", "value"), [("steps", 999), ("target", "loihi2"), ("layers", []), ("input", {})])
def test_a_manifest_of_another_network_is_refused(folder: Path, field: str, value: Any) -> None:
    edit_manifest(folder, lambda m: m.update({field: value}))
    with pytest.raises(ArtefactError, match="the manifest is not of the network beside it") as caught:
        snn2hw.load(folder)
    assert caught.value.got == f"{field} = {value}"


@pytest.mark.parametrize("name", ["manifest.json", *HASHED])
@pytest.mark.parametrize("kind", ["a FIFO", "a device"])
def test_what_is_no_file_is_not_waited_for(folder: Path, name: str, kind: str) -> None:
    (folder / name).unlink()
    if kind == "a FIFO":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")
    with pytest.raises(ArtefactError) as caught:
        snn2hw.load(folder)
    assert caught.value.got == f"{kind}, not a file"
