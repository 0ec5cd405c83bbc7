"""The points of an exploration, and their front, as a picture."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from snn2hw.exploration.point import COSTS, UNITS, Front, Point
from snn2hw.plot import pareto

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def drawn(front: Front, ax: Axes | None = None) -> Axes:
    """All points that ran all samples, by `snn2hw.plot.pareto`; of the name only what differs among them.

    Args:
        front: of `explore`. ax: as there.
    """
    shown = [p for p in front.points if p.whole and COSTS[front.cost](p) is not None]
    axis, errors = COSTS[front.cost], any(p.mean_squared_error is not None for p in shown)
    several = len({replace(p.setting, weight_bits=0, state_bits=0) for p in shown}) > 1
    names = [str(p.setting) if several else f"w{p.setting.weight_bits} s{p.setting.state_bits}" for p in shown]
    points = {name: (float(axis(p) or 0), _y(p)) for name, p in zip(names, shown, strict=True)}
    return pareto(points, UNITS[front.cost], "mean squared error" if errors else "accuracy, %", ax, y_lower=errors)


def _y(p: Point) -> float:
    return 100 * p.accuracy if p.accuracy is not None else float(p.mean_squared_error or 0)


def picture(front: Front) -> bytes:
    """`drawn`, as a PNG."""
    out = io.BytesIO()
    figure: Any = drawn(front).figure
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()
