"""What a design is expected to take, and how many cycles a sample, before any tool has run: what folding chooses by.

Look-up tables are those with four inputs, as of ECP5; blocks of memory have 18 kbit. `synthesise` counts what yosys
really makes of a design; docs/how-to/rtl.md says how far off this is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2hw.backends.rtl.blocks import blocks
from snn2hw.backends.rtl.design import Design, Module
from snn2hw.backends.rtl.families import Resources
from snn2hw.backends.rtl.streams import EVENTS
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.trace import Ints, Trace

DENSITY = 0.25  # of the values of a layer that are events, where nothing was measured


def _ram(depth: int, width: int) -> Resources:
    """A memory that is written."""
    if (count := blocks(depth, width)) > 0:
        return Resources(brams=count)
    tables = 6 * -(-depth // 16) * -(-width // 4) + (width * (depth // 16 - 1) if depth > 16 else 0)
    return Resources(luts=tables, lutrams=tables)


def _rom(depth: int, width: int) -> Resources:
    """A memory of constants."""
    count = blocks(depth, width)
    return Resources(brams=count) if count else Resources(luts=width * -(-depth // 16))


def resources(design: Design) -> Resources:
    """Of a whole design."""
    return sum((of_module(m, design) for m in design.modules), Resources())


def of_module(module: Module, design: Design) -> Resources:
    """Of one module."""
    p = {name: value for name, value in module.parameters.items() if isinstance(value, int)}
    if module.kind == "snn_scatter":
        return _sums(module, p)
    if module.kind == "snn_product":
        return _product(p)
    if module.kind in design.lane_takes:
        return _neurons(module, design)
    streams = [port.stream for port in (*module.reads, *module.writes)]
    if module.kind == "snn_readout":
        wide = p["OUT"] * p["LANES"]
        return Resources(luts=2 * wide + 40, ffs=wide * -(-p["CLASSES"] // p["LANES"]) + 20) + _ram(p["CLASSES"], p["OUT"])
    bits = sum(s.lanes * s.bits for s in streams)
    if module.kind in ("snn_buffer", "snn_queue"):
        width = p["BITS"] if module.kind == "snn_buffer" else 1 + p["ADDRESS"] + p["VALUE"]
        return Resources(luts=30, ffs=30) + _ram(p["WORDS"], width)
    return Resources(luts=30 + bits, ffs=30 + bits)


def _sums(module: Module, p: Mapping[str, int]) -> Resources:
    lanes, bits = p["LANES"], p["SUM"]
    address = p["WORD"] + p["WEIGHT_ADDRESS"]
    control = 90 + 3 * address + 2 * (p["ROW"] + p["COLUMN"] + p["CHANNEL"])
    made = Resources(luts=control, ffs=80 + 3 * address) + _banks(p, lanes, bits, p["WEIGHT"])
    for name, memory in module.memories.items():
        width, depth = sum(memory.bits), len(memory.values)
        made += _rom(depth, width) if ".weight." in name or ".bias." in name else Resources(luts=width * -(-depth // 16))
    return made


def _banks(p: Mapping[str, int], lanes: int, bits: int, weight: int) -> Resources:
    """Products and the two banks that they are added up in."""
    multiplies = p["VALUE"] > 1 and weight > 1 and p["VALUE"] + weight >= 9
    each = 5 * bits + (2 * bits if multiplies else 0 if p["VALUE"] == 1 else p["VALUE"] * weight)
    made = Resources(luts=lanes * each, ffs=lanes * 2 * bits, dsps=lanes * multiplies)
    return made + _ram(p["WORDS"], lanes * bits).times(2)


def _product(p: Mapping[str, int]) -> Resources:
    address = p["WORD"] + p["PLACE"]
    tables = (p["WORD"] + p["PLACE"]) * sum(-(-p[axis] // 16) for axis in ("ROWS", "COLUMNS", "CHANNELS"))
    entering = p["ROW_A"] + p["COLUMN_A"] + p["CHANNEL_A"] + p["VALUE_A"]
    control = Resources(luts=120 + 5 * address + tables, ffs=80 + 4 * address + 2 * entering)
    matrix = _ram(2 << p["PLACE"], p["VALUE_A"]).times(p["LANES"])
    return control + matrix + _banks(p, p["LANES"], p["SUM"], p["VALUE_A"] + 1)


def _neurons(module: Module, design: Design) -> Resources:
    lanes = module.writes[0].stream.lanes
    kept = _ram(module.writes[0].stream.words, module.ram // module.writes[0].stream.words)
    for memory in module.memories.values():
        kept += _rom(len(memory.values), sum(memory.bits))
    return design.lane_takes[module.kind].times(lanes) + kept + Resources(luts=60, ffs=60)


@dataclass(frozen=True)
class Activity:
    """How many values of a step are not 0 in the median sample, by the name of the node."""

    events: Mapping[str, float]

    @staticmethod
    def of(network: IntegerNetwork, payloads: Ints, trace: Trace) -> Activity:
        """As it was in a run.

        Args:
            network: that ran. payloads: [T, N, ...] that entered. trace: of it, with spikes.
        """
        runs = payloads.shape[0] * payloads.shape[1]
        values = {network.input.name: payloads.reshape(runs, *payloads.shape[2:])}
        for node in network.nodes[1:]:
            if isinstance(node, IntNeuron):
                values[node.name] = trace.spikes[node.name].reshape(runs, *node.shape)
            elif isinstance(node, IntFeedback):  # but for the first step and the last
                values[node.name] = trace.spikes[node.inputs[0]].reshape(runs, *node.shape)
            else:
                values[node.name] = node.value([values[name] for name in node.inputs])
        steps = payloads.shape[0]
        counts = {name: np.count_nonzero(v.reshape(steps, -1, v[0].size), axis=(0, 2)) / steps for name, v in values.items()}
        return Activity({name: float(np.median(count)) for name, count in counts.items()})

    def share(self, node: str, size: int) -> float:
        """Events of a step of a value of so many places."""
        return self.events.get(node, DENSITY * size)


def cycles(design: Design, activity: Activity) -> dict[str, float]:
    """Cycles of a sample that each module is busy; the largest decides how often a sample can come."""
    return {m.name: _busy(m, design, activity) for m in design.modules}


def _busy(module: Module, design: Design, activity: Activity) -> float:
    p = {name: value for name, value in module.parameters.items() if isinstance(value, int)}
    steps = design.steps
    if module.kind == "snn_scatter":
        entering = module.reads[0].stream
        events = activity.share(entering.node, entering.grid.size)
        taps = _reached(module, "row", p["ROWS"], p["ROW_TAPS"]) * _reached(module, "column", p["COLUMNS"], p["COLUMN_TAPS"])
        adding = (1 if entering.still else steps) * (events * max(taps * p["REACHED"], 1) + 6)
        return max(adding, float(steps * (p["WORDS"] + 3)))
    if module.kind == "snn_product":
        a, b = (activity.share(port.stream.node, port.stream.grid.size) for port in module.reads)
        return steps * max(b * p["REACHED"] + 6, p["WORDS"] + 3.0, p["MATRIX"] + a + 4)
    words = max((s.words for s in (port.stream for port in (*module.reads, *module.writes)) if s.kind != EVENTS), default=0)
    if module.kind == "snn_serialise":
        stream = module.writes[0].stream
        return steps * max(float(words), activity.share(stream.node, stream.grid.size)) + steps
    if module.kind in ("snn_pixels", "snn_events"):
        stream = module.writes[0].stream
        return float(stream.grid.size) if stream.still else steps * activity.share(module.node, stream.grid.size)
    return float(steps * (words + 8))


def _reached(module: Module, axis: str, places: int, most: int) -> float:
    """Outputs that one place of an axis reaches, on the average."""
    table = next(m for name, m in module.memories.items() if f".{axis}." in name)
    return float(table.values[:, 3].sum()) / places if most > 1 or places > 1 else float(table.values[:, 3].sum())


def latency(design: Design, activity: Activity) -> float:
    """Cycles from the first beat of a sample to the last of its readout, where it is alone: an estimate.

    The slowest module is busy all the time; what lies before and behind it adds the time of one step each.
    """
    busy = cycles(design, activity)
    slowest = max(busy, key=lambda name: busy[name])
    return busy[slowest] + sum(value / design.steps for name, value in busy.items() if name != slowest)


def patience(design: Design) -> int:
    """More cycles than a sample can take, whatever its events are: after so many without a beat a simulation is given up."""
    total = 0
    for module in design.modules:
        p = module.parameters
        if module.kind == "snn_scatter":
            events = int(p["ROWS"]) * int(p["COLUMNS"]) * int(p["CHANNELS"])
            work = events * int(p["ROW_TAPS"]) * int(p["COLUMN_TAPS"]) * int(p["REACHED"]) * 2
            total += design.steps * (work + 4 * int(p["WORDS"]) * int(p["LANES"]) + 64)
        elif module.kind == "snn_product":
            a, b = (port.stream.grid.size for port in module.reads)
            work = b * int(p["REACHED"]) * 3 + a + int(p["MATRIX"])
            total += design.steps * (work + 4 * int(p["WORDS"]) * int(p["LANES"]) + 64)
    return 10_000 + 2 * total
