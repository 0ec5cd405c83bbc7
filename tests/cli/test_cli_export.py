from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import Exported, register, unregister
from snn2hw.errors import ArtefactError, Snn2hwWarning, UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from tests.cli.running import Capture, listing, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import every_kind, every_kind_sample
from tests.native.compiling import needs_compiler
from tests.refused import refused
from tests.stored import contents

FILES = ["Makefile", "README.md", "main.c", "manifest.json", "snn.c", "snn.h", "vectors.h", "weights.h"]


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

    monkeypatch.setattr("snn2hw.backends.c.writer.replay", lambda folder: Replay(False, "sample 0, class 1: got 2, expected 3"))
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
    before = contents(folder)
    assert run_cli(capsys, "export", build / "net").code == 0
    assert listing(folder) == FILES
    assert contents(folder) == {name: data for name, data in before.items() if name != "replay"}


@pytest.mark.parametrize("name", ["snn.c", "README.md"])
def test_an_edited_folder_is_replaced_only_by_force(build: Path, capsys: Capture, name: str) -> None:
    assert run_cli(capsys, "export", build / "net").code == 0
    folder = build / "net" / "c"
    written = contents(folder)
    (folder / name).write_text("edited")
    text = (
        f"files of this C folder were edited after snn2hw wrote them\n  where:    {folder}\n  got:      {name}\n"
        "  expected: the files as they were written\n"
        "  do:       keep them in another folder; or overwrite them with --force (force=True)"
    )
    refusal(run_cli(capsys, "export", build / "net"), text)
    with refused(UsageError, text):
        snn2hw.export_c(snn2hw.load(build / "net"))
    assert (folder / name).read_text() == "edited"
    assert run_cli(capsys, "export", build / "net", "--force").code == 0
    assert contents(folder) == written
    (folder / name).unlink()  # what is gone is nothing that could be lost
    snn2hw.export_c(snn2hw.load(build / "net"))
    assert contents(folder) == written


def test_a_folder_of_a_version_without_checksums_is_replaced_only_by_force(build: Path, capsys: Capture) -> None:
    assert run_cli(capsys, "export", build / "net", "--out", build / "c").code == 0
    written = contents(build / "c")
    (build / "c" / "manifest.json").unlink()
    (build / "c" / "snn.o").write_text("made")
    text = (
        f"the output folder holds something else\n  where:    {build / 'c'}\n"
        "  got:      Makefile, README.md, main.c, snn.c and 4 more, written by a version that kept no checksums\n"
        "  expected: a new folder, an empty one, or an earlier C folder\n"
        "  do:       choose another folder; or overwrite it with --force (force=True)"
    )
    refusal(run_cli(capsys, "export", build / "net", "--out", build / "c"), text)
    (build / "c" / "notes.txt").write_text("mine")
    before = contents(build / "c")
    assert run_cli(capsys, "export", build / "net", "--out", build / "c", "--force").code == 2
    assert contents(build / "c") == before  # force is for files of ours
    (build / "c" / "notes.txt").unlink()
    assert run_cli(capsys, "export", build / "net", "--out", build / "c", "--force").code == 0
    assert contents(build / "c") == {**written, "snn.o": b"made"}  # which make takes for old, as it is


@pytest.mark.parametrize("own", ["notes.txt", "snn.h"])
def test_a_folder_with_something_else_is_left_alone(build: Path, capsys: Capture, own: str) -> None:
    if own != "snn.h":
        assert run_cli(capsys, "export", build / "net", "--out", build / "c").code == 0
    (build / "c").mkdir(exist_ok=True)
    (build / "c" / own).write_text("mine")
    before = contents(build)
    text = (
        f"the output folder holds something else\n  where:    {build / 'c'}\n  got:      {own}, which snn2hw did not write\n"
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
    text = "there is no such export\n  got:      'verilog'\n  expected: rtl, c, nir\n  do:       name one of these"
    refusal(run_cli(capsys, "export", build / "net", "--to", "verilog"), text)


def test_no_vectors_are_refused_and_nothing_is_written(build: Path, capsys: Capture) -> None:
    text = "the C folder replays at least one sample\n  got:      0\n  expected: 1 or more\n"
    text += "  do:       replay one sample or more (--vectors, vectors=)"
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


class Listing:
    """The export of somebody else's package."""

    name, description, writes = "listing", "the names of the layers", "layers.txt"

    def supports(self, network: IntegerNetwork) -> list[Lack]:
        return []

    def emit(self, artefact: Artefact, out: Path) -> Exported:
        out.write_text("\n".join(n.name for n in artefact.network.nodes), encoding="utf-8")
        return Exported(out)


class Slow(Listing):
    """One that says how far it is."""

    name = "slow"

    def __init__(self) -> None:
        self.told: list[object] = []

    def emit(self, artefact: Artefact, out: Path, *, progress: Callable[[str, int, int], None]) -> Exported:
        self.told.append(progress("half", 1, 2))
        return super().emit(artefact, out)


def test_a_back_end_that_says_how_far_it_is_gets_the_bar_to_say_it_to(build: Path, capsys: Capture) -> None:
    slow = Slow()
    register(slow)
    try:
        ran = run_cli(capsys, "export", build / "net", "--to", "slow", "--out", build / "layers.txt")
    finally:
        unregister("slow")
    assert (ran.code, slow.told) == (0, [None])


def test_compiling_again_says_which_export_of_another_back_end_no_longer_fits(tmp_path: Path) -> None:
    register(Listing())
    try:
        snn2hw.export(snn2hw.compile(every_kind(), every_kind_sample(), out=tmp_path / "net"), "listing")
        with pytest.warns(Snn2hwWarning, match=r"got:      layers.txt\n"):
            snn2hw.compile(every_kind(), every_kind_sample(), target="loihi2", out=tmp_path / "net")
    finally:
        unregister("listing")


def test_compiling_again_leaves_exports_and_says_when_they_no_longer_fit(tmp_path: Path) -> None:
    first = snn2hw.compile(every_kind(), every_kind_sample(), target="generic", out=tmp_path / "net")
    snn2hw.export_c(first)
    (tmp_path / "net" / "model.nir").write_text("of the first model")
    before = contents(tmp_path / "net")
    again = snn2hw.compile(every_kind(), every_kind_sample(), target="generic", out=tmp_path / "net")  # the same: no warning
    assert again.model == first.model
    assert contents(tmp_path / "net") == before
    with pytest.warns(Snn2hwWarning) as warned:
        snn2hw.compile(every_kind(), every_kind_sample(), target="loihi2", out=tmp_path / "net")
    assert [str(w.message) for w in warned] == [
        "exports of the model that was compiled here before do not fit the new one\n"
        f"  where:    {tmp_path / 'net'}\n  got:      c, model.nir\n  expected: exports of the model beside them\n"
        "  do:       export again, or move them elsewhere"
    ]
    after = contents(tmp_path / "net")
    assert {name for name in before if after[name] == before[name]} >= {f"c/{name}" for name in FILES} | {"model.nir"}
    with pytest.raises(UsageError):
        snn2hw.export_c(snn2hw.load(tmp_path / "net"), vectors=-1)
    assert contents(tmp_path / "net") == after
