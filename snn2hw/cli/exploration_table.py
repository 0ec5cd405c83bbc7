"""An exploration on the terminal: a table of its points, and their picture."""

from __future__ import annotations

from collections.abc import Mapping

from snn2hw.cli import console
from snn2hw.exploration.point import UNITS, Front, Point, by_layer


def print_front(front: Front, model: str) -> None:
    """Every point with its accuracy and costs, what was refused, and what the front is of; `model` as the user calls it."""
    best = set(map(id, front.pareto))
    shown = "accuracy" if front.points[0].mean_squared_error is None else "mean squared error"
    columns = ["weights", "states", "scales", "target", "samples", shown, "bits of weights", "bits of states", "operations"]
    some = {"epochs": any(p.setting.epochs for p in front.points), "LUTs": any(p.luts is not None for p in front.points)}
    columns += ["energy, J", *(name for name, there in some.items() if there), "front"]
    rows = [_row(p, id(p) in best, some) for p in front.points]
    numbers = (1, 4, 5, 6, 7, 8, 9, *range(10, len(columns) - 1))
    console.table(f"{model}: {len(front.points)} points, {front.samples} samples", columns, rows, numbers)
    for p in front.points:
        if p.refused:
            console.say(console.styled("refused", "yellow"), f" {p.setting}: {p.refused}")
    console.say(f"front: accuracy against {UNITS[front.cost]}; a point with fewer samples fell behind, and stopped")


def _row(p: Point, on_front: bool, some: Mapping[str, bool]) -> list[object]:
    s = p.setting
    score = p.accuracy if p.accuracy is not None else p.mean_squared_error
    measured = "" if score is None else f"{100 * score:.2f} %" if p.accuracy is not None else f"{score:.4g}"
    operations = "" if p.operations is None else f"{p.operations:,.0f}"
    energy = "" if p.energy_joules is None else f"{p.energy_joules:.3g}"
    memory = ["" if m is None else f"{m:,}" for m in (p.weight_memory, p.state_memory)]
    mark = console.good("*", True) if on_front else "refused" if p.refused else ""
    weights, states = by_layer(s.layer_bits) or s.weight_bits, by_layer(s.layer_state_bits) or s.state_bits
    more = [v for name, v in (("epochs", s.epochs), ("LUTs", "" if p.luts is None else f"{p.luts:,.0f}")) if some[name]]
    return [weights, states, s.scales, s.target, f"{p.samples:,}", measured, *memory, operations, energy, *more, mark]


def front_picture(front: Front) -> bytes:
    """The points and their front as PNG."""
    from snn2hw.cli.exploration_picture import picture

    return picture(front)
