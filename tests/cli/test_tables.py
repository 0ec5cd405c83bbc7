"""Tables at every width: no word is broken, no number lost, and no line is longer than the terminal."""

from __future__ import annotations

import io
import random
import re

import pytest
from rich.console import Console
from rich.text import Text

from snn2hw.cli.certificate_table import certifying
from snn2hw.cli.tables import fitted

COLUMNS = ["layer", "firing rate", "spikes differ", "", "said"]
ROWS = [
    ["conv1.neuron", "12.42 %", "1,234,567", "", "a longer cell of several words that may go on in a second line"],
    ["fc", "0.01 %", "3", "", "short"],
]


def drawn(columns: list[str], rows: list[list[str]], width: int, framed: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    for part in fitted(columns, [[Text(c) for c in row] for row in rows], (1, 2), width, framed):
        console.print(part)
    return out.getvalue()


@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_it_fits_and_says_all(width: int, framed: bool) -> None:
    text = drawn(COLUMNS, ROWS, width, framed)
    assert max(map(len, text.splitlines())) <= width
    words = set(re.findall(r"[\w.,%]+", text))
    assert {w for row in ROWS for cell in row for w in re.findall(r"[\w.,%]+", cell)} <= words


def test_columns_that_do_not_fit_follow_below_with_the_first_again() -> None:
    text = drawn(COLUMNS, ROWS, 40)
    assert text.count("conv1.neuron") > 1
    assert text.index("12.42 %") < text.index("longer")


def test_an_empty_column_is_dropped_only_where_room_is_short() -> None:
    rows = [["a", "1", "2", "", "x"]]
    assert drawn(COLUMNS, rows, 80).splitlines()[1].count("|") == 6
    assert max(line.count("|") for line in drawn(COLUMNS, [["a" * 30, "1", "2", "", "x" * 20]], 80).splitlines()) == 5


def test_a_table_without_headings_has_no_line_for_them() -> None:
    assert drawn(["", ""], [["fits", "yes"]], 80).splitlines() == ["+------+-----+", "| fits | yes |", "+------+-----+"]


def test_random_tables_fit() -> None:
    deal = random.Random(0)
    for _ in range(20):
        columns = ["".join(deal.choices("ab ", k=deal.randint(0, 12))).strip() for _ in range(deal.randint(1, 9))]
        rows = [["x" * deal.randint(0, 14) for _ in columns] for _ in range(deal.randint(1, 4))]
        text = drawn(columns, rows, 80)
        assert max(map(len, text.splitlines())) <= 80
        wide = {c for row in rows for c in row if c}
        assert wide <= set(text.split())


def test_progress_counts_nothing_where_nobody_knows_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with certifying() as tell:
        tell("2", 7)
        tell("2", 1_000)
    seen = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert "compile: certificate of layer 2, 1,007 values tried" in " ".join(seen.split())
    assert re.findall(r"\d*/[\d?]+", seen) == []
