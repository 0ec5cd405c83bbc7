"""`--out` of every command on whatever may be there: what is not of ours is refused by its name and left as it was."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import UsageError
from snn2hw.exports import write_trace
from snn2hw.vectors import read_vectors
from tests.cli.running import Capture
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind, every_kind_sample
from tests.stored import FILES, contents


def extension(path: Path) -> None:
    """A browser's, which has a manifest.json, too."""
    path.mkdir()
    (path / "manifest.json").write_text(json.dumps({"manifest_version": 3, "name": "mine", "version": "1.0"}))
    (path / "background.js").write_text("// mine")


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def to(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def linked(path: Path) -> None:
        make(path.with_name(f"behind.{path.name}"))
        path.symlink_to(f"behind.{path.name}")

    return linked


THERE: dict[str, tuple[Callable[[Path], None], str]] = {
    "device": (lambda p: p.symlink_to(os.devnull), "a device"),
    "FIFO": (os.mkfifo, "a FIFO"),
    "socket": (bound, "a socket"),
    "link to a FIFO": (to(os.mkfifo), "a FIFO"),
    "link to a socket": (to(bound), "a socket"),
    "link to nothing": (lambda p: p.symlink_to("nowhere"), "a symbolic link that leads nowhere"),
    "looped link": (lambda p: p.symlink_to(p.name), "Too many levels of symbolic links"),
    "link to a file": (to(lambda p: p.write_text("mine") and None), "a file"),  # type: ignore[func-returns-value]
    "file": (lambda p: p.write_text("mine") and None, "a file"),  # type: ignore[func-returns-value]
    "an extension": (extension, "a folder"),
}
COMMANDS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "compile": lambda build: ("compile", "net.nir", "--out"),
    "export c": lambda build: ("export", build / "net", "--to", "c", "--out"),
    "export c --force": lambda build: ("export", build / "net", "--to", "c", "--force", "--out"),
    "export nir": lambda build: ("export", build / "net", "--to", "nir", "--out"),
    "simulate": lambda build: ("simulate", build / "net", "--out"),
}
ENDINGS = {"export nir": ".nir", "simulate": ".npz"}


def status(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Kind, inode and target of every name."""
    return {str(p): (p.lstat().st_mode, p.lstat().st_ino, os.readlink(p) if p.is_symlink() else "") for p in folder.rglob("*")}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_there_is_refused_and_stays(command: str, build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(build)
    if "nir" in " ".join(map(str, COMMANDS[command](build))):
        pytest.importorskip("nir", reason="writing .nir files needs the nir extra")
    if command == "compile":
        snn2hw.export_nir(snn2hw.load("net"), "net.nir")
    for name, (make, kind) in THERE.items():
        path = Path(f"{name.replace(' ', '-')}{ENDINGS.get(command, '')}")
        make(path)
        before, data = status(build), contents(build)
        ran = run_cli(capsys, *COMMANDS[command](build), path)
        assert ran.code == 2, name
        assert f"  where:    {path}\n" in ran.err
        files = command in ("export nir", "simulate")
        if kind == "a file" and files:
            assert "  got:      a file that snn2hw did not write\n" in ran.err
        elif kind == "a folder" and not files:
            assert "  got:      background.js, manifest.json, which snn2hw did not write\n" in ran.err
        else:
            assert f"  got:      {kind}\n" in ran.err
        assert "Traceback" not in ran.err
        assert (status(build), contents(build)) == (before, data), name


def test_a_name_that_is_too_long(build: Path, capsys: Capture) -> None:
    before = contents(build)
    for command in ("export c", "simulate"):
        ran = run_cli(capsys, *COMMANDS[command](build), build / ("n" * 300))
        assert (ran.code, "File name too long" in ran.err) == (2, True)
    with pytest.raises(UsageError, match="File name too long"):
        snn2hw.compile(every_kind(), every_kind_sample(), out=build / ("n" * 300))
    assert contents(build) == before


def test_files_of_ones_own_stay_beside_an_artefact_that_is_compiled_again(build: Path) -> None:
    own = {"notes.txt": b"mine", "traces/run1.npz": b"mine, too", "c.txt": b"and this"}
    for name, data in own.items():
        (build / "net" / name).parent.mkdir(exist_ok=True)
        (build / "net" / name).write_bytes(data)
    before = {name: (build / "net" / name).stat().st_ino for name in own}
    made = snn2hw.compile(every_kind(), every_kind_sample(), target="loihi2", out=build / "net")
    assert snn2hw.load(build / "net").model == made.model
    found = contents(build / "net")
    assert sorted(found) == sorted([*FILES, *own])
    assert {name: found[name] for name in own} == own
    assert {name: (build / "net" / name).stat().st_ino for name in own} == before


def test_a_refusal_comes_before_the_work(build: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def work(*arguments: Any, **more: Any) -> None:
        raise AssertionError("it has begun")

    monkeypatch.setattr("snn2hw.api.run_passes", work)
    monkeypatch.setattr("snn2hw.api.simulate_payloads", work)
    (build / "file").write_text("mine")
    with pytest.raises(UsageError, match="the output is no folder"):
        snn2hw.compile(every_kind(), every_kind_sample(), out=build / "file")
    assert run_cli(capsys, "simulate", build / "net", "--out", build / "file").code == 2


def test_the_demo_looks_first(build: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    monkeypatch.setattr("snn2hw.cli.demo_run._one", lambda *arguments: pytest.fail("it has begun"))
    (build / "demo").write_text("mine")
    ran = run_cli(capsys, "demo", "--out", build / "demo")
    assert (ran.code, "Not a directory" in ran.err) == (2, True)


def test_a_trace_is_written_over_a_trace_and_over_nothing_else(build: Path, capsys: Capture) -> None:
    out = build / "trace.npz"
    for _ in range(2):
        assert run_cli(capsys, "simulate", build / "net", "--out", out).code == 0
    whole = out.read_bytes()
    with np.load(out) as data:
        arrays = dict(data)
    np.savez(out, **arrays)  # of somebody's hardware
    ran = run_cli(capsys, "simulate", build / "net", "--out", out)
    assert ran.code == 2
    assert ran.err == (
        f"error: the output file is not as snn2hw wrote it\n  where:    {out}\n  got:      a file that snn2hw did not write\n"
        "  expected: a new file, or one that snn2hw wrote\n  do:       choose another name, or remove the file\n"
    )
    loaded = snn2hw.load(build / "net")
    with pytest.raises(UsageError, match="not as snn2hw wrote it"):  # whoever calls it
        write_trace(loaded, *read_vectors(loaded), out)
    assert run_cli(capsys, "diff", build / "net", out).code == 0
    out.write_bytes(whole)
    assert run_cli(capsys, "diff", build / "net", out).code == 0


def test_an_edited_nir_file_is_replaced_only_by_force(build: Path, capsys: Capture) -> None:
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("nir", reason="writing .nir files needs the nir extra")
    export = ("export", build / "net", "--to", "nir")
    path = build / "net" / "model.nir"
    for _ in range(2):
        assert run_cli(capsys, *export).code == 0
    whole = path.read_bytes()
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "mine"
    edited = path.read_bytes()
    ran = run_cli(capsys, *export)
    assert ran.code == 2
    assert f"  where:    {path}\n" in ran.err
    assert path.read_bytes() == edited
    assert run_cli(capsys, *export, "--force").code == 0
    assert path.read_bytes() == whole
