"""A reader that stops reading, as `| head -1` does: every command ends quietly, as if a signal had ended it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

COMMANDS = {
    "help": ("--help",),
    "compile": ("compile", "digits_lnm", "--stop-after", "quantise"),
    "inspect": ("inspect", "{net}"),
    "inspect json": ("inspect", "{net}", "--json"),
    "simulate": ("simulate", "{net}", "-i", "{x}"),
    "verify": ("verify", "{net}", "--executors", "reference,onnx-reference"),
    "verify json": ("verify", "{net}", "--executors", "reference,onnx-reference", "--json"),
    "check": ("check", "{net}"),
    "check json": ("check", "{net}", "--json"),
    "export": ("export", "{net}", "--to", "c", "--out", "{out}"),
    "targets": ("targets",),
    "one target": ("targets", "loihi2"),
    "an error": ("inspect", "{out}/none"),
}
MAIN = "import sys; from snn2hw.cli.app import main; sys.argv[0] = 'snn2hw'; main()"


def unread(build: Path, out: Path, arguments: tuple[str, ...], both: bool = False) -> tuple[int, bytes]:
    """Exit code and stderr of a command whose output has no reader any more."""
    listening, talking = os.pipe()
    os.close(listening)
    given = [a.format(net=build / "net", x=build / "x.npy", out=out / "made") for a in arguments]
    try:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *given],
            cwd=ROOT, stdout=talking, stderr=subprocess.STDOUT if both else subprocess.PIPE, check=False, timeout=300,
        )  # fmt: skip
    finally:
        os.close(talking)
    return done.returncode, done.stderr or b""


@pytest.mark.parametrize("name", [n if n == "verify" else pytest.param(n, marks=pytest.mark.slow)
                                  for n in COMMANDS if n not in ("compile", "an error")])  # fmt: skip
def test_nobody_reads(build: Path, tmp_path: Path, name: str) -> None:
    assert unread(build, tmp_path, COMMANDS[name]) == (141, b"")


@pytest.mark.slow
@pytest.mark.torch
def test_nobody_reads_what_compile_says(build: Path, tmp_path: Path) -> None:
    assert unread(build, tmp_path, COMMANDS["compile"]) == (141, b"")


def test_nobody_reads_an_error(build: Path, tmp_path: Path) -> None:
    assert unread(build, tmp_path, COMMANDS["an error"], both=True) == (141, b"")
    code, said = unread(build, tmp_path, COMMANDS["an error"])
    assert (code, said.startswith(b"error: ")) == (2, True)
