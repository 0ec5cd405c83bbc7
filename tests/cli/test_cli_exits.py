"""Code of the user that ends the program, and interrupts: exit codes that say so, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from snn2hw.cli.end import Commands, guarded
from tests.cli.running import Capture, run

ENDS = ["sys.exit()", "sys.exit(0)", "raise SystemExit(3)", "sys.exit('bye')", "quit()", "parser.parse_args(['--none'])"]
SOURCE = "import argparse, sys\nparser = argparse.ArgumentParser()\n{top}\ndef build():\n    {inside}\n    return None, None\n"


def says(end: str) -> str:
    value = {"sys.exit()": "", "sys.exit(0)": "0", "raise SystemExit(3)": "3", "sys.exit('bye')": "bye", "quit()": ""}
    return f"SystemExit: {value.get(end, '2')}".replace("SystemExit: \n", "")


@pytest.mark.torch
@pytest.mark.parametrize("where", ["top", "inside"])
@pytest.mark.parametrize("end", ENDS)
def test_a_factory_that_ends_the_program(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, end: str, where: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"ends_{where}_{ENDS.index(end)}"
    (tmp_path / f"{name}.py").write_text(SOURCE.format(**{"top": "", "inside": "pass", where: end}))
    ran = run(capsys, "compile", f"{name}:build", "--out", tmp_path / "out")
    assert ran.code == 2
    lines = ran.err.splitlines()
    lines = lines[next(n for n, line in enumerate(lines) if line.startswith("error:")) :]  # argparse says something first
    assert lines[:2] == ["error: the factory cannot be called", f"  where:    {name}:build"]
    assert lines[2].startswith("  got:      SystemExit")
    assert says(end).removeprefix("SystemExit: ") in lines[2]
    assert not (tmp_path / "out").exists()


@pytest.mark.torch
@pytest.mark.parametrize(("function", "what"), [("build", "a function of the model fails"), ("", "a file of the model cannot")])
def test_a_model_folder_that_ends_the_program(tmp_path: Path, capsys: Capture, function: str, what: str) -> None:
    (tmp_path / "net").mkdir()
    body = f"import sys\nSTEPS = 2\ndef build(): {'sys.exit(0)' if function else 'pass'}\ndef train_data(): pass\n"
    (tmp_path / "net" / "model.py").write_text(body + ("" if function else "sys.exit(0)\n"))
    ran = run(capsys, "compile", tmp_path / "net", "--out", tmp_path / "out")
    assert (ran.code, ran.err.startswith(f"error: {what}")) == (2, True)
    assert "got:      SystemExit: 0" in ran.err
    assert not (tmp_path / "out").exists()


def command(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=Commands)

    @app.command()
    def first() -> None:
        raise error

    @app.command()
    def second() -> None:
        raise typer.Exit(1)

    return app


@pytest.mark.parametrize("code", [None, 0, 1, 7, "bye"])
def test_any_other_code_that_ends_the_program(capsys: Capture, code: int | str | None) -> None:
    app = command(SystemExit(code))
    capsys.readouterr()
    assert guarded(lambda: app(["first"])) == 2
    refusal_text = capsys.readouterr().err
    assert refusal_text == (
        f"error: code of the model ended the program\n  got:      SystemExit: {code}\n  expected: code that returns\n"
        "  do:       call it in Python, find what calls sys.exit, and take it out\n"
    )
    assert guarded(lambda: app(["second"])) == 1


def test_an_interrupt_is_130(capsys: Capture) -> None:
    assert guarded(lambda: command(KeyboardInterrupt())(["first"])) == 130
    assert capsys.readouterr().err.strip().startswith("error: interrupted\n")

    def interrupted() -> None:
        raise KeyboardInterrupt

    capsys.readouterr()
    assert guarded(interrupted) == 130
    assert capsys.readouterr().err.startswith("error: interrupted\n  got:      nothing was under way yet\n  do:       run")
