"""What people see of an estimate: whether it fits and why, what is taken, a row for each layer, and where numbers are from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from snn2hw.cli import console
from snn2hw.estimation.break_even import BreakEven
from snn2hw.estimation.estimate import Estimate
from snn2hw.estimation.held import Used
from snn2hw.estimation.layers import LayerEstimate
from snn2hw.estimation.on_cores import FULLEST
from snn2hw.estimation.quantity import FACTOR, Quantity
from snn2hw.target import CONFIDENCES

MOST_SOURCES = 6
UNKNOWN = "not known"  # the lines "left out" below the table say why


def print_estimate(e: Estimate, title: str) -> None:
    """All of one target."""
    console.table(f"{title} on {e.target}: {e.says}", ["", ""], list(_figures(e)))
    for reason in e.reasons:
        console.say(console.styled("does not fit: ", "bold red"), reason)
    _print_layers(e.layers)
    console.table("operations of a sample (NeuroBench's keys first)", ["key", "value"], list(_operations(e.operations)), (1,))
    if e.break_even is not None:
        for line in said_of(e.break_even):
            console.say(line)
    for note in e.notes:
        console.say(f"note: {note}")
    for what in e.not_public:
        console.say(f"left out: {what}")
    _print_sources(e)


def print_all(found: Mapping[str, Estimate], title: str) -> None:
    """One row for each target."""
    rows = [
        [
            name, _fits(e), _number(e.cores), _number(e.chips), _fullest(e.memory), str(e.energy_joules or UNKNOWN)
            + " (relative)" * bool(e.relative_only and e.energy_joules), str(e.latency_seconds or UNKNOWN),
        ]
        for name, e in found.items()
    ]  # fmt: skip
    first = next(iter(found.values()))
    title = f"{title}: counted on {first.samples} samples x {first.steps} steps ({first.on})"
    console.table(title, ["target", "fits", "cores", "chips", "fullest", "energy of a sample", "latency"], rows, (2, 3))
    for name, e in found.items():
        for reason in e.reasons:
            console.say(f"{name}: {reason}")


def _figures(e: Estimate) -> Iterator[list[object]]:
    yield ["counted on", f"{e.samples} samples x {e.steps} steps: {e.on}"]
    yield ["fits", _fits(e)]
    if e.cores is not None:
        yield ["cores", f"{e.cores:,}" + (f" on {e.chips:,} chips" if e.chips and e.chips > 1 else "")]
    for kind, used in e.memory.items():
        yield [kind, _used(used)]
    relative = f" (relative only: {e.relative_only})" if e.relative_only and e.energy_joules else ""
    yield ["energy of a sample", f"{e.energy_joules}{relative}" if e.energy_joules else UNKNOWN]
    for kind, part in e.energy_parts.items():
        yield [f"  of {kind}", str(part)]
    yield ["latency of a sample", str(e.latency_seconds) if e.latency_seconds else UNKNOWN]


def _fits(e: Estimate) -> str:
    if e.fits is None:
        return "not known"
    return "yes" if e.fits else f"no: {len(e.reasons)} reason{'s' * (len(e.reasons) != 1)}"


def _used(used: Used) -> str:
    of = "" if used.limit is None else f" of {used.limit:,.0f} ({100 * (used.share or 0):.1f} %)"
    return f"{used.used:,.0f}{of} {used.unit}".rstrip()


def _fullest(memory: Mapping[str, Used]) -> str:
    shares = {kind: used.share for kind, used in memory.items() if used.share is not None}
    if not shares:
        return ""
    kind = max(shares, key=lambda k: shares[k] or 0)
    return f"{100 * (shares[kind] or 0):.1f} % of {kind.removeprefix(FULLEST)}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _print_layers(layers: Mapping[str, LayerEstimate]) -> None:
    rows = [
        [
            name, layer.kind, "x".join(map(str, layer.shape)), _number(layer.weights or None), _number(layer.macs or None),
            f"{layer.operations:,.0f}" if layer.macs else "", "" if layer.rate is None else f"{100 * layer.rate:.2f} %",
            _number(layer.instructions or None), str(layer.energy or ""),
        ]
        for name, layer in layers.items()
    ]  # fmt: skip
    columns = ["layer", "kind", "shape", "weights", "MACs a step", "operations", "rate", "instructions", "energy of a sample"]
    if not any(row[-1] for row in rows):  # the lines below say why there is none
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    console.table("", columns, rows, (3, 4, 5, 6, 7))


def _operations(found: Mapping[str, Any], before: str = "") -> Iterator[list[object]]:
    for key, value in found.items():
        if isinstance(value, Mapping):
            yield from _operations(value, f"{key}.")
        else:
            yield [before + key, f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"]


def said_of(b: BreakEven) -> tuple[str, str, str]:
    """The break-even in words: what is compared, from where on less is taken, and where the network is."""
    free = f"{_reach(b.arithmetic)}, if memory cost nothing"
    graded = f" ({100 * b.graded:.0f} % of these by graded values, which are multiplied)" if b.graded else ""
    return (
        "break-even, 45 nm table: the other network is quantised, has the same layers, and runs once with 8-bit products",
        f"this one takes less energy {_reach(b.with_memory)} ({free})",
        f"here a step uses {100 * b.rate:.1f} % of its connections{graded}: {b.spiking * 1e9:,.3g} nJ in {b.steps} steps; "
        f"the other takes {b.other * 1e9:,.3g} nJ",
    )


def _reach(share: float) -> str:
    """Below which share of connections, of which a step uses all at the most."""
    if share <= 0:
        return "never: its neurons alone take more"
    return "always" if share > 1 else f"where a step uses fewer than {100 * share:.1f} % of its connections"


def _print_sources(e: Estimate) -> None:
    given = [(name, q) for name, q in (("energy", e.energy_joules), ("latency", e.latency_seconds)) if q is not None]
    for name, q in given:
        factor = FACTOR[q.confidence]
        console.say(
            f"{name}: confidence {q.confidence} ({CONFIDENCES[q.confidence]}; taken to be right within a factor {factor:g})"
        )
        for source in q.source.split("; also ")[:MOST_SOURCES]:
            console.say(*textwrap.wrap(f"  source: {source}", 1000))


def to_document(e: Estimate) -> dict[str, Any]:
    """The estimate for JSON."""
    return {key: _plain(value) for key, value in vars(e).items() if key != "mapping"}


def _plain(value: Any) -> Any:
    if isinstance(value, Quantity | Used | BreakEven | LayerEstimate) or is_dataclass(value):
        return {k: _plain(v) for k, v in asdict(value).items()}  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(v) for v in value]
    return value
