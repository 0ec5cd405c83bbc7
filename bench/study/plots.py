"""Every neuron against LIF; and what was learned: the polynomials, amplitudes and thresholds of every layer, and the surrogates'
widths at every step."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bench.pictures import STYLE
from bench.study.comparisons import Comparison, compared
from bench.study.figures import Result, learned, of, polynomials
from bench.study.nets import BASE, DRAWN, LEARNED, PLANS, VARIANTS, WIDTHS
from snn2hw import nn
from snn2hw.files.write import write_file

REACH, ACROSS = 4.0, 4
DIFFERENCES = "differences.svg"


def draw(results: Sequence[Result], folder: Path) -> list[str]:
    """Write the plots as SVG; returns their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [task for task in PLANS if of(results, task, DRAWN)]
    widths = [task for task in PLANS if all(of(results, task, v) for v in WIDTHS)]
    against = [c for c in compared(results, list(PLANS)) if c.base == BASE]
    with matplotlib.rc_context(STYLE):
        drawn = [_differences(against, folder / DIFFERENCES)] if against else []
        drawn += [_polynomials(results, tasks, folder / "polynomials.svg")] if tasks else []
        drawn += [_numbers(results, folder / "numbers.svg")] if any(_ends(results, v, what) for v, what, _ in LEARNED) else []
        return drawn + ([_widths(results, widths, folder / "widths.svg")] if widths else [])


def _differences(against: Sequence[Comparison], path: Path) -> str:
    """A panel for each task, `ACROSS` in a row, with one scale of its own; a row for each neuron, whether or not it was run."""
    names, tasks = list(dict.fromkeys(c.name for c in against)), list(dict.fromkeys(c.task for c in against))
    names.sort(key=list(VARIANTS).index)
    down = -(-len(tasks) // ACROSS)
    figure = Figure(figsize=(2.6 * ACROSS + 2, (0.17 * len(names) + 0.8) * down), layout="constrained")
    axes = figure.subplots(down, ACROSS, sharey=True, squeeze=False)
    for panel, task in zip(axes.flat, tasks, strict=False):
        panel.axvline(0.0, ls="--", color="0.6")
        for claimed, colour, inside in ((True, "C0", "C0"), (False, "0.6", "white")):
            shown = [c for c in against if c.task == task and c.claimed == claimed]
            points, errors = ([100 * getattr(c.difference, what) for c in shown] for what in ("mean", "error"))
            panel.errorbar(points, [names.index(c.name) for c in shown], xerr=errors, fmt="o", ms=4, color=colour, mfc=inside)
        panel.set_title(task, fontsize=9)
        panel.set_xlabel(f"points against {BASE}")
    for row in axes:
        row[0].set_yticks(range(len(names)), names, fontsize=7)
        row[0].set_ylim(len(names) - 0.5, -0.5)
    for empty in axes.flat[len(tasks) :]:
        empty.axis("off")
    return _saved(figure, path)


def _polynomials(results: Sequence[Result], tasks: Sequence[str], path: Path) -> str:
    """A panel for each layer, task after task, `ACROSS` in a row."""
    shown = [(task, layer) for task in tasks for layer in polynomials(of(results, task, DRAWN)[0])]
    down = -(-len(shown) // ACROSS)
    figure = Figure(figsize=(3 * ACROSS, 2.6 * down), layout="constrained")
    axes = figure.subplots(down, ACROSS, sharex=True, sharey=True, squeeze=False)
    u = np.linspace(-REACH, REACH, 201)
    for panel, (task, layer) in zip(axes.flat, shown, strict=False):
        panel.plot(u, 0.5 * u, "--", color="0.6", label="where it started (LIF, 0.5 u)")
        for n, r in enumerate(of(results, task, DRAWN)):
            values = np.polynomial.polynomial.polyval(u, polynomials(r)[layer][0])
            panel.plot(u, values, color="C0", alpha=0.7, label=None if n else "learned, one line per seed")
        panel.set_title(f"{task}, layer {layer}", fontsize=8)
        panel.set_xlabel("u")
    for row in axes:
        row[0].set_ylabel("P(u)")
    for empty in axes.flat[len(shown) :]:
        empty.axis("off")
    axes[0][0].legend(fontsize=7)
    return _saved(figure, path)


def _numbers(results: Sequence[Result], path: Path) -> str:
    """A panel for each variant that learns amplitudes or thresholds, in it a column for each layer, a point for each seed."""
    figure = Figure(figsize=(4.5 * len(LEARNED), 4.2), layout="constrained")
    axes = figure.subplots(1, len(LEARNED), squeeze=False)
    for panel, (variant, what, _) in zip(axes[0], LEARNED, strict=True):
        columns = _ends(results, variant, what)
        neuron: Any = VARIANTS[variant].make(nn.Triangle())
        start = neuron.negative_amplitude if what == "negative" else neuron.thresholds[0]
        panel.axhline(start, ls="--", color="0.6", label="where it started")
        for n, values in enumerate(columns.values()):
            label = None if n else "learned, one point per seed"
            panel.plot([n] * len(values), values, "o", ms=4, alpha=0.6, color="C0", label=label)
        panel.set_xticks(range(len(columns)), list(columns), rotation=90, fontsize=7)
        panel.set_title(variant, fontsize=8)
        panel.set_ylabel("amplitude of negative spikes" if what == "negative" else "threshold")
        panel.set_ylim(0.0, 1.05 * panel.get_ylim()[1])
    axes[0][0].legend(fontsize=7)
    return _saved(figure, path)


def _ends(results: Sequence[Result], variant: str, what: str) -> dict[str, list[float]]:
    """'task, layer' -> what was learned there at the end, one value for each seed."""
    found = ((task, learned(results, task, variant, what)) for task in PLANS)
    return {f"{task}, layer {layer}": values for task, own in found for layer, values in own.items()}


def _widths(results: Sequence[Result], tasks: Sequence[str], path: Path) -> str:
    figure = Figure(figsize=(4.5 * len(WIDTHS), 2.6 * len(tasks)), layout="constrained")
    axes = figure.subplots(len(tasks), len(WIDTHS), squeeze=False)
    for row, task in zip(axes, tasks, strict=True):
        for panel, variant in zip(row, WIDTHS, strict=True):
            for n, layer in enumerate(of(results, task, variant)[0]["widths"]):
                each = np.array([r["widths"][layer] for r in of(results, task, variant)])
                steps = np.arange(1, each.shape[1] + 1)
                panel.plot(steps, each.mean(0), "o-", ms=3, color=f"C{n}", label=f"layer {layer}")
                panel.fill_between(steps, each.min(0), each.max(0), color=f"C{n}", alpha=0.2)
            panel.axhline(1.0, ls="--", color="0.6")
            panel.set_title(f"{task}, {variant}")
            panel.set_xlabel("step")
            panel.set_ylabel("width")
            panel.legend(fontsize=7)
    return _saved(figure, path)


def _saved(figure: Figure, path: Path) -> str:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_file(path, drawn.getvalue(), force=True)
    return path.name
