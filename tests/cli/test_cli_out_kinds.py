"""A result is not written over a result of another kind, nor under a name that says it is another."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from snn2hw.cli.explore_files import write_outputs
from snn2hw.files.kinds import CONSTANTS, KINDS, MAPPING, NIR_FILE, PICTURE, REPORT, TRACE, FileKind, check_kind
from snn2hw.files.seal import BLANK
from snn2hw.files.write import write_file
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli

PNG = b"\x89PNG\r\n"
WRITES: dict[str, tuple[FileKind, tuple[str, ...]]] = {
    "report": (REPORT, ("report", "net", "--executors", "reference", "--out")),
    "simulate": (TRACE, ("simulate", "net", "--out")),
    "estimate --mapping": (MAPPING, ("estimate", "net", "--target", "loihi1", "--mapping")),
    "estimate --picture": (PICTURE, ("estimate", "net", "--target", "loihi1", "--picture")),
    "inspect": (CONSTANTS, ("inspect", "net", "--weights")),
    "export": (NIR_FILE, ("export", "net", "--to", "nir", "--out")),
    "explore --plot": (PICTURE, ("explore", "nets:build", "--plot")),
}


@pytest.fixture(scope="module")
def results(compiled_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of every kind, as its command writes it."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copytree(compiled_once / "net", folder / "net")
    write_outputs("", None, PNG, folder / "a picture.png")
    return folder


def all_kinds(results: Path, capsys: Capture) -> dict[FileKind, Path]:
    made = {PICTURE: results / "a picture.png"}
    for kind, command in WRITES.values():
        if kind not in made:
            made[kind] = results / f"{kind.says}{kind.ending}"
            if not made[kind].exists():
                assert run_cli(capsys, *command, made[kind]).code == 0
    assert set(made) == set(KINDS)
    return made


@pytest.fixture
def here(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("nir", reason="writing .nir files needs the nir extra")
    monkeypatch.chdir(results)
    return tmp_path


@pytest.mark.parametrize("verb", WRITES)
def test_a_result_of_another_kind_stays(verb: str, results: Path, here: Path, capsys: Capture) -> None:
    own, command = WRITES[verb]
    for other, made in all_kinds(results, capsys).items():
        if other is own:
            continue
        path = here / f"{other.says}{own.ending}"
        shutil.copy(made, path)
        refusal(
            run_cli(capsys, *command, path),
            f"the output file is another result of snn2hw\n  where:    {path}\n  got:      {other.says}\n"
            f"  expected: a new file, or {own.says} that snn2hw wrote\n  do:       choose another name, or remove the file",
        )
        assert path.read_bytes() == made.read_bytes()


@pytest.mark.parametrize("verb", WRITES)
def test_a_name_of_another_kind_is_refused(verb: str, here: Path, capsys: Capture) -> None:
    own, command = WRITES[verb]
    for ending in {kind.ending for kind in KINDS} | {".txt", ""}:
        if ending == own.ending or (own is CONSTANTS and ending != own.ending):  # it writes a folder of any other name
            continue
        path = here / f"new{ending}"
        refusal(
            run_cli(capsys, *command, path),
            f"this is no name for {own.says}\n  got:      {path}\n  expected: *{own.ending}\n"
            f"  do:       name it so, such as net{own.ending}",
        )
        assert not path.exists()


def test_a_table_is_called_so(here: Path, capsys: Capture) -> None:
    refusal(
        run_cli(capsys, "explore", "nets:build", "--csv", "mapping.json", "--force"),
        "this is no name for a table\n  got:      mapping.json\n  expected: *.csv\n  do:       name it so, such as net.csv",
    )


def test_results_of_an_exploration_are_called_so(here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is there is looked at before anything is read."""
    monkeypatch.setattr("snn2hw.cli.explore.read_data", lambda *_: pytest.fail("it has begun"))
    for name in ("results.csv", "results.npz", "results"):
        refusal(
            run_cli(capsys, "explore", "nets:build", "--out", name),
            f"this is no name for results\n  got:      {name}\n  expected: *.jsonl\n  do:       name it so, such as net.jsonl",
        )
    path = here / "notes.jsonl"
    path.write_bytes(b"notes\n")
    refusal(
        run_cli(capsys, "explore", "nets:build", "--out", path),
        f"this is no results file of snn2hw explore\n  where:    {path}\n  got:      'notes\\n'\n"
        "  expected: a new file, or one of an earlier run\n  do:       choose another name",
    )
    assert path.read_bytes() == b"notes\n"


def test_results_are_replaced_by_their_kind_whatever_letters_the_ending_has(results: Path, here: Path, capsys: Capture) -> None:
    made = all_kinds(results, capsys)
    for kind, command in WRITES.values():
        if kind not in (PICTURE, CONSTANTS):
            path = here / f"again{kind.ending.upper()}"
            shutil.copy(made[kind], path)
            assert run_cli(capsys, *command, path).code == 0


@pytest.mark.parametrize("verb", ["report", "simulate", "estimate --mapping", "estimate --picture", "explore --plot"])
def test_it_is_said_before_anything_is_read(verb: str, here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.api.load", lambda *_: pytest.fail("it has begun"))
    monkeypatch.setattr("snn2hw.cli.explore.read_data", lambda *_: pytest.fail("it has begun"))
    assert "this is no name for" in run_cli(capsys, *WRITES[verb][1], here / "x.bin").err


def test_a_sealed_file_of_no_kind_is_said_to_be_none(here: Path) -> None:
    np.savez(here / "whole.npz", x=np.arange(3))
    for content in (b"PK\3\4 no archive", (here / "whole.npz").read_bytes()[:-9] + b"junk", b"what else"):
        write_file(here / "x.npz", content + BLANK, sealing=True, force=True)
        with pytest.raises(Exception, match="got:      a file of no kind that is known"):
            check_kind(here / "x.npz", here / "x.npz", TRACE)
