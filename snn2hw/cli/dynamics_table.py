"""What people see of the dynamics of neurons: a row for each layer, and what is worth a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from snn2hw.cli import console
from snn2hw.dynamics.audit import ChannelDynamics, LayerDynamics
from snn2hw.dynamics.ends import Attractor
from snn2hw.dynamics.fixed_points import FixedPoint

SHOWN = 4  # attractors of a channel, and channels of a layer


def print_dynamics(found: Mapping[str, LayerDynamics], title: str) -> None:
    """All of it."""
    rows = [row for name, layer in found.items() for row in _rows(name, layer)]
    columns = [
        "layer", "neuron", "channel", "real: ends at (share of the range)", "integers: ends at (share)", "fixed points (slope)",
        "ends at a bound", "input to a bound",
    ]  # fmt: skip
    console.table(f"{title}: neurons without input", columns, rows, (2, 6, 7))
    console.say(
        "real: the map that was trained; integers: every state tried (of two states every pair), or ~ where starts were spread "
        "over the ranges"
    )
    for name, layer in found.items():
        for said in layer.findings:
            console.say(f"{name}: {said}")


def _rows(name: str, layer: LayerDynamics) -> Iterator[list[object]]:
    for c in layer.channels[:SHOWN]:
        input_to = "" if c.input_to_bound is None else f"{c.input_to_bound:,}"
        points = ", ".join(f"{_place(p)} ({p.slope:+.2f})" for p in c.fixed_points[:SHOWN])
        points += " and more" * (c.more_fixed_points or len(c.fixed_points) > SHOWN)
        escapes = f"{100 * c.real_escapes:.0f} % / {100 * c.escapes:.0f} %"
        mark = "" if c.enumerated else "~ "
        yield [
            name,
            layer.kind,
            c.channel,
            _ends(c.reals, c.real_ends),
            mark + _ends(c.integers, c.integer_ends),
            points,
            escapes,
            input_to,
        ]
    if len(layer.channels) > SHOWN:
        yield [name, layer.kind, f"+ {len(layer.channels) - SHOWN}", "", "", "", _worst(layer.channels[SHOWN:]), ""]


def _worst(channels: tuple[ChannelDynamics, ...]) -> str:
    worst = max(channels, key=lambda c: c.escapes)
    return f"{100 * worst.real_escapes:.0f} % / {100 * worst.escapes:.0f} %"


def _ends(found: tuple[Attractor, ...], total: int) -> str:
    said = [f"{_where(a)} ({100 * a.basin:.0f} %)" for a in found[:SHOWN]]
    return ", ".join(said) + (f" and {total - SHOWN:,} more" if total > SHOWN else "")


def _place(p: FixedPoint) -> str:
    said = [f"{u:.4g}" for u in p.coordinates]
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"


def _where(a: Attractor) -> str:
    """One number of a fixed point with one state, the ends of a cycle, several states in brackets."""
    ends = []
    for state in a.low:
        low, high = f"{a.low[state]:.4g}", f"{a.high[state]:.4g}"
        ends.append(low if low == high else f"{low}..{high}")
    place = ends[0] if len(ends) == 1 else f"[{', '.join(ends)}]"
    kind = "" if a.period == 1 else f" every {a.period}" if a.period else " still moving"
    return f"{place}{kind}{' firing' * a.fires}{' at a bound' * bool(a.bounds)}"


def to_document(found: Mapping[str, LayerDynamics]) -> dict[str, Any]:
    """The same for JSON."""
    return {name: asdict(layer) for name, layer in found.items()}
