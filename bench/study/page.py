"""docs/explanation/study.md from the results of all runs: every number and every verdict in it is computed here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from bench.study.figures import CLAIMED_FROM, Result, against_base, is_claimed, lost, mean, of, worst
from bench.study.nets import BALANCE, BASE, DRAWN, PLANS, TARGET, VARIANTS
from bench.study.plots import draw
from snn2hw.files.write import write_file

BARS = {("PTQ", 8): 0.5, ("QAT", 8): 0.2, ("QAT", 4): 1.0}  # points of accuracy that may be lost


def write(results: Sequence[Result], folder: Path, smoke: bool) -> Path:
    """Write study.md and its plots into `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = draw(results, folder / "study")
    page = folder / "study.md"
    write_file(page, ("\n".join(map(_filled, _lines(results, drawn, smoke))) + "\n").encode(), force=True)
    return page


def _filled(text: str) -> str:
    """Prose in lines of 100 columns; tables, headings and pictures as they are."""
    if not text or text.startswith(("|", "#", "![", "\n")):
        return text
    indent = "  " if text.startswith("* ") else ""
    return textwrap.fill(text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _lines(results: Sequence[Result], drawn: Sequence[str], smoke: bool) -> Iterator[str]:
    seeds = len({r["seed"] for r in results})
    yield "# Study: neurons that learn their dynamics, in floats and in integers"
    yield ""
    if smoke:
        yield "**A smoke test (`--quick`): a tenth of the epochs, one seed. Its numbers say nothing.**\n"
    hours = sum(r["seconds"] for r in results) / 3600
    yield (
        f"Written by `make study`: {len(results)} trainings ({len(VARIANTS)} neurons, {len(PLANS)} tasks, {seeds} seeds), each "
        f"in floats and twice more on integers, {hours:.1f} hours of one core; torch {torch.__version__}; "
        f"{_commits(results)}. The tasks are made of scikit-learn's 1,797 real scans of digits "
        "([data.md](../how-to/data.md)), 1,437 for "
        "training, 360 for testing: one test sample is 0.28 points. All neurons of a task share architecture, first weights, "
        "order of batches, budget and schedule, and the last epoch counts. Epochs, learning rates and the weight of the range "
        "penalty were set by first looks at a few of these very cases, of one or two seeds, test samples included: absolute "
        "accuracies are to be read with that in mind. "
        "± is the standard deviation over the seeds, in the first table over all runs."
    )
    yield ""
    yield "LNM and CF are neurons as we read the papers; networks and tasks are small, and no published number is reproduced."
    yield ""
    for task, plan in PLANS.items():
        again = ", ".join(f"{recipe.epochs} on integers with weights of {bits} bits" for bits, recipe in plan.again.items())
        yield f"* **{task}**: {plan.says}; {plan.recipe.epochs} epochs in floats, then {again}."
    yield ""
    yield from _verdicts(results)
    for task in PLANS:
        yield from _table(results, task)
    yield from _claims(results)
    yield from _pictures(drawn)


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
    for task in PLANS:
        for how, bits in (("PTQ", 8), ("QAT", 8), ("PTQ", 4), ("QAT", 4)):
            bar = BARS.get((how, bits))
            total, (most, where) = lost(results, task, bits, how), worst(results, task, bits, how)
            held = "" if bar is None else _held(100 * total.mean, 100 * most, bar)
            limit = "" if bar is None else f"{bar:g}"
            yield f"| {task} | {bits} bits | {how} | {total.text()} | {100 * most:.2f} ({where}) | {limit} | {held} |"
    yield ""
    compared, differing = (sum(r[f"{what} {bits}"] for r in results for bits in (8, 4)) for what in ("compared", "differing"))
    yield (
        "The forward that was trained against the reference back end (executor), every spike, state and readout of all test "
        f"samples of all {2 * len(results)} models: **{differing:,} of {compared:,} integers differ**."
    )
    yield ""


def _commits(results: Sequence[Result]) -> str:
    """Of all, or where there are several which neurons were trained on which."""
    found: dict[str, list[str]] = {}
    for name in VARIANTS:
        for commit in sorted({str(r["commit"]) for r in results if r["variant"] == name}):
            found.setdefault(commit, []).append(name)
    if len(found) == 1:
        return f"commit {next(iter(found))}"
    return "; ".join(f"on commit {commit}: {', '.join(f'*{n}*' for n in names)}" for commit, names in found.items())


def _held(average: float, most: float, bar: float) -> str:
    if most <= bar:
        return "met by every neuron"
    return "met by the mean of all" if average <= bar else "**not met**"


def _table(results: Sequence[Result], task: str) -> Iterator[str]:
    yield f"## {task}"
    yield ""
    yield "| neuron | parameters (of neurons) | firing rate | float | PTQ 8 | QAT 8 | PTQ 4 | QAT 4 |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in VARIANTS:
        runs = of(results, task, name)
        rate = mean([sum(r["rates"].values()) / len(r["rates"]) for r in runs])
        accuracies = " | ".join(mean([r[k] for r in runs]).text() for k in ("float", "PTQ 8", "QAT 8", "PTQ 4", "QAT 4"))
        size = f"{runs[0]['parameters']:,} ({runs[0]['neuron parameters']})"
        yield f"| {name} | {size} | {100 * rate.mean:.0f} % | {accuracies} |"
    yield ""


def _claims(results: Sequence[Result]) -> Iterator[str]:
    yield f"## Against {BASE}, and one thing switched on"
    yield ""
    yield (
        "Differences of test accuracy in floats, in points, seed by seed, ± the standard error; **bold** only where it exceeds "
        f"{CLAIMED_FROM:g} standard errors. With {len(VARIANTS)} neurons and {len(PLANS)} tasks some will by chance."
    )
    yield ""
    yield "| neuron | against | " + " | ".join(PLANS) + " |"
    yield "|---" * (2 + len(PLANS)) + "|"
    for name in VARIANTS:
        if name == BASE:
            continue
        base = name.split(",")[0] if "," in name else BASE
        cells = []
        for task in PLANS:
            d = against_base(results, task, name, "float", base)
            cell = f"{100 * d.mean:+.2f} ± {100 * d.error:.2f}"
            cells.append(f"**{cell}**" if is_claimed(d) else cell)
        yield f"| {name} | {base} | {' | '.join(cells)} |"
    yield ""
    yield (
        "'learned widths': one surrogate width per layer and step, learned, against a fixed width of 1; 'balance': the "
        f"positive-negative balance loss with weight {BALANCE:g}."
    )
    yield ""


def _pictures(drawn: Sequence[str]) -> Iterator[str]:
    polynomials, widths = drawn
    yield "## What was learned"
    yield ""
    yield f"The polynomials of {DRAWN}, every layer:"
    yield ""
    yield f"![learned polynomials](study/{polynomials})"
    yield ""
    yield "Surrogate widths, means over the seeds; the bands are the least and the largest:"
    yield ""
    yield f"![surrogate widths by step](study/{widths})"
