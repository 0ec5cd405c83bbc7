"""The tables of docs/how-to/custom.md from the results of a task; every number in them is computed here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.custom.nets import BASE, PLANS, TARGET, VARIANTS
from bench.study.figures import Result, against_base, is_claimed, mean, of

ACCURACIES = ("float", "PTQ", "QAT")


def lines(results: Mapping[str, Any]) -> Iterator[str]:
    """What one task's part of the page says, with its table."""
    runs: Sequence[Result] = results["runs"]
    task, seeds = str(runs[0]["task"]), len({r["seed"] for r in runs})
    plan, samples = PLANS[task], runs[0]["samples"]
    if any(r["share"] != 1 for r in runs):
        yield "**A smoke test with a part of the epochs: its numbers say nothing.**"
        yield ""
    yield from _wrapped(
        f"`{results['command']}`: {plan.says}; every decay starts at {plan.decay:g}; "
        f"{plan.recipe.epochs} epochs in floats at a learning rate of {plan.recipe.learning_rate:g}, then "
        f"{plan.again.epochs} on integers at {plan.again.learning_rate:g}; "
        f"`range_penalty` {plan.recipe.range_penalty:g}, which only the LNM has; {samples['train']:,} samples to train, "
        f"{samples['test']:,} to test (one is {100 / samples['test']:.2f} points); {seeds} seeds. "
        f"Target {TARGET}, 16-bit states, 8-bit weights. Accuracy in %, mean ± standard deviation over the seeds; "
        "training: wall time in floats + on integers."
    )
    yield ""
    yield f"| neuron | parameters (of neurons) | firing rate | float | PTQ | QAT | float, against {BASE} | training |"
    yield "|---" * 8 + "|"
    for name in VARIANTS:
        rows = of(runs, task, name)
        if rows:
            yield _row(runs, task, name, rows)
    yield ""
    yield from _wrapped(_equal(runs))
    yield ""
    yield from _wrapped(
        f"{sum(r['seconds'] for r in runs) / 60:.0f} minutes on one thread in all: {results['machine']['processor']}, "
        f"{results['machine']['software']}, others at work beside; commit {results['commit']}."
    )


def _row(runs: Sequence[Result], task: str, name: str, rows: Sequence[Result]) -> str:
    rate = mean([sum(r["rates"].values()) / len(r["rates"]) for r in rows])
    accuracies = " | ".join(mean([r[k] for r in rows]).text() for k in ACCURACIES)
    size = f"{rows[0]['parameters']:,} ({rows[0]['neuron parameters']:,})"
    against = ""
    if name != BASE and of(runs, task, BASE):
        d = against_base(runs, task, name, "float", BASE)
        against = f"{100 * d.mean:+.2f} ± {100 * d.error:.2f}"
        against = f"**{against}**" if is_claimed(d) else against
    seconds = f"{mean([r['float seconds'] for r in rows]).mean:.0f} + {mean([r['QAT seconds'] for r in rows]).mean:.0f} s"
    return f"| {name} | {size} | {100 * rate.mean:.0f} % | {accuracies} | {against} | {seconds} |"


def _equal(runs: Sequence[Result]) -> str:
    """How many integers were compared with the reference, by whom, and how many differ."""
    ways = sorted({w.removeprefix("PTQ, ").removeprefix("QAT, ") for r in runs for w in r["compared"]})
    compared = sum(n for r in runs for n in r["compared"].values())
    different = sum(n for r in runs for n in r["different"].values())
    return (
        f"Every spike, state and readout of all test samples, of both compiled models of all {len(runs)} trainings, against the "
        f"reference: **{different:,} of {compared:,} integers differ** ({', '.join(ways)}). "
        f"Points lost against floats, the most of any neuron: {_lost(runs, 'PTQ')}, {_lost(runs, 'QAT')}. "
        f"Differences are seed by seed, ± the standard error; bold beyond 2 standard errors."
    )


def _lost(runs: Sequence[Result], how: str) -> str:
    """The neuron that loses most in integers, in the mean over the seeds."""
    task, names = str(runs[0]["task"]), {r["variant"]: None for r in runs}
    losses = {name: mean([r["float"] - r[how] for r in of(runs, task, name)]) for name in names}
    name = max(losses, key=lambda n: losses[n].mean)
    return f"{how} {100 * losses[name].mean:.2f} ± {100 * losses[name].error:.2f} ({name})"


def _wrapped(text: str, width: int = 98) -> Iterator[str]:
    yield from textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
