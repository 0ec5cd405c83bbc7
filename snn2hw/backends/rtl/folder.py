"""The folder that a hardware engineer gets: SystemVerilog, memories, a test bench with samples, a Makefile, a README. Pure."""

from __future__ import annotations

import numpy as np

from snn2hw.backends.rtl.beats import beats
from snn2hw.backends.rtl.design import Design, Memory, Module
from snn2hw.backends.rtl.drawing import SAYS, drawing
from snn2hw.backends.rtl.estimate import patience
from snn2hw.backends.rtl.parts import STEPWISE, Folding
from snn2hw.backends.rtl.simulation import memories, sources
from snn2hw.backends.rtl.streams import EVENTS
from snn2hw.backends.rtl.text import SHELL, comment, entry_bits, readout_width, shell, template
from snn2hw.files.record import Kind
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.templates import filled
from snn2hw.trace import Ints
from snn2hw.vectors import replayed
from snn2hw.version import __version__

RTL_FOLDER = Kind("RTL folder", frozenset({"snn.sv", "tb.sv"}), edited=True, alone=True)
MADE = ("snn.json", "shell.json", "Vtb")  # by its Makefile


def rtl_folder(network: IntegerNetwork, design: Design, model: str, payloads: Ints, readout: Ints, most: int,
               folding: Folding) -> dict[str, str]:  # fmt: skip
    """File name -> text; the same artefact gives the same text.

    Args:
        network, design: of the artefact. model: sha256 of model.onnx. payloads: [T, N, ...] and readout [N, classes] of
            vectors.npz. most: samples of these that the test bench sends. folding: that the design was made with.

    Raises:
        UsageError: not even one sample asked for. ArtefactError: no sample is the same at every step where the input is.
    """
    chosen = replayed(network, payloads, most, "RTL")
    data, last = beats(design, payloads[:, chosen])
    enter, leave = -(-entry_bits(design) // 8) * 8, readout_width(design)
    expected = readout[chosen][:, design.readout.order].reshape(-1, 1)
    texts = {**sources(design), **memories(design)}
    bench = {"BEATS": len(data), "READOUTS": expected.size, "IN": enter, "OUT": leave, "PATIENCE": 4 * patience(design)}
    texts["vectors_in.mem"] = Memory(np.stack([data.astype(np.int64), last.astype(np.int64)], axis=1), (enter, 1)).text()
    texts["vectors_out.mem"] = Memory(expected, (leave,)).text()
    texts[f"{SHELL}.sv"] = shell(design)
    texts["tb.sv"] = filled(template("tb.sv"), bench)
    names = sorted(name for name in sources(design))
    texts["Makefile"] = filled(template("Makefile"), {"SOURCES": " ".join(names), "MEGAHERTZ": f"{folding.megahertz:g}"})
    texts["network.svg"] = drawing(design)
    texts["README.md"] = filled(template("README.md"), {
        "VERSION": __version__, "SHA": model, "SAMPLES": len(chosen), "IN": enter, "OUT": leave,
        "CLASSES": network.readout.shape[0],
        "ENTERS": _enters(network, design), "LEAVES": _leaves(network), "T": network.steps, "MODULES": _modules(design),
        "CLEARING": max([_clearing(m) for m in design.modules]),
    })  # fmt: skip
    head = f"// Written by snn2hw {__version__} for the model {model[:16]}\n"
    return {name: head + text if name.endswith(".sv") else text for name, text in texts.items()}


def _clearing(module: Module) -> int:
    """Cycles after a reset in which a module sets its memories to 0."""
    return max(int(module.parameters.get("MATRIX", 0)), int(module.parameters["WORDS"])) if module.kind in STEPWISE else 0


def _enters(network: IntegerNetwork, design: Design) -> str:
    """How a sample enters."""
    entry, grid = design.entry, design.entry.grid
    kind = "two's complement" if entry.signed else "unsigned"
    unit = "events" if network.input.counts else f"floor(x / {network.input.unit!r} + 1/2) of a real x"
    if entry.still:
        order = f"[{grid.rows}][{grid.columns}][{grid.channels}]: row, column, channel"
        return (
            f"**A sample** is an image, one beat a pixel in the order {order} (the last one fastest), `tlast` with the last. "
            f"A pixel is `tdata[{entry.bits - 1}:0]`, {kind}, {unit}. Pixels that are missing when `tlast` comes are 0."
        )
    row, column, channel = grid.address
    low, fields = 0, []
    for name, bits in (("channel", channel), ("column", column), ("row", row), ("value", entry.bits)):
        fields.append(f"| `tdata[{low + bits - 1}:{low}]` | {name}{f', {kind}, {unit}' if name == 'value' else ''} |")
        low += bits
    fields.append(f"| `tdata[{low}]` | 1: this beat ends a step and carries no event |")
    return (
        f"**A sample** is its events, step by step ({network.steps} steps): a beat for each value that is not 0, in any order, "
        "then a beat that ends the step. `tlast` comes with the one that ends the last step; steps that are missing then are "
        "empty.\n\n| bits | what |\n|---|---|\n" + "\n".join(fields)
    )


def _leaves(network: IntegerNetwork) -> str:
    kind = "the sum over all steps" if network.readout.kind == "sum" else "that of the last step"
    return (
        f"**A readout** is {network.readout.shape[0]} integers, {kind}; the class is the largest, the first of two that are "
        "equal. What one unit stands for is `artefact.scale`."
    )


def _modules(design: Design) -> str:
    rows = []
    for m in design.modules:
        words = next((p.stream for p in (*m.writes, *m.reads) if p.stream.kind != EVENTS), None)
        says = SAYS.get(m.kind, "neurons")
        lanes, count = (str(words.lanes), f"{words.words:,}") if words is not None else ("", "")
        rows.append(f"| `{m.kind}`, {says} | {comment(m.node).replace('|', '/')} | {lanes} | {count} | {m.bits:,} |")
    return "\n".join(rows)
