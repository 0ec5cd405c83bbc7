"""What make study writes into docs/explanation/study.md: every number and every verdict in it is computed here.

Only what stands between two marks is written anew; what is around it, such as results of an earlier protocol, stays.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.study.figures import Result, lost, lost_in_all, of, worst
from bench.study.nets import BASE, BITS, DRAWN, PLANS
from bench.study.plots import DIFFERENCES, draw
from bench.study.processors import split
from bench.study.processors import table as of_processors
from bench.study.tables import differences, table
from snn2hw.errors import DataError
from snn2hw.files.write import write_file

BARS = {("PTQ", 8): 0.3, ("QAT", 8): 0.2}  # points of accuracy that all runs together may lose
BEGIN, END = "<!-- make study writes from here -->", "<!-- to here -->"
# Files of pictures, and what stands above them.
AGAINST = {
    DIFFERENCES: f"Differences to {BASE}, with their standard errors; what is claimed is filled. Every task has its own scale:"
}
LEARNED = {
    "polynomials.svg": f"The polynomials of {DRAWN}, every layer:",
    "numbers.svg": "Amplitudes of negative spikes and thresholds, every layer and seed:",
    "widths.svg": "Surrogate widths, means over the seeds; the bands are the least and the largest:",
}
HEAD = "# Study: neurons that learn their dynamics, in floats and in integers"


def write(results: Sequence[Result], folder: Path, smoke: bool) -> Path:
    """Write the study's part of study.md and its plots into `folder`; returns the page's path.

    Args:
        results: of all trainings, those that were done on several processors as often.

    Raises:
        DataError: no results, or a page without the marks between which they belong; nothing is written then.
    """
    page = folder / "study.md"
    if not results:
        raise DataError(
            "the study has no results to write of",
            where=str(page),
            got="no training that is kept",
            expected="one or more",
            do="train some: python -m bench.study.run, without --page",
        )
    before, after = _around(page)
    folder.mkdir(parents=True, exist_ok=True)
    counted, again = split(results)
    drawn = draw(counted, folder / "study")
    lines = [before.rstrip(), "", BEGIN, "", *map(_filled, _lines(counted, again, drawn, smoke)), END, "", after.lstrip()]
    write_file(page, ("\n".join(lines).rstrip() + "\n").encode(), force=True)
    return page


def _around(page: Path) -> tuple[str, str]:
    """What stands before and behind the marks."""
    if not page.is_file():
        return HEAD, ""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not ends or text.count(BEGIN) + text.count(END) != 2:
        raise DataError(
            "a page does not say where the results of the study belong",
            where=str(page),
            got=f"{text.count(BEGIN)} and {text.count(END)} of the two marks, or in another order",
            expected=f"{BEGIN} and behind it {END}, once each",
            do="put both marks around what is to be written anew, or move the page away",
        )
    return before, after


def _tasks(results: Sequence[Result]) -> list[str]:
    return [task for task in PLANS if any(r["task"] == task for r in results)]


def _filled(text: str) -> str:
    """Prose in lines of 100 columns, none of which ends between a number and its error; tables, headings and pictures as they
    are."""
    if not text or text.startswith(("|", "#", "![")):
        return text
    indent, kept = "  " if text.startswith("* ") else "", text.replace(" ± ", "\0±\0")  # \0 is no place to end a line
    lines = textwrap.fill(kept, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def _lines(results: Sequence[Result], again: Sequence[Result], drawn: Sequence[str], smoke: bool) -> Iterator[str]:
    if smoke:
        yield "**A smoke test (`--quick`): a tenth of the epochs, one seed. Its numbers say nothing.**"
        yield ""
    hours = sum(r["seconds"] for r in results) / 3600
    torch, commits, processors = (_recorded(results, what) for what in ("torch", "commit", "processor"))
    yield (
        f"{len(results)} trainings, each in floats and twice more on integers, {hours:.1f} hours of one core; torch: "
        f"{torch}; on commit {commits}; processor: {processors}. All neurons of a task share architecture, first weights, order "
        "of batches, budget and schedule. Some training samples are held back, and the epoch that is best on them counts; "
        "the test samples are seen when a training has ended, by its floats and by its integers, and nothing is chosen by "
        "them. ± is the standard error over the seeds, whose number is in brackets; "
        "where it is 1 there is none."
    )
    yield ""
    yield "LNM and CF are neurons as we read the papers; networks are small, and no published number is reproduced."
    yield ""
    for task in PLANS:
        yield _described(results, task)
    yield ""
    yield from _verdicts(results)
    for task in _tasks(results):
        yield from table(results, task)
    yield from differences(results, _tasks(results), _pictures(drawn, AGAINST))
    yield from of_processors(results, again)
    if set(drawn) & set(LEARNED):
        yield "## What was learned"
        yield ""
        yield from _pictures(drawn, LEARNED)


def _described(results: Sequence[Result], task: str) -> str:
    own, planned = [r for r in results if r["task"] == task], len(PLANS[task].variants) * PLANS[task].seeds
    if not own:
        return f"* **{task}**: none of the {planned} trainings of the plan was run."
    sizes = " / ".join(f"{own[0]['samples'][part]:,}" for part in ("train", "validation", "test"))
    never = [name for name in PLANS[task].variants if not of(own, task, name)]
    left = f" {planned - len(own)} of {planned} trainings of the plan were not run" if len(own) < planned else ""
    left += f", none of {', '.join(map(repr, never))}." if never else "." * bool(left)
    left += _processors(own)
    layers, epochs, seen = (_recorded(own, what) for what in ("architecture", "epochs", "looked at"))
    return (
        f"* **{task}**: architecture: {layers}; {sizes} samples (training / held back / test); most epochs: {epochs}; test "
        f"samples looked at: {seen}.{left}"
    )


def _processors(results: Sequence[Result]) -> str:
    """How many trainings were done on which processor, where it was not the same for all."""
    counts = Counter(str(r.get("processor", "one that is not recorded")) for r in results)
    if len(counts) < 2:
        return ""
    return f" Trained on {', '.join(f'{name}: {count}' for name, count in counts.most_common())}."


def _recorded(results: Sequence[Result], what: str) -> str:
    """What the results themselves say of how they were made, each value once, and how many of them say nothing."""
    values = [r[what] for r in results if r.get(what) is not None]
    silent = len(results) - len(values)
    if not values:
        return "not recorded"
    return " or ".join(dict.fromkeys(map(_said, values))) + (f", not recorded for {silent} of {len(results)}" if silent else "")


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} ({of_what})" for of_what, count in value.items())
    return str(value)


def _verdicts(results: Sequence[Result]) -> Iterator[str]:
    yield "## In integers"
    yield ""
    yield (
        f"Target: {_recorded(results, 'target')}; states of 16 bits; weights of 8 and of 4 bits; PTQ: as trained; QAT: "
        "trained on the integers after that, which are more epochs than the floats had. Points of accuracy lost:"
    )
    yield ""
    ways = [("PTQ", 8), ("QAT", 8), ("PTQ", 4), ("QAT", 4)]
    yield "| task (seeds) | weights | | mean of all neurons | largest mean of a neuron |"
    yield "|---|---|---|---|---|"
    for task in _tasks(results):
        for how, bits in ways:
            total, (most, where) = lost(results, task, bits, how), worst(results, task, bits, how)
            yield f"| {task} ({total.n}) | {bits} bits | {how} | {total.sure()} | {100 * most:.2f} ({where}) |"
    yield ""
    yield "| all runs of all tasks | points lost | target | |"
    yield "|---|---|---|---|"
    for how, bits in ways:
        points, bar = round(100 * lost_in_all(results, bits, how), 6), BARS.get((how, bits))
        verdict = " | " if bar is None else f"at most {bar:g} | {'met' if points <= bar else '**not met**'}"
        yield f"| {how}, {bits} bits | {points:.2f} | {verdict} |"
    yield ""
    compared, differing = (sum(r[f"{what} {bits}"] for r in results for bits in BITS) for what in ("compared", "differing"))
    yield (
        "The forward that was trained against the reference back end (executor), every spike, state and readout of the first "
        f"test samples of all {2 * len(results):,} models: **{differing:,} of {compared:,} integers differ**."
    )
    yield ""


def _pictures(drawn: Sequence[str], says: Mapping[str, str]) -> Iterator[str]:
    for name in (name for name in drawn if name in says):
        yield says[name]
        yield ""
        yield f"![{says[name].split(',')[0]}](study/{name})"
        yield ""
