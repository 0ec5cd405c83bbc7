"""Words that are nearly right, completion, wrong words before any work, and what an interruption says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from snn2hw.cli import completion, demo_run
from snn2hw.cli.end import interrupted
from snn2hw.cli.loudness import loudness
from snn2hw.cli.verbs import VERBS, Verb
from snn2hw.shown import meant
from tests.cli.running import COMMAND, Capture
from tests.cli.running import run as run_cli


@pytest.mark.parametrize(
    ("name", "known", "says"),
    [
        ("loih1", ["loihi1", "generic"], "did you mean 'loihi1'? else "),
        ("FAST", ["fast", "torch"], "did you mean 'fast'? else "),
        ("foo", ["loihi1", "generic"], ""),
        ("", ["a"], ""),
    ],
)
def test_a_name_that_is_nearly_right(name: str, known: list[str], says: str) -> None:
    assert meant(name, known) == says


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("targets", "loihi"), "loihi2"),
        (("verify", "{net}", "--executors", "refrence"), "reference"),
        (("simulate", "{net}", "-e", "onnxruntim"), "onnxruntime"),
        (("export", "{net}", "--to", "rtll"), "rtl"),
        (("inspect", "{net}", "--layer", "lnmm"), "lnm"),
        (("estimate", "{net}", "--target", "generc"), "generic"),
    ],
)
def test_it_is_named(capsys: Capture, build: Path, arguments: tuple[str, ...], meant: str) -> None:
    ran = run_cli(capsys, *(a.format(net=build / "net") for a in arguments))
    assert ran.code == 2
    assert f"did you mean '{meant}'? else name one of these" in ran.err


@pytest.mark.torch
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", "loihi2,foo"), "unknown target"),
        (("--scales", "layers"), "unknown kind of scales"),
        (("--cost", "money"), "unknown kind of cost"),
        (("--weight-bits", "four"), "these are no widths"),
    ],
)
def test_explore_refuses_words_before_it_reads_a_model(capsys: Capture, words: tuple[str, ...], says: str) -> None:
    ran = run_cli(capsys, "explore", "no_such_model", *words)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {says}\n")


@pytest.mark.parametrize("verb", ["", *COMMAND.commands])  # type: ignore[attr-defined]
def test_help_fits_80_columns(capsys: Capture, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    ran = run_cli(capsys, *[verb] * bool(verb), "--help")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not verb or ("Example" in ran.out and f"snn2hw {verb}" in ran.out.split("Example")[1])
    for p in COMMAND.commands[verb].whole.params if verb else ():  # type: ignore[attr-defined]
        whole = [*p.opts, *p.secondary_opts, *([p.metavar] if p.metavar else [])] if p.opts[0].startswith("-") else []
        assert [word for word in whole if word not in ran.out] == []
    boxes = [line for line in ran.out.splitlines() if line.startswith(("╭", "│", "╰"))]
    assert all(line.endswith(("╮", "│", "╯")) for line in boxes)


def test_a_shell_is_offered_words() -> None:
    assert completion.targets("loihi") == ["loihi1", "loihi2"]
    assert completion.executors("reference,onnx") == ["reference,onnxruntime", "reference,onnx-reference"]
    assert completion.models("digits_l") == ["digits_lnm"]
    assert "nir" in completion.exports("")


KNOWN = {"--target", "--executor", "--executors", "--model", "--board", "--convention", "--stop-after", "--to", "--method",
         "--layout", "--scales", "--cost", "model"}  # fmt: skip
OFFERED = [(name, p) for name in VERBS for p in Verb(name).whole.params if KNOWN & set(p.opts)]
OFFERED = [(name, p) for name, p in OFFERED if (name, p.opts) != ("inspect", ["--target"])]  # it takes only a file of one's own


@pytest.mark.parametrize(("verb", "param"), OFFERED, ids=[f"{name} {p.opts[0]}" for name, p in OFFERED])
def test_a_shell_is_offered_words_wherever_there_are_some(verb: str, param: Any) -> None:
    with typer.Context(Verb(verb).whole) as context:
        offered = [item.value for item in param.shell_complete(context, "")]
        assert len(offered) > 1
        last = offered[-1]
        assert last in [item.value for item in param.shell_complete(context, last[:-1])]
        assert [item.value for item in param.shell_complete(context, "no such word")] == []


def test_several_words_are_offered_behind_a_comma_and_what_is_meant_by_none() -> None:
    assert completion.several_targets("generic,loihi") == ["generic,loihi1", "generic,loihi2"]
    assert completion.executor("a") == ["auto"]
    assert completion.also(completion.targets, "all")("al") == ["all"]
    assert {"ecp5-25k", "ecp5-85k"} <= set(completion.boards("ecp5"))
    assert "loihi2" not in completion.boards("")


@pytest.mark.slow
def test_bash_asks() -> None:
    asked = {"COMP_WORDS": "snn2hw compile net --target lo", "COMP_CWORD": "4", "_SNN2HW_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-m", "snn2hw"], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["loihi1", "loihi2"], done.stderr


def test_an_interruption_says_how_far_it_was() -> None:
    loudness.fresh()
    try:
        with loudness.at("verify"):
            loudness.reached("fast", 120, 360)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        error = interrupted()
    assert error.got == "verify: fast, 120 of 360 done"
    assert error.do.startswith("run the same command again")
    loudness.fresh()
    assert interrupted().got == "nothing was under way yet"


@pytest.mark.torch
def test_an_interrupted_demo_says_what_it_was_at(capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def train() -> None:
        raise KeyboardInterrupt

    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    monkeypatch.setattr(demo_run, "load_source", lambda path: SimpleNamespace(train=train))
    ran = run_cli(capsys, "demo", "--out", tmp_path / "demo")
    assert ran.code == 130
    assert "got:      digits_lnm: training\n" in ran.err
    assert "--pretrained" in ran.err
