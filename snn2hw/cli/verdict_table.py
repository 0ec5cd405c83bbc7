"""What people see of a comparison: a row for each executor, and the first differences."""

from __future__ import annotations

from snn2hw.cli import console
from snn2hw.verification.differential import Difference
from snn2hw.verification.verdict import Verdict


def print_verdict(verdict: Verdict, title: str) -> None:
    """One row per executor, then every first difference with its cause, then what was not run."""
    rows: list[list[object]] = [["reference", "decides", "", "", f"{verdict.seconds.get('reference', 0):.2f}"]]
    for name, compared in verdict.compared.items():
        different = verdict.different[name]
        equal = console.good("equal", True) if name not in verdict.not_run else console.styled("stopped", "yellow")
        mark = equal if not different else console.good("DIFFERENT", False)
        seconds = f"{verdict.seconds[name]:.2f}" if name in verdict.seconds else "stored"
        rows.append([name, mark, f"{compared:,}", f"{different:,}", seconds])
    rows += [[name, console.styled("not run", "yellow"), "", "", ""] for name in verdict.not_run if name not in verdict.compared]
    console.table(title, ["executor", "verdict", "integers compared", "differing", "seconds"], rows, numbers=(2, 3, 4))
    for name, note in verdict.notes.items():
        console.say(f"{name}: {note}")
    for d in verdict.differences:
        print_difference(d)
    for name, reason in verdict.not_run.items():
        console.say(console.styled("not run", "yellow"), f" {name}: {reason}")


def print_difference(d: Difference) -> None:
    """Where it is, and what it can come from."""
    console.say(console.styled("first difference", "bold red"), f" {d}")
    console.print_text(f"  cause: {d.cause}")
