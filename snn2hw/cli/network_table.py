"""What people see of a compiled network: its layers, its programs, and what it reads out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.cli import console
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import Program
from snn2hw.ir.program_text import program_with_comments
from snn2hw.layers import IntSynapse
from snn2hw.simplification import simplified
from snn2hw.trace import Ints


def print_network(net: IntegerNetwork, title: str) -> None:
    """One row per node, and what they sum up to."""
    rows, known = [], {n.name: n for n in net.nodes}
    weights = {n.name: n.weight.size for n in net.nodes if isinstance(n, IntSynapse)}
    macs = {n.name: n.macs(known[n.inputs[0]].shape) for n in net.nodes if isinstance(n, IntSynapse)}
    for n in net.nodes:
        what = n.program.kind if isinstance(n, IntNeuron) else type(n).__name__.removeprefix("Int")
        state = ", ".join(f"{k} {s.format}" for k, s in n.program.states.items()) if isinstance(n, IntNeuron) else ""
        sizes = [len(p.instructions) for p in (n.program, simplified(n.program))] if isinstance(n, IntNeuron) else ["", ""]
        row = [n.name, what, ", ".join(n.inputs), str(list(n.shape)), str(n.format), str(n.interval), state, *sizes]
        rows.append([*row, *(f"{of[n.name]:,}" if n.name in of else "" for of in (weights, macs))])
    columns = [
        "node", "kind", "inputs", "shape", "format", "interval", "states", "instructions", "simplified", "weights", "MACs a step",
    ]  # fmt: skip
    console.table(title, columns, rows, (7, 8, 9, 10))
    total = f"{sum(weights.values()):,} weights, {sum(macs.values()):,} MACs at a step where no value and no weight is 0"
    console.say(f"{total}; `snn2hw estimate` counts those that are used")


def artefact_title(artefact: Artefact, file: Path | None = None) -> str:
    """Folder, target and steps of an artefact on one line, and how it was read where that is known; or `file`, of which it is."""
    origin = "".join(f", {name} {value}" for name, value in artefact.manifest.get("origin", {}).items())
    return f"{artefact.folder or file or 'in memory'}: target {artefact.network.target}, T = {artefact.network.steps}{origin}"


def print_program(layer: str, program: Program) -> None:
    """A neuron program in text form."""
    console.say()
    console.say(console.styled(layer, "bold"))
    console.print_text(program_with_comments(program))


def print_readout(outputs: Mapping[str, Ints], executor: str, seconds: float, most: int = 10) -> None:
    """Prediction and integers of the first samples, output by output, and how fast it went.

    Args:
        executor: its name. seconds: that the run took, for the samples per second.
        outputs: [N, classes] by name, as `Artefact.outputs` gives them. most: how many samples are shown.
    """
    samples = len(next(iter(outputs.values())))
    columns = ["sample"]
    rows: list[list[object]] = [[n] for n in range(min(samples, most))]
    for name, values in outputs.items():
        columns += ["prediction", name] if len(outputs) == 1 else [f"{name}: prediction", f"{name}: readout"]
        for row, integers in zip(rows, values.tolist(), strict=False):
            row.extend([int(np.argmax(integers)), " ".join(map(str, integers))])
    numbers = (0, *range(1, len(columns), 2))
    title = f"{executor}: {samples} samples" + (f", the first {most}" if samples > most else "")
    console.table(title, columns, rows, numbers)
    console.say(f"{seconds:.2f} s, {samples / max(seconds, 1e-9):,.0f} samples a second, compiling and reading included")
