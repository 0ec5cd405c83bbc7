"""The text of a design: the top that joins its modules, and the modules of its neurons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from snn2hw.backends.rtl.datapath import Datapath
from snn2hw.backends.rtl.design import Design, Memory, Module
from snn2hw.backends.rtl.proofs import watching
from snn2hw.backends.rtl.streams import EVENTS, Stream, counting
from snn2hw.ir.integer import IntNeuron
from snn2hw.native import templates
from snn2hw.native.templates import filled

TOP, SHELL = "snn", "snn_shell"  # the network, and what is around it for place and route
TEMPLATES = Path(__file__).parent / "templates"
LIBRARY = (
    "snn_table", "snn_rom", "snn_pieces", "snn_ram", "snn_skid", "snn_banks", "snn_scatter", "snn_product", "snn_queue",
    "snn_neurons", "snn_serialise", "snn_merge", "snn_feedback",
    "snn_fork", "snn_buffer", "snn_join", "snn_offset", "snn_pixels", "snn_events", "snn_readout",
)  # fmt: skip


_NO_CONSTANTS = {
    "PARAMETERS": "", "FILE": '""', "CONSTANT_WIRES": "constants_unused", "DECLARE": "  logic [LANES-1:0] constants_unused;\n",
}  # fmt: skip


def _constants(bits: int) -> dict[str, str]:
    """What the module of a layer has where constants differ from channel to channel."""
    return {
        "PARAMETERS": ' #(\n    parameter CONSTANT_FILE = ""\n)', "FILE": "CONSTANT_FILE", "CONSTANT_WIRES": "constants",
        "DECLARE": f"  localparam int CONSTANT = {bits};\n  logic [LANES*CONSTANT-1:0] constants;\n",
    }  # fmt: skip


def template(name: str) -> str:
    """The text of a file of `templates`."""
    return templates.template(TEMPLATES / name)


def comment(text: str) -> str:
    """What may stand behind `//`: one line of plain characters."""
    return re.sub(r"[^ -~]|\\", "_", text)


def layer_module(kind: str, node: IntNeuron, path: Datapath, entering: Stream, leaving: Stream, memory: Memory | None,
                 steps: Mapping[str, object], lane: Sequence[str], series: int) -> str:  # fmt: skip
    """The module of a layer of neurons.

    Args:
        kind: its name. node: the layer. path: its lanes. entering, leaving: its streams. memory: constants of channels.
        steps: T and its bits. lane: declarations of one lane. series: the number of the first
            that the simulator records.
    """
    constants = 1 if memory is None else len(memory.values)
    trace = [_traced(series, "spikes", "OUT", 0, leaving.bits, leaving.signed)]
    for n, f in enumerate(path.states, 1):
        trace.append(_traced(series + n, "next_states", "STATE", f.low, f.bits, path.operands[f.name].interval.lo < 0))
    values = {
        "SAYS": comment(f"{node.source or node.name}: {node.program.kind}, {path.cut.latency} stages, {leaving.lanes} lanes"),
        "MODULE": kind, "LANES": leaving.lanes, "IN": entering.bits, "OUT": leaving.bits, "STATE": max(1, path.state_bits),
        "CONSTANT": max(1, path.constant_bits), "WORDS": leaving.words, "WORD": counting(leaving.words),
        "CONSTANTS": constants, "CONSTANT_WORD": counting(constants), **steps, "LATENCY": path.cut.latency,
        **(_NO_CONSTANTS if memory is None else _constants(path.constant_bits)),
        "LANE": "\n".join(f"    {comment(line)}" for line in lane),
        "WATCH": "\n".join(f"    {line}" for line in watching(path, leaving, series)),
        "TRACE": "\n".join(f"        {line}" for line in trace),
    }  # fmt: skip
    return filled(template("neuron_layer.sv"), values)


def _traced(series: int, signal: str, size: str, low: int, bits: int, signed: bool) -> str:
    value = f"{signal}[lane*{size}+{low}+:{bits}]"
    return f"snn2hw_trace({series}, 64'({'$signed' if signed else '$unsigned'}({value})));"


def top(design: Design, name: str, folder: str = "") -> str:
    """The module that is the whole network.

    Args:
        design: of the network. name: of the module. folder: where the files of memories are, in front of their names.
    """
    lines: list[str] = []
    for stream in _streams(design):
        lines += _wires(stream.name, stream)
    readers: dict[str, list[tuple[Module, str]]] = {}
    for module in design.modules:
        for port in module.reads:
            readers.setdefault(port.stream.name, []).append((module, port.prefix))
    joined: dict[tuple[str, str], str] = {}  # (instance, prefix) -> wires that it reads
    for stream in _streams(design):
        reading = readers.get(stream.name, [])
        if len(reading) == 1:
            joined[reading[0][0].name, reading[0][1]] = stream.name
        elif len(reading) > 1:
            lines += _fork(stream, len(reading))
            for n, (module, prefix) in enumerate(reading):
                joined[module.name, prefix] = f"{stream.name}_to{n}"
        else:
            lines.append(f"  assign {stream.name}_ready = 1'b1;  // nobody reads it")
    for module in design.modules:
        lines += _instance(module, joined, folder)
    entry = entry_bits(design)
    values = {
        "MODULE": name, "IN": -(-entry // 8) * 8, "ENTRY": entry, "OUT": readout_width(design),
        "BODY": "\n".join(lines),
    }  # fmt: skip
    return filled(template("top.sv"), values)


def shell(design: Design) -> str:
    """The module around a design for place and route."""
    width = -(-entry_bits(design) // 8) * 8
    return filled(template("shell.sv"), {"MODULE": SHELL, "TOP": TOP, "IN": width, "OUT": readout_width(design)})


def entry_bits(design: Design) -> int:
    """Bits of a beat that enters that are read: a pixel, or an event."""
    entry = design.entry
    return entry.bits if entry.still else 1 + entry.bits + sum(entry.grid.address)


def readout_width(design: Design) -> int:
    """Bits of a beat that leaves."""
    return int(_readout(design).parameters["OUT"])


def _readout(design: Design) -> Module:
    return next(m for m in design.modules if m.kind == "snn_readout")


def _streams(design: Design) -> list[Stream]:
    return [port.stream for module in design.modules for port in module.writes]


def _wires(name: str, stream: Stream) -> list[str]:
    if stream.kind == EVENTS:
        return [
            f"  logic {name}_valid, {name}_ready, {name}_last;",
            f"  logic [{sum(stream.grid.address) - 1}:0] {name}_address;",
            f"  logic [{stream.bits - 1}:0] {name}_value;",
        ]
    return [f"  logic {name}_valid, {name}_ready;", f"  logic [{stream.lanes * stream.bits - 1}:0] {name}_data;"]


def _fork(stream: Stream, readers: int) -> list[str]:
    name = stream.name
    lines = []
    for n in range(readers):
        lines += _wires(f"{name}_to{n}", stream)
        carried = ("last", "address", "value") if stream.kind == EVENTS else ("data",)
        lines += [f"  assign {name}_to{n}_{what} = {name}_{what};" for what in carried]
    valid = ", ".join(f"{name}_to{n}_valid" for n in reversed(range(readers)))
    ready = ", ".join(f"{name}_to{n}_ready" for n in reversed(range(readers)))
    lines += [
        f"  snn_fork #(.READERS({readers})) {name}_fork (",
        f"      .clk(clk), .reset(reset), .in_valid({name}_valid), .in_ready({name}_ready),",
        f"      .out_valid({{{valid}}}), .out_ready({{{ready}}})",
        "  );",
    ]
    return lines


def _instance(module: Module, joined: Mapping[tuple[str, str], str], folder: str) -> list[str]:
    given = []
    for key, value in module.parameters.items():
        text = str(value) if isinstance(value, int) else '"' + (folder + value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        given.append(f".{key}({text})")
    ports = [".clk(clk)", ".reset(reset)"] if module.clocked else []
    for port in module.reads:
        ports += _ports(port.prefix, joined[module.name, port.prefix], port.stream)
    for port in module.writes:
        ports += _ports(port.prefix, port.stream.name, port.stream)
    if module.kind in ("snn_pixels", "snn_events"):
        ports += [
            ".s_axis_tvalid(s_axis_tvalid && open)", ".s_axis_tready(entry_ready)",
            ".s_axis_tdata(s_axis_tdata[ENTRY-1:0])", ".s_axis_tlast(s_axis_tlast)",
        ]  # fmt: skip
    if module.kind == "snn_readout":
        ports += [f".m_axis_{x}(m_axis_{x})" for x in ("tvalid", "tready", "tdata", "tlast")]
    head = [f"  {module.kind} #(", *_wrapped(given), f"  ) {module.name} ("] if given else [f"  {module.kind} {module.name} ("]
    return ["", f"  // {comment(module.node)}", *head, *_wrapped(ports), "  );"]


def _ports(prefix: str, wires: str, stream: Stream) -> list[str]:
    carried = ("last", "address", "value") if stream.kind == EVENTS else ("data",)
    return [f".{prefix}_{what}({wires}_{what})" for what in ("valid", "ready", *carried)]


def _wrapped(items: Sequence[str]) -> list[str]:
    lines, line = [], ""
    for n, item in enumerate(items):
        text = item + ("," if n + 1 < len(items) else "")
        if line and len(line) + len(text) > 100:
            lines.append("      " + line)
            line = ""
        line = f"{line} {text}" if line else text
    return [*lines, "      " + line]
