"""An error on a terminal: no word is cut at its edge. In a pipe every part is one line, for programs."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.console import Console

from snn2hw.cli import console
from snn2hw.errors import Lines, Snn2hwError, Snn2hwWarning
from tests.cli.running import Capture, run

ERROR = Snn2hwError(
    "a network of layers that somebody named is not as expected of it",
    where="build/lnm",
    got="https://example.org/one/word/that/is/longer/than/a/line/of/a/terminal.html and more",
    expected="one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
    do=Lines("first of two lines, which does not fit into the width\n  second"),
)
FOLDED = """\
error: a network of layers that somebody
       named is not as expected of it
  where:    build/lnm
  got:      https://example.org/one/word/that/is/longer/than/a/line/of/a/terminal.html
            and more
  expected: one, two, three, four, five,
            six, seven, eight, nine,
            ten, eleven, twelve
  do:       first of two lines, which
            does not fit into the width
              second
"""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], io.StringIO]:
    """A terminal of this width in place of stderr."""

    def of(width: int) -> io.StringIO:
        seen = io.StringIO()
        made = Console(file=seen, force_terminal=True, width=width, color_system=None, highlight=False, markup=False, emoji=False)
        monkeypatch.setattr(console, "_console", lambda stderr=False: made)
        return seen

    return of


def test_an_error_is_folded_at_words_under_its_text(terminal: Callable[[int], io.StringIO]) -> None:
    seen = terminal(40)
    console.print_error(ERROR)
    assert seen.getvalue() == FOLDED


def test_what_fits_stays_on_one_line_and_a_narrow_terminal_is_left_to_itself(terminal: Callable[[int], io.StringIO]) -> None:
    for width in (200, 20):
        seen = terminal(width)
        console.print_error(ERROR)
        assert seen.getvalue() == f"error: {ERROR}\n"


def test_wide_letters_take_two_columns(terminal: Callable[[int], io.StringIO]) -> None:
    seen = terminal(40)
    console.print_error(Snn2hwError("x", got="名前 " * 9))
    assert seen.getvalue() == f"error: x\n  got:      {' '.join(['名前'] * 5)}\n            {' '.join(['名前'] * 4)}\n"


def test_a_warning_is_folded_as_well(terminal: Callable[[int], io.StringIO]) -> None:
    seen = terminal(40)
    console.print_warning(Snn2hwWarning("a layer of the network loses spikes", cause="its range is too narrow for its sums"))
    assert seen.getvalue() == (
        "warning: a layer of the network loses\n         spikes\n  cause:    its range is too narrow for\n            its sums\n"
    )


def test_a_pipe_gets_every_part_as_one_line(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    ran = run(capsys, "targets", "nowhere")
    assert [line[:12] for line in ran.err.splitlines()] == ["error: unkno", "  got:      ", "  expected: ", "  do:       "]
    assert max(map(len, ran.err.splitlines())) > 100


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_a_terminal_of_the_system_is_known_as_one() -> None:
    ours, theirs = os.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    environment.pop("CI", None)
    done = subprocess.Popen([sys.executable, "-m", "snn2hw", "targets", "nowhere"], stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so where the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert done.wait(60) == 2
    lines = re.sub(r"\x1b\[[\d;]*m", "", seen.decode()).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) > 5
    assert all(line.startswith(("error: ", "  got: ", "  expected: ", "  do: ", " " * 12)) for line in lines)
