"""What was counted, as the tables of the page docs/how-to/c.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cmsis.layers import ACTIVITIES, LIKELY, Bytes, Counted, Ours, Theirs
from bench.cmsis.steps import Stepwise


def instructions(found: Sequence[Counted]) -> list[str]:
    """Lines of Markdown: of each layer, and of each width of its weights."""
    active = [f"snn2hw, {percent} % active" for percent in ACTIVITIES]
    parts = ["a neuron's update", f"a synaptic operation, {LIKELY} % active"]
    head = ["layer", "weights", "MACs", "CMSIS-NN", *active, "equal at", *parts]
    return _table(head, 2, [row for c in found for row in _instructions(c)])


def _instructions(c: Counted) -> Iterator[list[str]]:
    macs = c.layer.macs
    for bits, ours in c.ours.items():
        each = [f"{n / macs:.2f}" for n in (c.theirs.instructions, *(ours.instructions[percent] for percent in ACTIVITIES))]
        parts = [f"{ours.update:.1f}", f"{ours.operation:.2f}"]
        yield [c.layer.name, f"{bits} bits", f"{macs:,}", *each, equal(c.theirs, ours), *parts]


def equal(theirs: Theirs, ours: Ours) -> str:
    """The activity at which both need as many instructions: on the straight line between two activities that were counted."""
    below = [percent for percent in ACTIVITIES if ours.instructions[percent] <= theirs.instructions]
    if not below:
        return f"below {ACTIVITIES[-1]} %"
    if below[0] == ACTIVITIES[0]:
        return "always fewer"
    low, high = below[0], ACTIVITIES[ACTIVITIES.index(below[0]) - 1]
    share = (theirs.instructions - ours.instructions[low]) / (ours.instructions[high] - ours.instructions[low])
    return f"{low + share * (high - low):.0f} %"


def room(found: Sequence[Counted]) -> list[str]:
    """Lines of Markdown: bytes of CMSIS-NN, and of ours with each width of weights."""
    head = ["layer", "of", "input and output", "states", "works in", "stack", "RAM", "weights", "code", "flash"]
    rows = []
    for c in found:
        rows.append(_room(c.layer.name, "CMSIS-NN", c.theirs.bytes))
        rows += [_room(c.layer.name, f"snn2hw, {bits} bits", ours.bytes) for bits, ours in c.ours.items()]
    return _table(head, 2, rows)


def _room(layer: str, of: str, b: Bytes) -> list[str]:
    sizes = (b.activations, b.states, b.working, b.stack, b.ram, b.weights, b.code, b.flash)
    return [layer, of, *(f"{n:,}" for n in sizes)]


def steps(found: Sequence[Stepwise]) -> list[str]:
    """Lines of Markdown: whole networks, a sample a call and a step a call."""
    called = ["`snn_run`, a step of T", "`snn_step`", "`snn_start`"]
    head = ["network", "input", "T", *called, "RAM of `snn_run`", "of `snn_step`", "flash of `snn_run`", "of `snn_step`"]
    rows = []
    for s in found:
        entering = "the same at every step" if s.still else "another at every step"
        counted = (s.run.instructions / s.steps, s.step, s.start, s.run.ram, s.ram, s.run.flash, s.flash)
        rows.append([s.network, entering, str(s.steps), *(f"{n:,.0f}" for n in counted)])
    return _table(head, 2, rows)


def _table(head: list[str], words: int, rows: list[list[str]]) -> list[str]:
    """Lines of Markdown; the first columns hold words, the others numbers."""
    under = ["---"] * words + ["---:"] * (len(head) - words)
    return [f"| {' | '.join(row)} |" for row in (head, under, *rows)]
