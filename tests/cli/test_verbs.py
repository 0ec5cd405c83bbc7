"""The list of all verbs, and that a verb's file is read when it is called for."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer

from snn2hw.cli.verbs import VERBS, Verb
from tests.cli.running import Capture, run

SLOW_TO_READ = ("numpy", "onnx", "torch", "snn2hw.backends", "snn2hw.api")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["complie"]])
def test_what_needs_no_verb_reads_none(words: list[str]) -> None:
    asked = f"import sys; from snn2hw.cli.app import main; sys.argv[1:] = {words!r}\ntry: main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    read = done.stdout.splitlines()[-1].split()
    assert "snn2hw.cli.verbs" in read
    assert [name for name in SLOW_TO_READ if name in read] == []
    assert [name for name in VERBS if f"snn2hw.cli.{name}" in read] == []


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_the_function_of_its_file(name: str) -> None:
    whole = Verb(name).whole
    assert whole.name == name
    assert whole.callback.__module__ == f"snn2hw.cli.{name}"
    assert {"--quiet", "--verbose", "--json"} <= {word for p in whole.params for word in p.opts}


def test_every_verb_that_reads_samples_calls_them_the_same() -> None:
    reads = {name: p.opts for name in VERBS for p in Verb(name).whole.params if "--input" in p.opts}
    assert {"simulate", "verify", "evaluate", "estimate", "explore", "report", "diff"} == set(reads)
    assert set(map(frozenset, reads.values())) == {frozenset({"--samples", "--input", "-i"})}


@pytest.mark.parametrize("words", [[], *([name] for name in VERBS)])
def test_a_switch_is_shown_without_a_type_and_an_argument_in_capitals(words: list[str], capsys: Capture) -> None:
    """With `--json <bool>` in the help, people write `--json true`."""
    shown = run(capsys, *words, "--help").out
    assert "--help" in shown
    assert "bool" not in shown.lower()
    if words:
        pieces = Verb(words[0]).whole.collect_usage_pieces(typer.Context(Verb(words[0]).whole))
        assert [piece for piece in pieces if not re.fullmatch(r"[A-Z]+|\[[A-Z]+\]", piece)] == []
        assert len(pieces) == 1 + sum(p.param_type_name == "argument" for p in Verb(words[0]).whole.params)


@pytest.mark.parametrize("name", VERBS)
def test_the_list_speaks_plainly(name: str) -> None:
    """Of a compiled model, which nobody knows as an artefact yet; a shell that completes would double an apostrophe."""
    assert [word for word in ("artefact", "'") if word in VERBS[name][1].lower()] == []


@pytest.mark.parametrize("name", VERBS)
def test_a_line_of_80_columns_holds_what_the_list_says(name: str) -> None:
    assert len(VERBS[name][1]) <= 80 - len("│ evaluate    │")
