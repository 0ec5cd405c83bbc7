from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ArtefactError, UsageError
from tests.cli.running import Capture, listing, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind, every_kind_sample
from tests.native.compiling import needs_compiler
from tests.refused import refused
from tests.stored import contents

FILES = ["Makefile", "README.md", "main.c", "snn.c", "snn.h", "vectors.h", "weights.h"]


def test_the_folder_is_written_into_the_artefact(build: Path, capsys: Capture) -> None:
    ran = run_cli(capsys, "export", build / "net", "--to", "c")
    folder = build / "net" / "c"
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"written: {folder}    next: make -C {folder} test\n"
    assert listing(folder) == FILES
    loaded = snn2hw.load(build / "net")  # which is the artefact it was
    assert snn2hw.verify(loaded, executors=("reference",)).equal
    assert snn2hw.check(build / "net").claims
    assert all(str(build).encode() not in data for data in contents(folder).values())


def test_the_library_writes_the_same_bytes(build: Path, capsys: Capture) -> None:
    assert run_cli(capsys, "export", build / "net", "--out", build / "here" / "snn", "--vectors", 2).code == 0
    artefact = snn2hw.load(build / "net")
    assert snn2hw.export_c(artefact, build / "there", vectors=2) == build / "there"
    assert contents(build / "here" / "snn") == contents(build / "there")
    assert snn2hw.export_c(artefact) == build / "net" / "c"
    assert contents(build / "net" / "c") != contents(build / "there")


@needs_compiler
def test_replay(build: Path, capsys: Capture) -> None:
    ran = run_cli(capsys, "export", build / "net", "--out", build / "c", "--replay")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"written: {build / 'c'}    next: make -C {build / 'c'} test",
        "4 samples, 16 readouts, 0 differ",
    ]
    assert snn2hw.replay_c(build / "c").equal


@needs_compiler
def test_replay_finds_a_difference(build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.native.replay import Replay

    monkeypatch.setattr("snn2hw.api.replay_c", lambda folder: Replay(False, "sample 0, class 1: got 2, expected 3"))
    ran = run_cli(capsys, "export", build / "net", "--replay")
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "sample 0, class 1: got 2, expected 3"


def test_without_a_compiler_the_folder_is_written_all_the_same(
    build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNN2HW_CC", "no-such-compiler")
    assert run_cli(capsys, "export", build / "net", "--replay").code == 3
    assert listing(build / "net" / "c") == FILES


def test_an_earlier_folder_is_replaced_with_what_its_makefile_made(build: Path, capsys: Capture) -> None:
    assert run_cli(capsys, "export", build / "net").code == 0
    folder = build / "net" / "c"
    (folder / "replay").write_text("a program")
    (folder / "snn.c").write_text("edited")
    assert run_cli(capsys, "export", build / "net").code == 0
    assert listing(folder) == FILES
    assert (folder / "snn.c").read_text() != "edited"


@pytest.mark.parametrize("own", ["notes.txt", "snn.h"])
def test_a_folder_with_something_else_is_left_alone(build: Path, capsys: Capture, own: str) -> None:
    if own != "snn.h":
        assert run_cli(capsys, "export", build / "net", "--out", build / "c").code == 0
    (build / "c").mkdir(exist_ok=True)
    (build / "c" / own).write_text("mine")
    before = contents(build)
    text = (
        f"the output folder holds something else\n  where:    {build / 'c'}\n  got:      files that are no C folder of snn2hw\n"
        "  expected: a new folder, an empty one, or an earlier C folder\n  do:       choose another folder"
    )
    refusal(run_cli(capsys, "export", build / "net", "--out", build / "c"), text)
    assert contents(build) == before


def test_what_cannot_be_written_leaves_nothing(build: Path, capsys: Capture) -> None:
    (build / "file").write_text("mine")
    before = contents(build)
    out = build / "file" / "c"
    text = "the output folder cannot be written\n  where:    {}\n  got:      {}\n  do:       choose a folder you can write to"
    refusal(run_cli(capsys, "export", build / "net", "--out", out), text.format(out, os.strerror(20)))
    assert contents(build) == before


def test_an_export_that_does_not_exist(build: Path, capsys: Capture) -> None:
    text = "there is no such export\n  got:      'verilog'\n  expected: c, nir\n  do:       name one of these"
    refusal(run_cli(capsys, "export", build / "net", "--to", "verilog"), text)


def test_no_vectors_are_refused_and_nothing_is_written(build: Path, capsys: Capture) -> None:
    text = "the C folder replays at least one sample\n  got:      0\n  expected: 1 or more"
    refusal(run_cli(capsys, "export", build / "net", "--vectors", 0), text)
    assert not (build / "net" / "c").exists()


def test_an_artefact_in_memory_has_nothing_to_replay(tmp_path: Path) -> None:
    artefact = snn2hw.compile(every_kind(), every_kind_sample(), target="generic")
    with refused(
        ArtefactError,
        """
        this artefact has no vectors
          got:      it was only made in memory
          do:       compile with out=, or give samples
        """,
    ):
        snn2hw.export_c(artefact, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_compiling_again_takes_the_folder_away(tmp_path: Path) -> None:
    """It would be another network's."""
    for _ in range(2):
        artefact = snn2hw.compile(every_kind(), every_kind_sample(), target="generic", out=tmp_path / "net")
        assert not (tmp_path / "net" / "c").exists()
        snn2hw.export_c(artefact)
    with pytest.raises(UsageError):
        snn2hw.export_c(artefact, vectors=-1)
    assert np.all([(tmp_path / "net" / "c" / name).is_file() for name in FILES])
