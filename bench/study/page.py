"""What make study writes into docs/explanation/study.md: every number and every verdict in it is computed here.

Only what stands between two marks is written anew; what is around it, such as results of an earlier protocol, stays.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.study.figures import CLAIMED_FROM, Mean, Result, claimed, lost, mean, of, paired, variants, worst
from bench.study.nets import BALANCE, BITS, DRAWN, LEARNED, PLANS, TARGET, VARIANTS
from bench.study.one import COMPARED, WATCHED
from bench.study.plots import draw
from snn2hw.errors import DataError
from snn2hw.files.write import write_file

BARS = {("PTQ", 8): 0.5, ("QAT", 8): 0.2, ("QAT", 4): 1.0}  # points of accuracy that may be lost
BEGIN, END = "<!-- make study writes from here -->", "<!-- to here -->"
HEAD = "# Study: neurons that learn their dynamics, in floats and in integers"


def write(results: Sequence[Result], folder: Path, smoke: bool) -> Path:
    """Write the study's part of study.md and its plots into `folder`; returns the page's path.

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
    drawn = draw(results, folder / "study")
    lines = [before.rstrip(), "", BEGIN, "", *map(_filled, _lines(results, drawn, smoke)), END, "", after.lstrip()]
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
    """Prose in lines of 100 columns; tables, headings and pictures as they are."""
    if not text or text.startswith(("|", "#", "![")):
        return text
    indent = "  " if text.startswith("* ") else ""
    return textwrap.fill(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _lines(results: Sequence[Result], drawn: Sequence[str], smoke: bool) -> Iterator[str]:
    if smoke:
        yield "**A smoke test (`--quick`): a tenth of the epochs, one seed. Its numbers say nothing.**"
        yield ""
    hours, commits = sum(r["seconds"] for r in results) / 3600, _recorded(results, "commit")
    yield (
        f"{len(results)} trainings, each in floats and twice more on integers, {hours:.1f} hours of one core; torch: "
        f"{_recorded(results, 'torch')}; on commit {commits}. All neurons of a task share architecture, first weights, order "
        "of batches, budget and schedule. A tenth of the training samples is held back, and the epoch that is best on it "
        "counts; the test samples are seen once, at the end. ± is the standard error over the seeds, whose number is in "
        "brackets; where it is 1 there is none. Firing rates, and the share of membranes at a bound, are those of the first "
        f"{WATCHED} test samples, or of all where there are fewer."
    )
    yield ""
    yield "LNM and CF are neurons as we read the papers; networks are small, and no published number is reproduced."
    yield ""
    for task in PLANS:
        yield _described(results, task)
    yield ""
    yield from _verdicts(results)
    for task in _tasks(results):
        yield from _table(results, task)
    yield from _claims(results)
    yield from _pictures(drawn)


def _described(results: Sequence[Result], task: str) -> str:
    own, planned = [r for r in results if r["task"] == task], len(PLANS[task].variants) * PLANS[task].seeds
    if not own:
        return f"* **{task}**: none of the {planned} trainings of the plan was run."
    sizes = " / ".join(f"{own[0]['samples'][part]:,}" for part in ("train", "validation", "test"))
    left = f" {planned - len(own)} of {planned} trainings of the plan were not run." if len(own) < planned else ""
    layers, epochs = _recorded(own, "architecture"), _recorded(own, "epochs")
    return f"* **{task}**: architecture: {layers}; {sizes} samples; most epochs: {epochs}.{left}"


def _recorded(results: Sequence[Result], what: str) -> str:
    """What the results themselves say of how they were made, each value once."""
    return "; or ".join(dict.fromkeys(_said(r.get(what)) for r in results))


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} ({of_what})" for of_what, count in value.items())
    return "not recorded" if value is None else str(value)


def _verdicts(results: Sequence[Result]) -> Iterator[str]:
    yield "## In integers"
    yield ""
    yield (
        f"Target {TARGET}, 16-bit states; weights of 8 and of 4 bits; PTQ: as trained; QAT: trained on the integers after that, "
        "which are more epochs than the floats had. Points of accuracy lost:"
    )
    yield ""
    yield "| task | weights | | mean of all runs | largest mean of a neuron | target | |"
    yield "|---|---|---|---|---|---|---|"
    for task in _tasks(results):
        for how, bits in (("PTQ", 8), ("QAT", 8), ("PTQ", 4), ("QAT", 4)):
            bar = BARS.get((how, bits))
            total, (most, where) = lost(results, task, bits, how), worst(results, task, bits, how)
            held = "" if bar is None else _held(100 * total.mean, 100 * most, bar)
            limit = "" if bar is None else f"{bar:g}"
            yield f"| {task} | {bits} bits | {how} | {total.sure()} | {100 * most:.2f} ({where}) | {limit} | {held} |"
    yield ""
    compared, differing = (sum(r[f"{what} {bits}"] for r in results for bits in BITS) for what in ("compared", "differing"))
    yield (
        "The forward that was trained against the reference back end (executor), every spike, state and readout of the first "
        f"{COMPARED} test samples of all {2 * len(results)} models: **{differing:,} of {compared:,} integers differ**."
    )
    yield ""


