"""The list of all verbs, and that a verb's file is read when it is called for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from snn2hw.cli.verbs import VERBS, Verb

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


@pytest.mark.parametrize("name", VERBS)
def test_a_line_of_80_columns_holds_what_the_list_says(name: str) -> None:
    assert len(VERBS[name][1]) <= 80 - len("│ evaluate    │")
