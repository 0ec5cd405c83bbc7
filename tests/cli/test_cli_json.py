"""--json of every command prints one JSON value of the form that the page states, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docsite.forms import FORMS, problems
from tests.cli.running import COMMAND, HERE, Capture, Ran, altered, flip
from tests.cli.running import run as run_cli

NAMED = ("--executors", ",".join(HERE))


def document(capsys: Capture, *arguments: object, code: int = 0) -> Any:
    ran = run_cli(capsys, *arguments, "--json")
    assert ran.code == code, ran.err
    return json.loads(ran.out)


def test_every_command_takes_it_and_is_described() -> None:
    verbs = COMMAND.commands  # type: ignore[attr-defined]
    assert [name for name, verb in verbs.items() if not any("--json" in p.opts for p in verb.whole.params)] == []
    assert {form.split(" ")[0] for form in FORMS} == set(verbs)


def test_what_is_quickly_said(capsys: Capture, build: Path, tmp_path: Path) -> None:
    net, trace = build / "net", tmp_path / "trace.npz"
    said = {
        "inspect": document(capsys, "inspect", net),
        "inspect --weights": document(capsys, "inspect", net, "--weights", tmp_path / "w.npz"),
        "simulate": document(capsys, "simulate", net, "-i", build / "x.npy", "--out", trace),
        "verify": document(capsys, "verify", net, *NAMED),
        "check": document(capsys, "check", net),
        "diff": document(capsys, "diff", net, trace),
        "targets": document(capsys, "targets"),
        "targets NAME": document(capsys, "targets", "loihi2"),
        "export": document(capsys, "export", net, "--to", "c", "--out", tmp_path / "c"),
    }
    assert {verb: list(problems(verb, value)) for verb, value in said.items()} == {verb: [] for verb in said}
    different = document(capsys, "diff", net, altered(trace, flip), code=1)
    assert list(problems("diff", different)) == []
    assert different["difference"]["signal"] == "lnm"
    programs = {n["name"]: n["program"] for n in said["inspect"]["network"]["nodes"] if "program" in n}
    first = programs["lnm"]["instructions"][0]
    assert (first["op"], first["format"][0]) == ("state", "s")
    constants = said["inspect"]["network"]["constants"]
    named = [i["values"]["array"] for p in programs.values() for i in p["instructions"] if i["op"] == "param"]
    assert named
    assert set(named) <= set(constants)


@pytest.mark.slow
@pytest.mark.torch
def test_what_takes_longer(capsys: Capture, build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "lnm"
    np.save("x.npy", np.zeros((4, 1, 8, 8), np.float32))
    said = {
        "compile": document(capsys, "compile", "digits_lnm", "--out", net),
        "evaluate": document(capsys, "evaluate", net, "--model", "digits_lnm"),
        "estimate": document(capsys, "estimate", net, "--target", "loihi1"),
        "report": document(capsys, "report", net),
        "inspect --dynamics": document(capsys, "inspect", net, "--dynamics"),
        "explore": document(capsys, "explore", "digits_lnm", "--weight-bits", "4", "--state-bits", "8"),
        "explore --budget": document(capsys, "explore", "digits_lnm", "--budget", "--weight-bits", "4,8"),
        "export": document(capsys, "export", net, "--to", "c", "--replay"),
        "doctor": document(capsys, "doctor"),
        "backends": document(capsys, "backends"),
        "demo": document(capsys, "demo", "--pretrained", "--out", tmp_path / "demo"),
    }
    assert {verb: list(problems(verb, value)) for verb, value in said.items()} == {verb: [] for verb in said}


def test_a_document_of_another_form_is_noticed() -> None:
    good = {"holds": True, "claims": 3, "failures": []}
    assert list(problems("check", good)) == []
    assert list(problems("check", {**good, "more": 1})) == ["more: not in the form"]
    assert list(problems("check", {"holds": 1, "claims": 3})) == ["holds: int, stated is flag", "failures: missing"]
    assert list(problems("report", ["path"])) == ["document: list, stated is object"]


def test_quiet_says_nothing_and_verbose_more(capsys: Capture) -> None:
    assert run_cli(capsys, "targets", "generic", "--quiet") == Ran(0, "", "")
    told = run_cli(capsys, "targets", "generic", "-v")
    assert "state_bits" in told.out
    assert " s, " in told.err
    assert "snn2hw 0" in told.err
    assert run_cli(capsys, "targets", "none", "--quiet").err.startswith("error: ")
    assert "state_bits" in run_cli(capsys, "targets", "generic").out  # of one command, not of the next
