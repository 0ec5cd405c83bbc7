"""Membranes in floats and in integers, with their spikes, and how far they are apart."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bench.dynamics.measure import Compared
from bench.pictures import STYLE
from snn2hw.files.write import write_file

HEIGHT = 2.0  # inches of a panel


def draw(found: Sequence[Compared], folder: Path) -> list[str]:
    """One SVG for Izhikevich's neurons and one for the others; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    families: dict[str, list[Compared]] = {}
    for c in found:
        families.setdefault(c.case.name.split(",")[0].lower().replace("-", "_"), []).append(c)
    with matplotlib.rc_context({**STYLE, "path.simplify_threshold": 0.5}):
        return [_figure(some, folder / f"{name}.svg") for name, some in families.items()]


def _figure(found: Sequence[Compared], path: Path) -> str:
    names = list(dict.fromkeys(c.case.name for c in found))
    figure = Figure(figsize=(9.0, 1.5 * HEIGHT * len(names) + 0.7), layout="constrained")
    axes = figure.subplots(2 * len(names), 1, sharex=True, height_ratios=[2, 1] * len(names))
    for n, name in enumerate(names):
        widths = [c for c in found if c.case.name == name]
        _trace(axes[2 * n], widths[0])
        _errors(axes[2 * n + 1], widths)
    axes[-1].set_xlabel("time [ms]" if found[0].case.ms else "step")
    handles = {label: h for axis in axes for h, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=3, fontsize=8)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_file(path, _short(drawn.getvalue().decode()).encode(), force=True)
    return path.name


def _trace(axis: Any, c: Compared) -> None:
    n, (_, size), time = c.case.shown, c.case.unit, _time(c)
    floats, integers = size * c.floats.state[:, n], size * c.integers.state[:, n]
    axis.plot(time, floats, color="C0", lw=2.5, alpha=0.45, label="float")
    axis.plot(time, integers, color="black", lw=0.7, label=f"integers, {c.width.state}-bit states")
    top = max(floats.max(), integers.max())
    reach = top - min(floats.min(), integers.min())
    for run, place, colour, label in ((c.floats, 0.22, "C0", "spikes, float"), (c.integers, 0.1, "black", "spikes, integers")):
        at = time[run.fired[:, n]]
        axis.plot(at, np.full(len(at), top + place * reach), "|", color=colour, ms=6, label=label)
    axis.set_ylim(top - 1.06 * reach, top + 0.32 * reach)
    axis.set_ylabel(c.case.label)
    axis.set_title(
        f"{c.case.name}, {c.case.stimuli[n]}: {c.floats.counts[n]} spikes in floats, {c.integers.counts[n]} in integers"
    )


def _errors(axis: Any, widths: Sequence[Compared]) -> None:
    for c, colour in zip(widths, ("C1", "C2", "C3"), strict=False):
        unit, size = c.case.unit
        error = size * np.abs(c.error[:, c.case.shown])
        axis.plot(_time(c), np.maximum(error, size * 2.0**-30), color=colour, lw=0.7, label=f"|integer - float|, {c.width} bits")
        axis.set_ylabel(f"error [{unit}]")
    axis.set_yscale("log")
    axis.set_ylim(bottom=0.1 * widths[-1].lsb * widths[-1].case.unit[1])


def _time(c: Compared) -> Any:
    return np.arange(len(c.floats.state)) * (c.case.ms or 1.0)


def _short(svg: str) -> str:
    """Coordinates to a tenth of a point, which nobody sees."""
    return re.sub(r"(\d+\.\d)\d+", r"\1", svg)
