"""What was counted, as a table of the page docs/how-to/c.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cmsis.layers import ACTIVITIES, Counted


def table(found: Sequence[Counted]) -> list[str]:
    """Lines of Markdown."""
    active = [f"snn2hw, {percent} % active" for percent in ACTIVITIES]
    head = ["layer", "MACs", "CMSIS-NN", *active, "equal at", "a neuron's update", "code of CMSIS-NN", "code of snn2hw"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)], *map(_row, found)]
    return [f"| {' | '.join(row)} |" for row in rows]


def _row(c: Counted) -> list[str]:
    macs = c.layer.macs
    each = [f"{n / macs:.2f}" for n in (c.theirs, *(c.ours[percent] for percent in ACTIVITIES))]
    return [c.layer.name, f"{macs:,}", *each, equal(c), f"{c.update:.1f}", f"{c.code_theirs:,}", f"{c.code_ours:,}"]


def equal(c: Counted) -> str:
    """The activity at which both need as many instructions: on the straight line between two activities that were counted."""
    below = [percent for percent in ACTIVITIES if c.ours[percent] <= c.theirs]
    if not below:
        return f"below {ACTIVITIES[-1]} %"
    if below[0] == ACTIVITIES[0]:
        return "always fewer"
    low, high = below[0], ACTIVITIES[ACTIVITIES.index(below[0]) - 1]
    share = (c.theirs - c.ours[low]) / (c.ours[high] - c.ours[low])
    return f"{low + share * (high - low):.0f} %"
