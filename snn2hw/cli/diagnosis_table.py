"""What a diagnosis says, for people."""

from __future__ import annotations

from snn2hw.cli import console
from snn2hw.diagnosis.result import Diagnosis

MOST = 6  # switches that are shown


def print_diagnosis(found: Diagnosis, title: str) -> None:
    """How much differs, where it begins and why, what to do, and what each switch does."""
    counts = f"{found.values:,} values differ, {found.begun:,} begin in their layer, {found.unexplained:,} unexplained"
    console.say(f"{title}: {found.samples} samples x {found.steps} steps: {counts}")
    if not found.cause:
        console.say(console.good("alike", True), f": {found}")
        return
    console.say(console.styled("cause", "bold yellow" if found.explained else "bold red"), f" {found}")
    console.say(f"  do: {found.remedy}")
    if found.evidence:
        rows = [
            [e.switch, _percent(e.alone), "" if e.back is None else _percent(e.back), "yes" if e.here else ""]
            for e in found.evidence[:MOST]
        ]
        console.table(
            "one switch at a time, in the layer in which it begins",
            ["switch", "alone it makes", "float again, vanish", "here"],
            rows,
            (1, 2),
        )
        console.say("shares of the differences that begin in this layer; below 0: it makes others")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if abs(share) < 10 else f"{100 * share:,.0f} %"
