"""A synthesis report as a table."""

from __future__ import annotations

from snn2hw.backends.rtl.synthesis import Synthesis
from snn2hw.cli import console


def print_synthesis(report: Synthesis) -> None:
    """What each layer takes of the board, then whether it fits, the clock and the time of a sample."""
    columns, rows = report.table()
    console.table(f"{report.board}: {report.says}", columns, rows, tuple(range(1, len(columns))))
    for line in report.lines():
        console.say(line)
