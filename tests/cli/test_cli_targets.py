"""`snn2hw targets --check`: what a file of one's own states, what it lacks, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from snn2hw.target import targets_folder
from tests.cli.running import Capture, refusal, run


def test_a_file_is_checked_and_its_gaps_are_said(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((targets_folder() / "truenorth.toml").read_text(encoding="utf-8").replace(
        "[cores]", '[cores]\nnot_public = ["instructions"]'), encoding="utf-8")  # fmt: skip
    ran = run(capsys, "targets", "--check", path)
    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    assert "nothing is wrong with this target, 'truenorth'; it states" in said
    assert "nothing is compiled for it: a neuron has one weight for each of four types of axon" in said
    assert "not public: instructions of neuron programs on a core" in said
    assert "not stated: latency" in said
    assert "source" not in said


def test_the_list_says_where_a_file_to_copy_is(tmp_path: Path, capsys: Capture) -> None:
    said = "".join(run(capsys, "targets").out.split("their files are in ")[1].split(";")[0].splitlines())
    copy = tmp_path / "my.toml"
    copy.write_bytes((Path(said) / "loihi2.toml").read_bytes())
    assert run(capsys, "targets", "--check", copy).code == 0


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "mine.toml"
    text = (targets_folder() / "truenorth.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("neurons = { value = 256", "neurons = { value = 0"), encoding="utf-8")
    ran = run(capsys, "targets", "--check", path)
    assert ran.code == 2
    assert ran.err.startswith("error: 'neurons' is impossible\n")
    refusal(
        run(capsys, "targets", "--check"),
        "there is nothing to check\n  got:      --check\n  expected: a target\n  do:       name a target or a TOML file",
    )


def test_compile_for_a_target_that_is_only_estimated_is_refused(tmp_path: Path, capsys: Capture) -> None:
    ran = run(capsys, "compile", "models/digits_lnm", "--target", "truenorth", "--out", tmp_path / "net")
    assert ran.code == 2
    assert ran.err.startswith("error: nothing is compiled for the target 'truenorth'\n  got:      a neuron has one weight")
    assert not (tmp_path / "net").exists()
