"""What make study writes into docs/explanation/study.md: every number and every verdict in it is computed here.

Only what stands between two marks is written anew; what is around it, such as results of an earlier protocol, stays.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from bench.study.figures import CLAIMED_FROM, Mean, Result, claimed, lost, mean, of, paired, variants, worst
from bench.study.nets import BALANCE, BITS, DRAWN, PLANS, TARGET, base_of
from bench.study.plots import draw
from snn2hw.files.write import write_file

BARS = {("PTQ", 8): 0.5, ("QAT", 8): 0.2, ("QAT", 4): 1.0}  # points of accuracy that may be lost
BEGIN, END = "<!-- make study writes from here -->", "<!-- to here -->"
HEAD = "# Study: neurons that learn their dynamics, in floats and in integers"


def write(results: Sequence[Result], folder: Path, smoke: bool) -> Path:
    """Write the study's part of study.md and its plots into `folder`; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(results, folder / "study")
    page = folder / "study.md"
    before, after = _around(page)
    lines = [before.rstrip(), "", BEGIN, "", *map(_filled, _lines(results, drawn, smoke)), END, "", after.lstrip()]
    write_file(page, ("\n".join(lines).rstrip() + "\n").encode(), force=True)
    return page


def _around(page: Path) -> tuple[str, str]:
    """What stands before and behind the marks."""
    if not page.is_file():
        return HEAD, ""
    before, begins, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    return (before, rest.partition(END)[2]) if begins else (HEAD, "")


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
    hours, commits = sum(r["seconds"] for r in results) / 3600, sorted({str(r["commit"]) for r in results})
    yield (
        f"{len(results)} trainings, each in floats and twice more on integers, {hours:.1f} hours of one core; torch "
        f"{torch.__version__}; on commit {', '.join(commits)}. All neurons of a task share architecture, first weights, order "
        "of batches, budget and schedule. A tenth of the training samples is held back, and the epoch that is best on it "
        "counts; the test samples are seen once, at the end. ± is the standard error over the seeds, whose number is in "
        "brackets; where it is 1 there is none."
    )
    yield ""
    yield "LNM and CF are neurons as we read the papers; networks are small, and no published number is reproduced."
    yield ""
    for task in _tasks(results):
        yield _described(results, task)
    yield ""
    yield from _verdicts(results)
    for task in _tasks(results):
        yield from _table(results, task)
    yield from _claims(results)
    yield from _pictures(drawn)


def _described(results: Sequence[Result], task: str) -> str:
    plan, first = PLANS[task], next(r for r in results if r["task"] == task)
    again = ", ".join(f"{recipe.epochs} on integers with weights of {bits} bits" for bits, recipe in plan.again.items())
    sizes = " / ".join(f"{first['samples'][part]:,}" for part in ("train", "validation", "test"))
    missing = len(plan.variants) * plan.seeds - sum(r["task"] == task for r in results)
    left = f" {missing} of {len(plan.variants) * plan.seeds} trainings of the plan were not run." if missing else ""
    return f"* **{task}**: {plan.says}; {sizes} samples; up to {plan.recipe.epochs} epochs in floats, then {again}.{left}"


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
        "The forward that was trained against the reference back end (executor), every spike, state and readout of 100 test "
        f"samples of all {2 * len(results)} models: **{differing:,} of {compared:,} integers differ**."
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
        yield f"| {name} | {base_of(name)} | {' | '.join(cells)} |"
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
    found = {n: paired(results, task, n, "float", base_of(n)) for n in variants(results, task) if n != base_of(n)}
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