def _held(average: float, most: float, bar: float) -> str:
    if most <= bar:
        return "met by every neuron"
    return "met by the mean of all" if average <= bar else "**not met**"


def _table(results: Sequence[Result], task: str) -> Iterator[str]:
    yield f"## {task}"
    yield ""
    yield "| neuron | parameters (of neurons) | firing rate | at a bound | float | PTQ 8 | QAT 8 | PTQ 4 | QAT 4 |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name in variants(results, task):
        runs = of(results, task, name)
        rate = mean([sum(r["rates"].values()) / len(r["rates"]) for r in runs])
        bound = max(max(r["at a bound"].values()) for r in runs)
        accuracies = " | ".join(mean([r[k] for r in runs]).sure() for k in ("float", "PTQ 8", "QAT 8", "PTQ 4", "QAT 4"))
        size = f"{runs[0]['parameters']:,} ({runs[0]['neuron parameters']})"
        yield f"| {name} ({len(runs)}) | {size} | {100 * rate.mean:.0f} % | {100 * bound:.1f} % | {accuracies} |"
    yield ""
    if learned := of(results, task, LEARNED):
        values = {path: [f"{r['negative'][path]:.2f}" for r in learned] for path in learned[0]["negative"]}
        ends = [f"layer {path} {', '.join(own)}" for path, own in values.items()]
        yield f"What negative spikes of '{LEARNED}' were worth at the end, one value for each seed: {'; '.join(ends)}."
        yield ""


def _claims(results: Sequence[Result]) -> Iterator[str]:
    yield "## One thing changed"
    yield ""
    yield (
        "Differences of test accuracy in floats, in points, seed by seed, ± the standard error (seeds); **bold** only where it "
        f"exceeds {CLAIMED_FROM:g} standard errors and stays below a chance of 5 % after Holm's correction for all differences "
        "of the column. Of one seed there is no error, and nothing is claimed."
    )
    yield ""
    tasks = _tasks(results)
    columns = {task: _column(results, task) for task in tasks}
    yield "| neuron | against | " + " | ".join(tasks) + " |"
    yield "|---" * (2 + len(tasks)) + "|"
    for name in dict.fromkeys(name for column in columns.values() for name in column):
        cells = [columns[task].get(name, "") for task in tasks]
        yield f"| {name} | {VARIANTS[name].base} | {' | '.join(cells)} |"
    yield ""
    yield (
        "'at a bound' above: the largest share, over layers, steps and seeds, of membranes at an end of their range. 'learned "
        "widths': one surrogate width per layer and step, learned; 'balance': the positive-negative balance loss with weight "
        f"{BALANCE:g}; 'penalty 1': Recipe(range_penalty=1) in place of 0.1; 'bounded': P maps the state range into 7/8 of "
        "itself; 'negative v': negative spikes are worth v."
    )
    yield ""


def _column(results: Sequence[Result], task: str) -> dict[str, str]:
    """Cells of the table of differences, by variant."""
    bases = {n: VARIANTS[n].base for n in variants(results, task)}
    found = {n: paired(results, task, n, "float", base) for n, base in bases.items() if n != base}
    known: dict[str, Mean] = {name: d for name, d in found.items() if d is not None}
    cells = {name: f"{d.sure('+')} ({d.n})" for name, d in known.items()}
    bold = claimed(list(known.values()))
    return {name: f"**{cell}**" if told else cell for (name, cell), told in zip(cells.items(), bold, strict=True)}


def _pictures(drawn: Sequence[str]) -> Iterator[str]:
    says = {
        "polynomials.svg": f"The polynomials of {DRAWN}, every layer:",
        "widths.svg": "Surrogate widths, means over the seeds; the bands are the least and the largest:",
    }
    if drawn:
        yield "## What was learned"
        yield ""
    for name in drawn:
        yield says[name]
        yield ""
        yield f"![{says[name].split(',')[0]}](study/{name})"
        yield ""
