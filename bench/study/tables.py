"""The tables of one task, and those of differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from bench.study.comparisons import Comparison, compared
from bench.study.figures import CLAIMED_FROM, Result, learned, mean, of, polynomials, variants
from bench.study.nets import BALANCE, BASE, FIRST, LEARNED, POLYNOMIALS
from bench.study.one import PRICES


def table(results: Sequence[Result], task: str) -> Iterator[str]:
    """Accuracies of a task, what a sample costs, and what was learned.

    Args:
        results: of the whole study. task: which has one or more of them.
    """
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
    yield from _costs(results, task)
    for variant, what, says in LEARNED:
        ends = [f"layer {n} {', '.join(f'{v:.2f}' for v in own)}" for n, own in learned(results, task, variant, what).items()]
        if ends:
            yield f"{says} of '{variant}' at the end, one value for each seed: {'; '.join(ends)}."
            yield ""
    for name in POLYNOMIALS:
        if runs := of(results, task, name):
            yield f"How far polynomials of '{name}' came from 0.5 u for u in [-2, 2], at most, mean of the seeds: {_moved(runs)}."
            yield ""


def _moved(runs: Sequence[Result]) -> str:
    u = np.linspace(-2.0, 2.0, 401)

    def farthest(coefficients: Sequence[Sequence[float]]) -> float:
        return max(float(np.abs(np.polynomial.polynomial.polyval(u, c) - 0.5 * u).max()) for c in coefficients)

    layers = {path: mean([farthest(polynomials(r)[path]) for r in runs]).mean for path in polynomials(runs[0])}
    return "; ".join(f"layer {path} {value:.2f}" for path, value in layers.items())


def _costs(results: Sequence[Result], task: str) -> Iterator[str]:
    names = [name for name in variants(results, task) if any("cost 8" in r for r in of(results, task, name))]
    if not names:
        return
    yield (
        "What a test sample costs on the integers of 8 bits that were trained on: additions and products of synapses, membranes "
        "that change, instructions of neurons, and the span of the energy of all of these by a table of single operations "
        f"(`snn2hw estimate --target {PRICES}`), which compares networks and is that of no chip. Means over the seeds:"
    )
    yield ""
    yield "| neuron | additions | products | membranes | instructions | energy |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        costs = [r["cost 8"] for r in of(results, task, name) if "cost 8" in r]
        counts = (f"{mean([c[what] for c in costs]).mean:,.0f}" for what in ("additions", "products", "updates", "instructions"))
        least, most = (1e9 * mean([c[end] for c in costs]).mean for end in ("least", "most"))
        yield f"| {name} ({len(costs)}) | {' | '.join(counts)} | {least:,.0f} to {most:,.0f} nJ |"
    yield ""


def differences(results: Sequence[Result], tasks: Sequence[str], picture: Iterable[str]) -> Iterator[str]:
    """What is claimed, and the tables it is claimed of: every neuron against LIF, and its variants against a neuron.

    Args:
        results: of the whole study. tasks: the columns. picture: lines that show the first of the two tables.
    """
    every = compared(results, tasks)
    yield "## Differences"
    yield ""
    yield (
        "Differences of test accuracy in floats, in points, seed by seed, ± the standard error (seeds). The error is of the "
        "seeds and of the test samples, which all seeds share: the root of the sum of both squares, its degrees of freedom by "
        "Satterthwaite. A difference is claimed, "
        f"and **bold**, only where it exceeds {CLAIMED_FROM:g} standard errors and stays below a chance of 5 % after Holm's "
        "correction for all differences of its family and task, in both tables, that have an error. There are two families: "
        f"what the study was begun for ({', '.join(map(repr, FIRST))} among themselves), and all others. Of one seed "
        "there is no error."
    )
    yield ""
    yield from _claims(every)
    yield (
        "'at a bound' above: the largest share, over layers, steps and seeds, of membranes at an end of their range. 'learned "
        "widths': one surrogate width per layer and step, learned; 'balance': the positive-negative balance loss with weight "
        f"{BALANCE:g}; 'penalty 1': Recipe(range_penalty=1) in place of 0.1; 'bounded': P maps the state range into 7/8 of "
        "itself; 'negative v': negative spikes are worth v; 'full rate': dynamics learn as fast as weights, and nearly nothing "
        "holds coefficients at their start (dynamics_rate=1, coefficient_penalty=1e-4); 'rectangle': the surrogate that neurons "
        "come with, in place of a triangle."
    )
    yield ""
    yield f"### Against {BASE}"
    yield ""
    yield from _differences([c for c in every if c.base == BASE], tasks)
    yield from picture
    yield "### One thing changed"
    yield ""
    yield from _differences([c for c in every if c.base != BASE], tasks)


def _claims(comparisons: Sequence[Comparison]) -> Iterator[str]:
    tested = [c for c in comparisons if c.difference.n > 1]
    claims = [c for c in tested if c.claimed]
    end = ":" if claims else "."
    yield f"Of {len(comparisons)} differences {len(tested)} have an error, and {len(claims)} of them are claimed{end}"
    yield ""
    for pair in dict.fromkeys((c.name, c.base) for c in claims):
        own = [c for c in claims if (c.name, c.base) == pair]
        points = ", ".join(f"{c.difference.sure('+')} on {c.task} ({c.difference.n})" for c in own)
        yield f"* {pair[0]} against {pair[1]}: {points}"
    if claims:
        yield ""
        stay = sum(c.in_one_family for c in claims)
        yield f"With all differences of a task in one family, {stay} of the {len(claims)} would be claimed."
        yield ""


def _differences(comparisons: Sequence[Comparison], tasks: Sequence[str]) -> Iterator[str]:
    yield f"| neuron | against | {' | '.join(tasks)} |"
    yield "|---" * (2 + len(tasks)) + "|"
    for name in dict.fromkeys(c.name for c in comparisons):
        own = {c.task: c for c in comparisons if c.name == name}
        cells = [_cell(own[task]) if task in own else "" for task in tasks]
        yield f"| {name} | {next(iter(own.values())).base} | {' | '.join(cells)} |"
    yield ""


def _cell(comparison: Comparison) -> str:
    text = f"{comparison.difference.sure('+')} ({comparison.difference.n})"
    return f"**{text}**" if comparison.claimed else text
