"""The tables of one task, and those of differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.study.figures import CLAIMED_FROM, Mean, Result, claimed, mean, of, paired, variants
from bench.study.nets import BALANCE, BASE, LEARNED, VARIANTS
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
        learned = [r for r in of(results, task, variant) if r.get(what)]
        if learned:
            values = {path: [f"{r[what][path]:.2f}" for r in learned] for path in learned[0][what]}
            ends = [f"layer {path} {', '.join(own)}" for path, own in values.items()]
            yield f"{says} of '{variant}' at the end, one value for each seed: {'; '.join(ends)}."
            yield ""


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


def claims_are() -> Iterator[str]:
    """When a difference is claimed, and what the words in the names of neurons mean."""
    yield "## Differences"
    yield ""
    yield (
        "Differences of test accuracy in floats, in points, seed by seed, ± the standard error (seeds); **bold** only where it "
        f"exceeds {CLAIMED_FROM:g} standard errors and stays below a chance of 5 % after Holm's correction for all differences "
        "of the column. Of one seed there is no error, and nothing is claimed."
    )
    yield ""
    yield (
        "'at a bound' above: the largest share, over layers, steps and seeds, of membranes at an end of their range. 'learned "
        "widths': one surrogate width per layer and step, learned; 'balance': the positive-negative balance loss with weight "
        f"{BALANCE:g}; 'penalty 1': Recipe(range_penalty=1) in place of 0.1; 'bounded': P maps the state range into 7/8 of "
        "itself; 'negative v': negative spikes are worth v."
    )
    yield ""


def against_base(results: Sequence[Result], tasks: Sequence[str]) -> Iterator[str]:
    """Every neuron against LIF.

    Args:
        results: of the whole study. tasks: its columns.
    """
    yield f"### Against {BASE}"
    yield ""
    columns = {task: _column(results, task, dict.fromkeys(set(variants(results, task)) - {BASE}, BASE)) for task in tasks}
    yield from _differences(columns, {})


def against_another(results: Sequence[Result], tasks: Sequence[str]) -> Iterator[str]:
    """Variants of a neuron against that neuron.

    Args:
        results: of the whole study. tasks: its columns.
    """
    yield "### One thing changed"
    yield ""
    bases = {name: variant.base for name, variant in VARIANTS.items() if variant.base != BASE}
    columns = {task: _column(results, task, {n: bases[n] for n in variants(results, task) if n in bases}) for task in tasks}
    yield from _differences(columns, bases)


def _differences(columns: Mapping[str, Mapping[str, str]], bases: Mapping[str, str]) -> Iterator[str]:
    yield f"| neuron |{' against |' if bases else ''} {' | '.join(columns)} |"
    yield "|---" * (1 + bool(bases) + len(columns)) + "|"
    for name in VARIANTS:
        cells = [column.get(name, "") for column in columns.values()]
        if any(cells):
            yield f"| {name} |{f' {bases[name]} |' if bases else ''} {' | '.join(cells)} |"
    yield ""


def _column(results: Sequence[Result], task: str, bases: Mapping[str, str]) -> dict[str, str]:
    """Cells of a table of differences, by variant; `bases`: what each is compared with."""
    found = {n: paired(results, task, n, "float", base) for n, base in bases.items()}
    known: dict[str, Mean] = {name: d for name, d in found.items() if d is not None}
    cells = {name: f"{d.sure('+')} ({d.n})" for name, d in known.items()}
    bold = claimed(list(known.values()))
    return {name: f"**{cell}**" if told else cell for (name, cell), told in zip(cells.items(), bold, strict=True)}
