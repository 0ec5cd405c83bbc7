"""The plots of docs/explanation/performance.md, as SVG with its text as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from bench.bars import by_width
from bench.ceilings import CACHE, FLOAT, INT8, MEMORY
from bench.layers import DENSE as LAYER_DENSE
from bench.layers import EVENTS as LAYER_EVENTS
from bench.results import Measured, Results
from bench.rounds import Spread
from bench.ways import DENSE, EVENTS, FAST, FLOATS

STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "snn2hw", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}
LOOKS = {FAST: ("C0", "-"), DENSE: ("C1", "--"), EVENTS: ("C2", ":"), FLOATS: ("C3", "-.")}


def pictures(r: Results, folder: Path) -> list[str]:
    """Write those that there are numbers for; returns their names."""
    made = []
    with matplotlib.rc_context(STYLE):
        for name, draw in PICTURES.items():
            figure = draw(r)
            if figure is not None:
                folder.mkdir(parents=True, exist_ok=True)
                figure.savefig(folder / name, metadata={"Date": None})
                made.append(name)
    return made


def rate(r: Results, ceiling: str) -> float | None:
    """Median work a second of a ceiling, over all rounds of the run."""
    seconds = [s for m in r.networks for s in m.seconds.get(ceiling, [])]
    return r.ceilings[ceiling][0] / Spread.of(seconds).median if seconds else None


def _roofline(r: Results) -> Figure | None:
    int8, floats, memory, cache = (rate(r, c) for c in (INT8, FLOAT, MEMORY, CACHE))
    if int8 is None or floats is None or memory is None or cache is None:
        return None
    figure = Figure(figsize=(8.5, 4.8), layout="constrained")
    axis: Any = figure.subplots()
    points: list[tuple[str, float, float, str]] = []
    for n, m in enumerate(m for m in r.networks if m.batch == 1):
        for way, mark in ((DENSE, "o"), (FAST, "^")):
            done = m.macs / Spread.of(m.seconds[way]).median
            points.append((f"{m.name}, {m.kind}: {way}", m.macs / m.bytes, done, f"C{n}{mark}"))
    for n, some in enumerate(by_width(r.layers).values()):
        one, done = some[0], max(s.macs / Spread.of(s.seconds[LAYER_DENSE]).median for s in some)
        points.append((f"layer of {one.width} at {one.size} x {one.size}: dense", one.macs / one.bytes, done, f"C{n}s"))
    ends = (min(p[1] for p in points) / 4, max(p[1] for p in points) * 4)
    for label, bound, bandwidth, look in (("int8, memory", int8, memory, "k-"), ("int8, cache", int8, cache, "k:")):
        bend = sorted([ends[0], bound / bandwidth, ends[1]])
        axis.plot(bend, [min(bound, v * bandwidth) for v in bend], look, lw=1, label=label)
    axis.axhline(floats, color="grey", lw=1, ls="--", label="float FMA")
    for label, x, y, look in points:
        axis.plot([x], [y], look, ms=5, label=label)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(*ends)
    axis.set_xlabel("products of a dense sum for each byte that has to be moved at least")
    axis.set_ylabel("products of a dense sum a second")
    axis.set_title("Roofline, one thread, batch 1")
    figure.legend(loc="outside right upper", fontsize=7)
    return figure


def _layers(r: Results) -> Figure | None:
    if not r.layers or not r.layer_steps:
        return None
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    density, width, steps = figure.subplots(1, 3)
    for n, (w, some) in enumerate(by_width(r.layers).items()):
        x = [m.density for m in some]
        density.plot(x, _ms(some, LAYER_EVENTS), f"C{n}o-", ms=3, lw=1, label=f"{w} channels")
        density.plot(x, _ms(some, LAYER_DENSE), f"C{n}--", lw=1)
    density.set(xlabel="density [%]", ylabel="ms", title="against density (dashed: dense)")
    density.legend(fontsize=7)
    wide = by_width(r.layers)
    widths = list(wide)
    for n in range(len(next(iter(wide.values())))):
        some = [wide[w][n] for w in widths]
        width.plot(widths, _ms(some, LAYER_EVENTS), "o-", ms=3, lw=1, label=f"events, {some[0].density:.0f} %")
    width.plot(widths, _ms([wide[w][0] for w in widths], LAYER_DENSE), "k--", lw=1, label="dense")
    width.set(xscale="log", xlabel="channels (as many products each)", title="against width")
    width.set_xticks(widths, [str(w) for w in widths], minor=False)
    width.minorticks_off()
    width.legend(fontsize=6)
    t = [m.steps for m in r.layer_steps]
    steps.plot(t, _ms(r.layer_steps, LAYER_EVENTS), "o-", ms=3, lw=1, label=f"events, {r.layer_steps[0].density:.0f} %")
    steps.plot(t, _ms(r.layer_steps, LAYER_DENSE), "k--", lw=1, label="dense")
    steps.set(xlabel="steps T", title=f"against T, {r.layer_steps[0].width} channels")
    steps.legend(fontsize=7)
    for axis in (density, width, steps):
        axis.set_ylim(bottom=0)
    return figure


def _networks(r: Results) -> Figure | None:
    groups: dict[tuple[str, str], list[Measured]] = {}
    for m in r.densities:
        groups.setdefault((m.name, m.kind), []).append(m)
    panels: list[tuple[str, str, list[Measured], Callable[[Measured], float]]] = [
        (f"{name}, {kind}", "density [%]", sorted(some, key=lambda m: m.density), lambda m: m.density)
        for (name, kind), some in groups.items()
    ]
    if r.steps:
        m = r.steps[0]
        panels.append((f"{m.name}, {m.kind}, {m.density:.0f} %", "steps T", r.steps, lambda m: m.steps))
    if not panels:
        return None
    figure = Figure(figsize=(3.4 * min(len(panels), 3), 3.0 * -(-len(panels) // 3)), layout="constrained")
    axes = figure.subplots(-(-len(panels) // 3), min(len(panels), 3), squeeze=False).ravel()
    for axis, (title, label, some, x) in zip(axes, panels, strict=False):
        for way, (colour, dash) in LOOKS.items():
            axis.plot([x(m) for m in some], _ms(some, way), color=colour, ls=dash, marker="o", ms=3, lw=1, label=way)
        axis.set(xlabel=label, ylabel="ms a sample", title=title, yscale="log")
        axis.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # labels of all nine would lie upon each other
        for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            which("{x:g}")
    axes[0].legend(fontsize=7)
    for axis in axes[len(panels) :]:
        axis.remove()
    return figure


def _ms(some: Sequence[Any], way: str) -> list[float]:
    return [1e3 * Spread.of(m.seconds[way]).median for m in some]


PICTURES: dict[str, Callable[[Results], Figure | None]] = {
    "roofline.svg": _roofline,
    "layers.svg": _layers,
    "networks.svg": _networks,
}
